//! Whether what must not be seen can be printed.

use std::error::Error;

use fanfare_sdk::{Attempt, Payload, SendError};

use super::{
    check::{Check, Checked, failed, skipped},
    payload::attempts,
    subject::{Door, Subject},
};
use crate::{Received, Scripted};

/// Stands in payloads that are sent to find it in errors.
const PAYLOAD: &str = "conformance-payload-4e07";

pub(super) const CHECKS: &[Check] = &[
    Check {
        must: "T41",
        name: "no secret is printed",
        mend: "keep it in a `fanfare_sdk::Secret`, and name no value of a setting in an error",
        run: |subject| Box::pin(printed(subject)),
    },
    Check {
        must: "T42",
        name: "a header with a secret is marked as sensitive",
        mend: "call `HeaderValue::set_sensitive(true)`, or make it by `fanfare_sdk::check::header_value`",
        run: |subject| Box::pin(marked(subject)),
    },
    Check {
        must: "T43",
        name: "no error repeats the payload",
        mend: "name the place that is wrong, not what stands there: errors go into reports and logs",
        run: |subject| Box::pin(repeated(subject)),
    },
];

async fn printed(subject: &Subject<'_>) -> Checked {
    any_secret(subject)?;
    let target = subject.target();
    let profile = target.profile();
    let mut texts = vec![
        ("`Debug` of the target", format!("{target:?}")),
        ("`Debug` of the profile", format!("{profile:?}")),
    ];
    for payload in [subject.payload.clone(), Payload::new("application/json", "{")] {
        let transport = subject.failing(0, Scripted::refused());
        let attempt = subject.attempt(&profile, subject.call(&profile), &transport);
        let attempt = Attempt::new(attempt.call, payload, attempt.wire);
        let run = subject.run(&*target, (Door::Send, attempt), &transport).await?;
        match run.ended {
            Err(error) => texts.push(("an error", chain(&error))),
            Ok(reply) => texts.push(("`Debug` of a reply", format!("{reply:?}"))),
        }
    }
    let leaks = |text: &str| subject.secrets.iter().any(|secret| text.contains(secret));
    match texts.iter().find(|(_, text)| leaks(text)) {
        None => Ok(()),
        Some((place, _)) => failed(format!("it stands in {place}")),
    }
}

fn any_secret(subject: &Subject<'_>) -> Checked {
    if subject.secrets.is_empty() {
        return skipped("no secret was named: see `Conformance::builder`");
    }
    Ok(())
}

async fn marked(subject: &Subject<'_>) -> Checked {
    any_secret(subject)?;
    let target = subject.target();
    let profile = target.profile();
    let mut asked: Vec<Received> = Vec::new();
    for door in [Door::Send, Door::Probe] {
        let transport = subject.accepting();
        let attempt = subject.attempt(&profile, subject.call(&profile), &transport);
        asked.extend(subject.run(&*target, (door, attempt), &transport).await?.received);
    }
    let bare = |value: &http::HeaderValue| {
        let text = String::from_utf8_lossy(value.as_bytes());
        !value.is_sensitive() && subject.secrets.iter().any(|secret| text.contains(secret))
    };
    match asked.iter().flat_map(|request| &request.headers).find(|(_, value)| bare(value)) {
        None => Ok(()),
        Some((name, _)) => failed(format!("`{name}` is not")),
    }
}

async fn repeated(subject: &Subject<'_>) -> Checked {
    let payloads = [
        ("application/json", format!("{{\"{PAYLOAD}\": {PAYLOAD}")),
        ("application/json", format!("{{\"{PAYLOAD}\":\"{PAYLOAD}\"}}")),
        ("application/json", format!("\"{PAYLOAD}\"")),
        ("text/plain\r\n", PAYLOAD.to_owned()),
    ];
    let payloads = payloads.map(|(media, text)| Payload::new(media, text)).into();
    let leaks = |error: &SendError| chain(error).contains(PAYLOAD);
    for run in attempts(subject, payloads).await? {
        if let Some(error) = run.ended.err().filter(leaks) {
            return failed(format!("the error `{}` does", error.kind.code()));
        }
    }
    Ok(())
}

/// Everything that an error says, as a person and as a programmer sees it.
fn chain(error: &SendError) -> String {
    let mut text = format!("{error:?} {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(" {cause:?} {cause}"));
        source = cause.source();
    }
    text
}
