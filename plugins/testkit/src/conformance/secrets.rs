//! Whether what must not be seen can be printed.

use std::error::Error;

use fanfare_sdk::{Attempt, Payload, SendError};

use super::{
    check::{Check, Checked, failed, skipped},
    subject::{Door, Subject},
};
use crate::Scripted;

pub(super) const CHECKS: &[Check] = &[Check {
    name: "no secret is printed",
    mend: "keep it in a `fanfare_sdk::Secret`, and name no value of a setting in an error",
    run: |subject| Box::pin(printed(subject)),
}];

async fn printed(subject: &Subject<'_>) -> Checked {
    if subject.secrets.is_empty() {
        return skipped("no secret was named: see `Conformance::builder`");
    }
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
