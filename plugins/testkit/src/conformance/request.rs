//! What a target asks of its API.

use std::{collections::BTreeSet, time::Duration};

use fanfare_sdk::{ApiTarget, Attempt, Call, Effect, Meaning, Payload};
use tokio::time::sleep;

use super::{
    check::{Check, Checked, failed, skipped},
    subject::{DELIVERY, Door, KEY, Subject, difference},
};
use crate::Received;

/// Headers that hold an idempotency key at most APIs that take one.
const KEY_HEADERS: &[&str] = &[
    "idempotency-key",
    "x-idempotency-key",
    "paypal-request-id",
    "i-twilio-idempotency-token",
    "webhook-id",
];

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "what the API accepts is a success",
        mend: "send what the suite's payload makes, and classify the reply of `accepting` as success, applied; \
               give the suite another payload or reply where these do not fit the API",
        run: |subject| Box::pin(accepted(subject)),
    },
    Check {
        name: "the same call prepares the same request",
        mend: "take time and randomness from `Call::now` and `Call::nonce`, and keep nothing between attempts",
        run: |subject| Box::pin(same(subject)),
    },
    Check {
        name: "every version makes a request of its own",
        mend: "put `Call::version` into the URL, a header or the body",
        run: |subject| Box::pin(versions(subject)),
    },
    Check {
        name: "every endpoint makes a request of its own",
        mend: "call `Call::endpoint` where there is one",
        run: |subject| Box::pin(endpoints(subject)),
    },
    Check {
        name: "a repeat carries the same key",
        mend: "send `Call::idempotency_key` or `Call::delivery_id` as it is, and nothing else as a key",
        run: |subject| Box::pin(key(subject)),
    },
    Check {
        name: "no payload makes it panic",
        mend: "return a `PrepareError` for a payload that cannot be sent",
        run: |subject| Box::pin(payloads(subject)),
    },
];

async fn accepted(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    let call = subject.call(&target.profile());
    let run = subject.accepted(&*target, call.clone()).await?;
    let reply = match run.ended {
        Ok(reply) => reply,
        Err(error) => return failed(format!("it ended with the error `{}`", error.kind.code())),
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
    for version in &profile.versions {
        let mut call = subject.call(&profile);
        call.version = Some(version.clone());
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

async fn key(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    let first = subject.call(&target.profile());
    let mut second = first.clone();
    second.number = 2;
    second.now = first.now.after(Duration::from_secs(300));
    second.nonce = [9; 16];
    let first = keys(&subject.prepared(&*target, first).await?.received);
    let second = keys(&subject.prepared(&*target, second).await?.received);
    if first.is_empty() && second.is_empty() {
        return skipped("no key is to be seen in the request");
    }
    match first.symmetric_difference(&second).next() {
        None => Ok(()),
        Some((place, _)) => failed(format!("another key in the {place}")),
    }
}

/// Every key that can be seen, with its place: whatever stands in a known header, and whatever holds a marker.
fn keys(received: &[Received]) -> BTreeSet<(String, String)> {
    let mut keys = BTreeSet::new();
    for (number, request) in received.iter().enumerate() {
        let mut places =
            vec![("URL".to_owned(), request.uri.to_string()), ("body".to_owned(), request.text())];
        for (name, value) in &request.headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            let place = format!("header `{name}`");
            if KEY_HEADERS.contains(&name.as_str()) {
                keys.insert((format!("{place} of request {number}"), value));
            } else {
                places.push((place, value));
            }
        }
        for (place, text) in places {
            let tokens = text.split(|c: char| !(c.is_ascii_alphanumeric() || "-_.:".contains(c)));
            let marked = tokens.filter(|token| token.contains(KEY) || token.contains(DELIVERY));
            keys.extend(marked.map(|t| (format!("{place} of request {number}"), t.to_owned())));
        }
    }
    keys
}

async fn payloads(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    let profile = target.profile();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for payload in [
        Payload::new("", ""),
        Payload::new("application/json", "{"),
        Payload::new("application/json", "null"),
        Payload::new("application/json", r#"[{"\u0000":1e999},"\ud800"]"#),
        Payload::new("application/json", deep),
        Payload::new("text/plain; charset=latin1\r\n", "\u{feff}\r\n"),
        Payload::new("application/octet-stream", (0..=255).collect::<Vec<u8>>()),
    ] {
        let transport = subject.accepting();
        let attempt = subject.attempt(&profile, subject.call(&profile), &transport);
        let attempt = Attempt::new(attempt.call, payload, attempt.wire);
        // Whether it is sent or refused is the target's own affair.
        subject.run(&*target, (Door::Send, attempt), &transport).await?;
    }
    Ok(())
}
