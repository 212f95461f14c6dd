//! What a target asks of its API.

use std::time::Duration;

use fanfare_sdk::{ApiTarget, Call, Effect, Meaning, check};
use tokio::time::sleep;

use super::{
    check::{Check, Checked, failed, skipped},
    subject::{Subject, difference},
};
use crate::Received;

pub(super) const CHECKS: &[Check] = &[
    Check {
        must: "T7",
        name: "what the API accepts is a success",
        mend: "send what the suite's payload makes, and classify the reply of `accepting` as success, applied; \
               give the suite another payload or reply where these do not fit the API",
        run: |subject| Box::pin(accepted(subject)),
    },
    Check {
        must: "T8",
        name: "the same call prepares the same request",
        mend: "take time and randomness from `Call::now` and `Call::nonce`, and keep nothing between attempts",
        run: |subject| Box::pin(same(subject)),
    },
    Check {
        must: "T9",
        name: "every version makes a request of its own",
        mend: "put `Call::version` into the URL, a header or the body",
        run: |subject| Box::pin(versions(subject)),
    },
    Check {
        must: "T10",
        name: "every endpoint makes a request of its own",
        mend: "call `Call::endpoint` where there is one",
        run: |subject| Box::pin(endpoints(subject)),
    },
    Check {
        must: "T11",
        name: "a request names the whole URL",
        mend: "make it `https://host/path` (or `http`), without user info: who we are is put on by an authorizer",
        run: |subject| Box::pin(absolute(subject)),
    },
    Check {
        must: "T12",
        name: "no header of the engine is set",
        mend: "leave `host`, `content-length`, `traceparent` and the like to the engine",
        run: |subject| Box::pin(headers(subject)),
    },
];

async fn accepted(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    let call = subject.call(&target.profile());
    let run = subject.accepted(&*target, call.clone()).await?;
    let reply = match run.ended {
        Ok(reply) => reply,
        Err(error) => {
            let cause = error.source.map(|cause| format!(": {cause}")).unwrap_or_default();
            return failed(format!("it ended with the error `{}`{cause}", error.kind.code()));
        }
    };
    let seen = target.classify(&call, &reply);
    match (seen.meaning, seen.effect) {
        (Meaning::Success, Effect::Applied) => Ok(()),
        (meaning, effect) => failed(format!("it is classified as {meaning:?} {effect:?}")),
    }
}

async fn same(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    let call = subject.call(&target.profile());
    let first = subject.prepared(&*target, call.clone()).await?;
    sleep(Duration::from_secs(90)).await;
    for (target, which) in [(target, "the second time"), (subject.target(), "built anew")] {
        let other = subject.prepared(&*target, call.clone()).await?;
        if let Some(what) = difference(&first.received, &other.received) {
            return failed(format!("{what} {which}"));
        }
    }
    Ok(())
}

async fn versions(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    let profile = target.profile();
    let mut calls = Vec::new();
    for version in subject.versions(&profile) {
        let mut call = subject.call(&profile);
        call.version = Some(version);
        calls.push(call);
    }
    reflected(subject, &*target, calls).await
}

async fn endpoints(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    let profile = target.profile();
    let mut calls = Vec::new();
    for endpoint in &profile.endpoints {
        let mut call = subject.call(&profile);
        call.endpoint = Some(endpoint.clone());
        calls.push(call);
    }
    reflected(subject, &*target, calls).await
}

/// Each call makes a request, and no two make the same.
async fn reflected(subject: &Subject<'_>, target: &dyn ApiTarget, calls: Vec<Call>) -> Checked {
    if calls.is_empty() {
        return skipped("none is declared");
    }
    subject.prepared(target, subject.call(&target.profile())).await?;
    let way = |call: &Call| format!("{:?} {:?}", call.version, call.endpoint);
    let mut seen: Vec<(String, Vec<Received>)> = Vec::new();
    for call in calls {
        let way = way(&call);
        let run = subject.accepted(target, call).await?;
        if run.received.is_empty() {
            return failed(format!("{way} makes no request"));
        }
        let twin = seen.iter().find(|(_, other)| difference(&run.received, other).is_none());
        if let Some((other, _)) = twin {
            return failed(format!("{way} makes the same request as {other}"));
        }
        seen.push((way, run.received));
    }
    Ok(())
}

async fn absolute(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    let run = subject.prepared(&*target, subject.call(&target.profile())).await?;
    for Received { uri, .. } in &run.received {
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
            return failed("a URL without `https://` or without a host");
        }
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return failed("a URL with user info");
        }
    }
    Ok(())
}

async fn headers(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    let run = subject.prepared(&*target, subject.call(&target.profile())).await?;
    let mut names = run.received.iter().flat_map(|request| request.headers.keys());
    match names.find_map(|name| check::header_name(name.as_str()).err()) {
        None => Ok(()),
        Some(says) => failed(says),
    }
}
