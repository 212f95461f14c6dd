//! What a target makes of replies, whatever they are.

use std::{panic::AssertUnwindSafe, time::Duration};

use bytes::Bytes;
use fanfare_sdk::{
    ApiTarget, Call, Classification, Effect, Meaning, Repeat, Reply, RetryAfter, Version,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{
    bodies,
    check::{Check, Checked, Unfit, failed, skipped},
    subject::Subject,
};

/// The statuses with which an API accepts.
const ACCEPTED: &[u16] = &[200, 201, 202, 204];

pub(super) const CHECKS: &[Check] = &[
    Check {
        must: "T27",
        name: "every reply is classified, always the same",
        mend: "classify from the call and the reply alone, expect nothing of either, and keep nothing",
        run: |subject| Box::pin(total(subject)),
    },
    Check {
        must: "T28",
        name: "success means applied",
        mend: "classify as success only what the API says it has taken",
        run: |subject| Box::pin(applied(subject)),
    },
    Check {
        must: "T29",
        name: "an accepted body is a success with every status that accepts",
        mend: "take 200, 201, 202 and 204 as success, unless the body says otherwise",
        run: |subject| Box::pin(success(subject)),
    },
    Check {
        must: "T30",
        name: "a 5xx is never a success",
        mend: "leave what is not special to `Classification::by_status`",
        run: |subject| Box::pin(server_error(subject)),
    },
    Check {
        must: "T31",
        name: "Retry-After is handed on",
        mend: "set `retry_after` by `fanfare_sdk::retry_after`, whatever the meaning",
        run: |subject| Box::pin(retry_after(subject)),
    },
    Check {
        must: "T32",
        name: "a doubt stays a doubt where nothing may be repeated",
        mend: "a bare 408, 500, 502 or 504 has effect unknown: the API may have acted before it failed",
        run: |subject| Box::pin(doubt(subject)),
    },
];

/// Every status with each of three heads and bodies; and a reply without a status.
fn replies() -> Vec<Reply> {
    let huge = huge_headers();
    let noise: Bytes = (0..=255).cycle().take(64 << 10).collect::<Vec<u8>>().into();
    let json = r#"{"ok":false,"success":"no","errors":[{"code":-1e99}],"status":null,"error":[]}"#;
    let each = |status| {
        [
            Reply::http(status, HeaderMap::new(), Bytes::new()),
            Reply::http(status, huge.clone(), noise.clone()),
            Reply::http(status, HeaderMap::new(), json),
        ]
    };
    let mut replies: Vec<_> = (100..=599).flat_map(each).collect();
    replies.push(Reply::accepted(Bytes::new()));
    replies
}

/// 64 KiB of headers, those that say something with numbers that fit nowhere.
fn huge_headers() -> HeaderMap {
    let long = HeaderValue::try_from("9".repeat(1 << 10)).ok();
    let known = ["retry-after", "ratelimit-reset", "x-ratelimit-reset", "content-length"];
    let names = known.map(str::to_owned).into_iter().chain((0..60).map(|n| format!("x-{n}")));
    let header = |name| Some((HeaderName::try_from(name).ok()?, long.clone()?));
    names.filter_map(header).collect()
}

/// The suite's call with the preferred version, and without any.
fn calls(subject: &Subject<'_>, target: &dyn ApiTarget) -> [Call; 2] {
    let mut with = subject.call(&target.profile());
    let mut without = with.clone();
    with.version.get_or_insert_with(|| Version::from("1"));
    without.version = None;
    [with, without]
}

fn classified(target: &dyn ApiTarget, call: &Call, reply: &Reply) -> Result<Classification, Unfit> {
    let classify = AssertUnwindSafe(|| target.classify(call, reply));
    std::panic::catch_unwind(classify).or_else(|_| failed(format!("panicked at {}", name(reply))))
}

fn name(reply: &Reply) -> String {
    let status = reply.head.status.map_or("no status".to_owned(), |status| status.to_string());
    format!("{status} with {} headers, {:?}", reply.head.headers.len(), reply.body)
}

async fn total(subject: &Subject<'_>) -> Checked {
    let (target, anew) = (subject.target(), subject.target());
    let mut replies = replies();
    let accepted = subject.accepted(&*target, subject.call(&target.profile())).await?;
    let accepted = accepted.ended.map_or(Bytes::new(), |reply| reply.body.bytes().clone());
    let odd = bodies::odd(&accepted).into_iter();
    replies.extend(odd.flat_map(|body| {
        [200, 400].map(|status| Reply::http(status, HeaderMap::new(), body.clone()))
    }));
    for call in calls(subject, &*target) {
        let first: Result<Vec<_>, _> =
            replies.iter().map(|reply| classified(&*target, &call, reply)).collect();
        for (reply, first) in replies.iter().zip(first?) {
            for target in [&target, &anew] {
                if classified(&**target, &call, reply)? != first {
                    return failed(format!("another meaning the second time: {}", name(reply)));
                }
            }
        }
    }
    Ok(())
}

async fn applied(subject: &Subject<'_>) -> Checked {
    let wrong = |_: &Reply, seen: &Classification| {
        seen.meaning == Meaning::Success && seen.effect != Effect::Applied
    };
    none_is(subject, wrong).await
}

async fn server_error(subject: &Subject<'_>) -> Checked {
    let wrong = |reply: &Reply, seen: &Classification| {
        matches!(reply.head.status, Some(500..)) && seen.meaning == Meaning::Success
    };
    none_is(subject, wrong).await
}

async fn none_is(
    subject: &Subject<'_>,
    wrong: impl Fn(&Reply, &Classification) -> bool,
) -> Checked {
    let (target, replies) = (subject.target(), replies());
    for call in calls(subject, &*target) {
        for reply in &replies {
            // A panic is what the first of the checks finds.
            let Ok(seen) = classified(&*target, &call, reply) else { continue };
            if wrong(reply, &seen) {
                let (meaning, effect) = (seen.meaning, seen.effect);
                return failed(format!("{meaning:?} {effect:?} at {}", name(reply)));
            }
        }
    }
    Ok(())
}

async fn success(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    let call = subject.call(&target.profile());
    let Ok(mut reply) = subject.prepared(&*target, call.clone()).await?.ended else {
        return skipped("nothing was accepted");
    };
    for status in ACCEPTED {
        reply.head.status = Some(*status);
        let seen = target.classify(&call, &reply);
        if (seen.meaning, seen.effect) != (Meaning::Success, Effect::Applied) {
            return failed(format!("{:?} {:?} at {status}", seen.meaning, seen.effect));
        }
    }
    Ok(())
}

async fn retry_after(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    let call = subject.call(&target.profile());
    let seven = HeaderMap::from_iter([(http::header::RETRY_AFTER, HeaderValue::from_static("7"))]);
    for status in [503, 429] {
        let reply = Reply::http(status, seven.clone(), Bytes::new());
        let seen = target.classify(&call, &reply).retry_after;
        if seen != Some(RetryAfter::For(Duration::from_secs(7))) {
            return failed(format!("{status} with `Retry-After: 7` gives {seen:?}"));
        }
    }
    Ok(())
}

async fn doubt(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    let profile = target.profile();
    if profile.repeat != Repeat::Never {
        return skipped("a repeat does no harm");
    }
    for status in [408, 500, 502, 504] {
        let reply = Reply::http(status, HeaderMap::new(), Bytes::new());
        let seen = target.classify(&subject.call(&profile), &reply);
        if (seen.meaning, seen.effect) == (Meaning::Retry, Effect::None) {
            return failed(format!("{status} would be sent again"));
        }
    }
    Ok(())
}
