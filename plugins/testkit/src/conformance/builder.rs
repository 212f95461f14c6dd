//! Runs the checks, one after the other, each on a target of its own.

use std::{any::Any, fmt, panic::AssertUnwindSafe, sync::Arc};

use bytes::Bytes;
use fanfare_sdk::{ApiTarget, Payload};
use futures_util::FutureExt;
use http::Request;

use super::{
    Conformance, Finding, Line, attempt,
    check::{self, Check},
    classify, exchange, keys, meaning, payload, profile, request, reversal, secrets,
    subject::{Answer, Subject},
};
use crate::{Scripted, clock};

/// What the suite may know of a target besides what the target declares.
#[must_use]
pub struct ConformanceBuilder {
    payload: Payload,
    secrets: Vec<String>,
    accepting: Arc<Answer>,
    recognised_by: Option<String>,
}

const CLOCK: Check = Check {
    must: "",
    name: "the clock is paused",
    mend: "annotate the test with `#[tokio::test(start_paused = true)]`",
    run: |_| {
        Box::pin(async { if clock::is_paused() { Ok(()) } else { check::failed("it is running") } })
    },
};

const BUILT: Check = Check {
    must: "",
    name: "the target can be built",
    mend: "hand the suite a closure that builds the target, with settings that are right",
    run: |subject| {
        Box::pin(async {
            drop(subject.target());
            Ok(())
        })
    },
};

/// Checks a target with a JSON payload and an API that accepts with `200 {}`.
///
/// To be called on a paused clock:
///
/// ```
/// # use std::sync::Arc;
/// # use fanfare_sdk::{ApiTarget, Attempt, Reply, SendError, async_trait};
/// # #[derive(Debug)]
/// # struct Mine;
/// # #[async_trait]
/// # impl ApiTarget for Mine {
/// #     async fn send(&self, _: Attempt) -> Result<Reply, SendError> { Ok(Reply::accepted("")) }
/// # }
/// // #[tokio::test(start_paused = true)]
/// async fn my_target_keeps_the_contract() {
///     fanfare_testkit::conformance(|| Arc::new(Mine)).await.assert();
/// }
/// ```
pub async fn conformance(make: impl Fn() -> Arc<dyn ApiTarget>) -> Conformance {
    Conformance::builder().run(make).await
}

// === impl ConformanceBuilder ===

impl ConformanceBuilder {
    /// What to deliver; `{"id":"42","name":"fanfare"}` where nothing is said.
    pub fn payload(mut self, payload: Payload) -> Self {
        self.payload = payload;
        self
    }

    /// A secret that the target was built with: it must not be printed. May be called several times.
    pub fn secret(mut self, canary: impl Into<String>) -> Self {
        self.secrets.push(canary.into());
        self
    }

    /// What the API answers to each request when it accepts everything, at once; `200 {}` where nothing is said.
    pub fn accepting(
        mut self,
        answer: impl Fn(&Request<Bytes>) -> Scripted + Send + Sync + 'static,
    ) -> Self {
        self.accepting = Arc::new(answer);
        self
    }

    /// By what the API recognises a repeat, where it is no key: `the customer's id in the URL`. For targets that
    /// declare that a repeat does no harm.
    pub fn recognised_by(mut self, what: impl Into<String>) -> Self {
        self.recognised_by = Some(what.into());
        self
    }

    /// Runs every check. `make` builds the target, the same one each time.
    ///
    /// To be called on a paused clock: `#[tokio::test(start_paused = true)]`.
    pub async fn run(self, make: impl Fn() -> Arc<dyn ApiTarget>) -> Conformance {
        let Self { payload, secrets, accepting, recognised_by } = self;
        let subject = Subject { make: &make, payload, secrets, accepting, recognised_by };
        let mut lines = Vec::new();
        for needed in [&CLOCK, &BUILT] {
            lines.push(line(needed, &subject).await);
            if lines.last().is_some_and(|line| line.finding != Finding::Passed) {
                // Nothing else would mean anything, and some of it would take hours.
                return Conformance::of(lines);
            }
        }
        for checks in [
            profile::CHECKS,
            request::CHECKS,
            keys::CHECKS,
            payload::CHECKS,
            exchange::CHECKS,
            attempt::CHECKS,
            classify::CHECKS,
            meaning::CHECKS,
            reversal::CHECKS,
            secrets::CHECKS,
        ] {
            for check in checks {
                lines.push(line(check, &subject).await);
            }
        }
        Conformance::of(lines)
    }
}

async fn line(check: &Check, subject: &Subject<'_>) -> Line {
    let finding = match AssertUnwindSafe((check.run)(subject)).catch_unwind().await {
        Ok(checked) => checked.into(),
        Err(panic) => Finding::Failed { why: format!("panicked: {}", message(&*panic)) },
    };
    Line { must: check.must, name: check.name, finding, mend: check.mend }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

impl Default for ConformanceBuilder {
    fn default() -> Self {
        Self {
            payload: Payload::new("application/json", r#"{"id":"42","name":"fanfare"}"#),
            secrets: Vec::new(),
            accepting: Arc::new(|_| {
                Scripted::status(200).header("content-type", "application/json").body("{}")
            }),
            recognised_by: None,
        }
    }
}

impl fmt::Debug for ConformanceBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConformanceBuilder")
            .field("payload", &self.payload)
            .field("secrets", &self.secrets.len())
            .finish_non_exhaustive()
    }
}
