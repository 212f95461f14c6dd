//! What a target does when its API fails: nothing but say so.

use std::time::Duration;

use fanfare_sdk::{Effect, Meaning, SendErrorKind};
use tokio::time::{sleep, timeout};

use super::{
    check::{Check, Checked, Unfit, failed},
    subject::{BROKEN_MAX, Run, Subject},
};
use crate::{Received, Scripted};

/// Where the suite's redirects lead.
const ELSEWHERE: &str = "elsewhere.conformance.example";

pub(super) const CHECKS: &[Check] = &[
    Check {
        must: "T18",
        name: "an attempt makes no more exchanges than declared",
        mend: "raise `exchanges_max` where the API needs them all; an attempt repeats none",
        run: |subject| Box::pin(declared(subject)),
    },
    Check {
        must: "T19",
        name: "a request is never repeated",
        mend: "hand the reply or error on: whether there is another attempt is decided by the engine",
        run: |subject| Box::pin(repeated(subject)),
    },
    Check {
        must: "T20",
        name: "no redirect is followed",
        mend: "hand the reply on: the way is configured, not learned from a reply",
        run: |subject| Box::pin(redirected(subject)),
    },
    Check {
        must: "T21",
        name: "an attempt never sleeps",
        mend: "hand the reply on with its `Retry-After`: the engine waits, and holds no permit meanwhile",
        run: |subject| Box::pin(sleeps(subject)),
    },
    Check {
        must: "T22",
        name: "a failure is not made a success",
        mend: "hand the failing reply on as it came",
        run: |subject| Box::pin(made_success(subject)),
    },
    Check {
        must: "T23",
        name: "an error is handed on as it is",
        mend: "return the error of `Wire::send` unchanged: its effect says whether the API may have acted",
        run: |subject| Box::pin(handed_on(subject)),
    },
    Check {
        must: "T24",
        name: "an attempt can be dropped",
        mend: "await the wire in `send` itself: what is spawned goes on after an abort",
        run: |subject| Box::pin(dropped(subject)),
    },
];

fn refusals() -> [Scripted; 4] {
    [
        Scripted::status(503).header("retry-after", "1"),
        Scripted::status(500),
        Scripted::status(429).header("retry-after", "1"),
        Scripted::status(401).header("www-authenticate", "Bearer"),
    ]
}

fn breaks() -> [Scripted; 4] {
    [Scripted::refused(), Scripted::reset_before(), Scripted::reset_after(), Scripted::garbage()]
}

/// Every fault at every exchange, with what it is called in a message.
async fn faults(subject: &Subject<'_>) -> Result<Vec<(String, Run)>, Unfit> {
    let mut runs = Vec::new();
    for fault in refusals().into_iter().chain(breaks()) {
        let name = fault.name();
        runs.extend(subject.broken(&fault).await?.into_iter().map(|run| (name.clone(), run)));
    }
    Ok(runs)
}

async fn declared(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    let profile = target.profile();
    let max = usize::from(profile.exchanges_max);
    let accepted = subject.prepared(&*target, subject.call(&profile)).await?;
    let mut runs = faults(subject).await?;
    runs.push(("acceptance".to_owned(), accepted));
    match runs.iter().find(|(_, run)| run.received.len() > max) {
        None => Ok(()),
        Some((fault, run)) => {
            failed(format!("{} after {fault}, {max} declared", run.received.len()))
        }
    }
}

async fn repeated(subject: &Subject<'_>) -> Checked {
    let same = |one: &Received, other: &Received| {
        one.method == other.method && one.uri == other.uri && one.body == other.body
    };
    for (fault, run) in faults(subject).await? {
        let Some((last, before)) = run.received.split_last() else { continue };
        if before.iter().any(|request| same(request, last)) {
            return failed(format!("the same request again after {fault}"));
        }
    }
    Ok(())
}

async fn redirected(subject: &Subject<'_>) -> Checked {
    for status in [301, 302, 303, 307, 308] {
        let location = format!("https://{ELSEWHERE}/");
        let fault = Scripted::status(status).header("location", &location);
        let runs = subject.broken(&fault).await?;
        let mut requests = runs.iter().flat_map(|run| &run.received);
        if requests.any(|request| request.uri.host() == Some(ELSEWHERE)) {
            return failed(format!("it followed a {status}"));
        }
    }
    Ok(())
}

async fn sleeps(subject: &Subject<'_>) -> Checked {
    match faults(subject).await?.iter().find(|(_, run)| !run.took.is_zero()) {
        None => Ok(()),
        Some((fault, run)) => failed(format!("{:?} went by after {fault}", run.took)),
    }
}

async fn made_success(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    let call = subject.call(&target.profile());
    for fault in refusals() {
        for run in subject.broken(&fault).await? {
            let Ok(reply) = run.ended else { continue };
            if target.classify(&call, &reply).meaning == Meaning::Success {
                return failed(format!("success after {}", fault.name()));
            }
        }
    }
    Ok(())
}

async fn handed_on(subject: &Subject<'_>) -> Checked {
    let expected = [
        (SendErrorKind::Connect, Effect::None),
        (SendErrorKind::Reset, Effect::None),
        (SendErrorKind::Reset, Effect::Unknown),
        (SendErrorKind::Protocol, Effect::Unknown),
    ];
    for (fault, (kind, effect)) in breaks().into_iter().zip(expected) {
        // Only where the first exchange breaks: what later ones mean, the target may know better.
        let Some(run) = subject.broken(&fault).await?.into_iter().next() else { continue };
        let name = fault.name();
        let Err(error) = run.ended else { return failed(format!("a reply after {name}")) };
        let seen = error.classification;
        if seen.effect != effect {
            return failed(format!("effect {:?} after {name}, not {effect:?}", seen.effect));
        }
        if (error.kind, seen.meaning) != (kind, Meaning::Retry) {
            let code = error.kind.code();
            return failed(format!("`{code}`, {:?} after {name}", seen.meaning));
        }
    }
    Ok(())
}

async fn dropped(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    let profile = target.profile();
    let call = subject.call(&profile);
    let exchanges = subject.prepared(&*target, call.clone()).await?.received.len();
    for accepted in 0..exchanges.min(BROKEN_MAX) {
        let transport = subject.failing(accepted, Scripted::hang());
        let attempt = subject.attempt(&profile, call.clone(), &transport);
        // Whether it ended by itself does not matter: after this it is gone.
        timeout(Duration::from_secs(1), target.send(attempt)).await.ok();
        let seen = transport.count();
        sleep(Duration::from_secs(3600)).await;
        if transport.in_flight() > 0 {
            return failed("its exchange is still under way");
        }
        if transport.count() > seen {
            return failed("it made another exchange after it was dropped");
        }
    }
    Ok(())
}
