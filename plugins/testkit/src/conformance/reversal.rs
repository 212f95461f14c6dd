//! What a target does besides sending: reversing a delivery, and asking whether its API is there.

use bytes::Bytes;
use fanfare_sdk::{ApiTarget, Delivered, Meaning, SendErrorKind};

use super::{
    check::{Check, Checked, Unfit, failed, skipped},
    subject::{Door, Run, Subject, difference},
};
use crate::Received;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "compensation is as declared",
        mend: "set `compensates` if, and only if, `compensate` reverses a delivery",
        run: |subject| Box::pin(declared(subject)),
    },
    Check {
        name: "compensation prepares the same request",
        mend: "make it of the call and of what was delivered alone: it may be repeated after a restart",
        run: |subject| Box::pin(same(subject)),
    },
    Check {
        name: "a probe is no delivery",
        mend: "ask for something without effect, or leave `probe` out",
        run: |subject| Box::pin(probe(subject)),
    },
];

/// A delivery and its compensation.
struct Reversed {
    delivery: Vec<Received>,
    compensation: Run,
}

async fn reversed(subject: &Subject<'_>, target: &dyn ApiTarget) -> Result<Reversed, Unfit> {
    let profile = target.profile();
    let call = subject.call(&profile);
    let run = subject.accepted(target, call.clone()).await?;
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

async fn probe(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    let profile = target.profile();
    let call = subject.call(&profile);
    let delivery = subject.prepared(&*target, call.clone()).await?;
    let transport = subject.accepting();
    let attempt = subject.attempt(&profile, call, &transport);
    let probe = subject.run(&*target, (Door::Probe, attempt), &transport).await?;
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
