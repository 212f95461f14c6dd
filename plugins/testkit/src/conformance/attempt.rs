//! What one attempt owes to the engine and to the attempts beside it.

use std::time::Duration;

use fanfare_sdk::Effect;
use futures_util::future::join_all;

use super::{
    check::{Check, Checked, failed},
    subject::{Door, Subject, difference},
};

/// Attempts at the same time: enough for each to meet another one in the middle.
const AT_ONCE: u32 = 4;

pub(super) const CHECKS: &[Check] = &[
    Check {
        must: "T25",
        name: "an attempt says when it begins to send",
        mend: "call `attempt.progress.sending()` before the first byte leaves: an attempt that is cut off is called \
               failed before it, and indeterminate after it. `attempt.wire` does it by itself",
        run: |subject| Box::pin(progress(subject)),
    },
    Check {
        must: "T26",
        name: "attempts at the same time do not disturb each other",
        mend: "keep what belongs to one attempt in `send`, not in the target",
        run: |subject| Box::pin(beside(subject)),
    },
];

async fn progress(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    let run = subject.accepted(&*target, subject.call(&target.profile())).await?;
    match (run.ended, run.effect) {
        (Ok(_), Effect::None) => failed("it was accepted, and had not begun to send"),
        (Ok(_) | Err(_), _) => Ok(()),
    }
}

async fn beside(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    let profile = target.profile();
    let calls = (0..AT_ONCE).map(|number| {
        let mut call = subject.call(&profile);
        call.idempotency_key = format!("{}-{number}", call.idempotency_key).into();
        call.delivery_id = format!("{}-{number}", call.delivery_id).into();
        call
    });
    let calls: Vec<_> = calls.collect();
    let together = join_all(calls.iter().map(|call| async {
        let transport = subject.accepting_after(Duration::from_millis(1));
        let attempt = subject.attempt(&profile, call.clone(), &transport);
        subject.run(&*target, (Door::Send, attempt), &transport).await
    }))
    .await;
    for (call, run) in calls.into_iter().zip(together) {
        let alone = subject.prepared(&*subject.target(), call).await?;
        if let Some(what) = difference(&alone.received, &run?.received) {
            return failed(format!("{what} than alone"));
        }
    }
    Ok(())
}
