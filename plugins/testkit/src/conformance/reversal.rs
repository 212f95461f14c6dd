//! What a target does besides sending: reversing a delivery, and asking whether its API is there.

use std::time::Duration;

use bytes::Bytes;
use fanfare_sdk::{ApiTarget, Call, Delivered, Meaning, SendErrorKind};

use super::{
    check::{Check, Checked, Unfit, failed, skipped},
    keys::{keys, unchanged},
    subject::{Door, Run, Subject, difference},
};
use crate::Received;

pub(super) const CHECKS: &[Check] = &[
    Check {
        must: "T36",
        name: "compensation is as declared",
        mend: "set `compensates` if, and only if, `compensate` reverses a delivery",
        run: |subject| Box::pin(declared(subject)),
    },
    Check {
        must: "T37",
        name: "compensation prepares the same request",
        mend: "make it of the call and of what was delivered alone: it may be repeated after a restart",
        run: |subject| Box::pin(same(subject)),
    },
    Check {
        must: "T38",
        name: "a repeated compensation carries the same key",
        mend: "send `Delivered::idempotency_key` or a key of the call, and nothing else as a key",
        run: |subject| Box::pin(same_key(subject)),
    },
    Check {
        must: "T39",
        name: "a probe is no delivery",
        mend: "ask for something without effect, or leave `probe` out",
        run: |subject| Box::pin(probe(subject)),
    },
    Check {
        must: "T40",
        name: "a probe asks by a safe method",
        mend: "use GET, HEAD or OPTIONS (RFC 9110 section 9.2.1), or leave `probe` out",
        run: |subject| Box::pin(safe(subject)),
    },
];

/// A delivery and its compensation.
struct Reversed {
    delivery: Vec<Received>,
    compensation: Run,
}

async fn reversed(subject: &Subject<'_>, target: &dyn ApiTarget) -> Result<Reversed, Unfit> {
    let call = subject.call(&target.profile());
    reversed_by(subject, target, call).await
}

/// The delivery is that of the suite's call, the compensation that of the given one.
async fn reversed_by(
    subject: &Subject<'_>,
    target: &dyn ApiTarget,
    call: Call,
) -> Result<Reversed, Unfit> {
    let profile = target.profile();
    let run = subject.accepted(target, subject.call(&profile)).await?;
    let delivered = Delivered {
        version: call.version.clone(),
        endpoint: call.endpoint.clone(),
        idempotency_key: call.idempotency_key.clone(),
        reply_body: run.ended.map_or(Bytes::new(), |reply| reply.body.bytes().clone()),
    };
    let transport = subject.accepting();
    let attempt = subject.attempt(&profile, call, &transport);
    let door = Door::Compensate(delivered);
    let compensation = subject.run(target, (door, attempt), &transport).await?;
    Ok(Reversed { delivery: run.received, compensation })
}

async fn declared(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    let profile = target.profile();
    let seen = reversed(subject, &*target).await?;
    match (profile.compensates, seen.compensation.ended) {
        (true, Ok(reply)) => {
            let meaning = target.classify(&subject.call(&profile), &reply).meaning;
            if meaning != Meaning::Success {
                return failed(format!("declared, and classified as {meaning:?}"));
            }
            if seen.compensation.received.is_empty() && !seen.delivery.is_empty() {
                return failed("declared, and made no request");
            }
            Ok(())
        }
        (true, Err(error)) => failed(format!("declared, and ended with `{}`", error.kind.code())),
        (false, Ok(_)) => failed("not declared, and ended with a reply"),
        (false, Err(_)) if !seen.compensation.received.is_empty() => {
            failed("not declared, and made a request")
        }
        (false, Err(error)) if error.kind == SendErrorKind::Unsupported => Ok(()),
        (false, Err(error)) => {
            failed(format!("not declared, and ended with `{}`", error.kind.code()))
        }
    }
}

async fn same(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    if !target.profile().compensates {
        return skipped("it does not compensate");
    }
    let first = reversed(subject, &*target).await?.compensation.received;
    for (target, which) in [(target, "the second time"), (subject.target(), "built anew")] {
        let other = reversed(subject, &*target).await?.compensation.received;
        if let Some(what) = difference(&first, &other) {
            return failed(format!("{what} {which}"));
        }
    }
    Ok(())
}

async fn same_key(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    if !target.profile().compensates {
        return skipped("it does not compensate");
    }
    let first = subject.call(&target.profile());
    let mut second = first.clone();
    second.number = 2;
    second.now = first.now.after(Duration::from_secs(300));
    second.nonce = [9; 16];
    let first = reversed_by(subject, &*target, first).await?.compensation.received;
    let second = reversed_by(subject, &*target, second).await?.compensation.received;
    unchanged(&keys(&first), &keys(&second))
}

/// What the target asks its API when it is probed.
async fn probed(subject: &Subject<'_>, target: &dyn ApiTarget) -> Result<Run, Unfit> {
    let profile = target.profile();
    let transport = subject.accepting();
    let attempt = subject.attempt(&profile, subject.call(&profile), &transport);
    subject.run(target, (Door::Probe, attempt), &transport).await
}

async fn safe(subject: &Subject<'_>) -> Checked {
    let asked = probed(subject, &*subject.target()).await?.received;
    if asked.is_empty() {
        return skipped("it makes no request");
    }
    match asked.iter().find(|request| !request.method.is_safe()) {
        None => Ok(()),
        Some(request) => failed(format!("it asks by {}", request.method)),
    }
}

async fn probe(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    let delivery = subject.prepared(&*target, subject.call(&target.profile())).await?;
    let probe = probed(subject, &*target).await?;
    let same = |one: &Received, other: &Received| {
        one.method == other.method && one.uri == other.uri && one.body == other.body
    };
    if probe.received.iter().any(|one| delivery.received.iter().any(|other| same(one, other))) {
        return failed("it makes the request of a delivery");
    }
    match probe.ended {
        Err(error) if error.kind != SendErrorKind::Unsupported => {
            failed(format!("it ended with `{}`", error.kind.code()))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}
