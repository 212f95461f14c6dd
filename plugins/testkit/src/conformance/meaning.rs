//! What a target makes of the few replies on which the engine builds.

use fanfare_sdk::{Effect, Meaning, Reply, ReplyBody};
use http::HeaderMap;

use super::{
    check::{Check, Checked, failed, skipped},
    subject::Subject,
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        must: "T33",
        name: "a bare 401 is unauthorized",
        mend: "classify it as `Unauthorized`: an authorizer that has learned something gets another try, and only then",
        run: |subject| Box::pin(bare(subject, (401, Meaning::Unauthorized))),
    },
    Check {
        must: "T34",
        name: "a bare 429 is throttled",
        mend: "classify it as `Throttled`: the whole target is left alone, and no attempt is spent",
        run: |subject| Box::pin(bare(subject, (429, Meaning::Throttled))),
    },
    Check {
        must: "T35",
        name: "a reply that was cut is no certain failure",
        mend: "where `body.is_truncated()`, a 2xx has effect applied or unknown, whatever could be read of it",
        run: |subject| Box::pin(cut(subject)),
    },
];

async fn bare(subject: &Subject<'_>, (status, meaning): (u16, Meaning)) -> Checked {
    let target = subject.target();
    let reply = Reply::http(status, HeaderMap::new(), "");
    let seen = target.classify(&subject.call(&target.profile()), &reply).meaning;
    if seen == meaning { Ok(()) } else { failed(format!("{status} is {seen:?}")) }
}

async fn cut(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    let call = subject.call(&target.profile());
    let Ok(reply) = subject.prepared(&*target, call.clone()).await?.ended else {
        return skipped("nothing was accepted");
    };
    let body = reply.body.bytes().clone();
    for kept in [0, body.len() / 2, body.len().saturating_sub(1)] {
        let cut =
            Reply { head: reply.head.clone(), body: ReplyBody::truncated(body.slice(..kept)) };
        let seen = target.classify(&call, &cut);
        if seen.effect == Effect::None {
            let meaning = seen.meaning;
            return failed(format!("{meaning:?} None after {kept} of {} bytes", body.len()));
        }
    }
    Ok(())
}
