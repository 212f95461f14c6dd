//! What a target makes of payloads that its API cannot want.

use fanfare_sdk::{Attempt, Effect, Meaning, Payload, SendErrorKind};

use super::{
    check::{Check, Checked, Unfit, failed},
    subject::{Door, Run, Subject},
};

/// Bytes of the longest payload: more than an API takes of one request, and soon made.
const LONG: usize = 1 << 20;

pub(super) const CHECKS: &[Check] = &[
    Check {
        must: "T16",
        name: "no payload makes it panic",
        mend: "return a `PrepareError` for a payload that cannot be sent",
        run: |subject| Box::pin(panics(subject)),
    },
    Check {
        must: "T17",
        name: "what cannot be sent is refused for good",
        mend: "return a `PrepareError`, and nothing else: it says that another attempt would end in the same way, and \
               that nothing was sent",
        run: |subject| Box::pin(refused(subject)),
    },
];

pub(super) fn odd() -> Vec<Payload> {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    vec![
        Payload::new("", ""),
        Payload::new("application/json", "{"),
        Payload::new("application/json", "null"),
        Payload::new("application/json", r#"[{"\u0000":1e999},"\ud800"]"#),
        Payload::new("application/json", deep),
        Payload::new("application/json", format!("\"{}\"", "long ".repeat(LONG / 5))),
        Payload::new("text/plain; charset=latin1\r\n", "\u{feff}\r\n"),
        Payload::new("application/octet-stream", (0..=255).collect::<Vec<u8>>()),
    ]
}

/// An attempt with each of them.
pub(super) async fn attempts(
    subject: &Subject<'_>,
    payloads: Vec<Payload>,
) -> Result<Vec<Run>, Unfit> {
    let target = subject.target();
    let profile = target.profile();
    let mut runs = Vec::new();
    for payload in payloads {
        let transport = subject.accepting();
        let attempt = subject.attempt(&profile, subject.call(&profile), &transport);
        let attempt = Attempt::new(attempt.call, payload, attempt.wire);
        runs.push(subject.run(&*target, (Door::Send, attempt), &transport).await?);
    }
    Ok(runs)
}

async fn panics(subject: &Subject<'_>) -> Checked {
    // Whether it is sent or refused is the target's own affair.
    attempts(subject, odd()).await.map(drop)
}

async fn refused(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    let uses_wire =
        !subject.accepted(&*target, subject.call(&target.profile())).await?.received.is_empty();
    for run in attempts(subject, odd()).await?.into_iter().filter(|run| run.received.is_empty()) {
        match run.ended {
            Ok(_) if uses_wire => return failed("a reply, although nothing was sent"),
            Err(error) if uses_wire || error.kind == SendErrorKind::Prepare => {
                let (code, seen) = (error.kind.code(), error.classification);
                if !matches!(error.kind, SendErrorKind::Prepare | SendErrorKind::TooLarge) {
                    return failed(format!("it ends with the error `{code}`"));
                }
                if (seen.meaning, seen.effect) != (Meaning::Permanent, Effect::None) {
                    return failed(format!("`{code}` is {:?} {:?}", seen.meaning, seen.effect));
                }
            }
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}
