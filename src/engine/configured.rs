//! Targets and routes of a configuration, as an embedder uses them.

use fanfare_sdk::{Payload, TargetName};

use super::{Broadcast, EngineBuilder, Target};
use crate::{
    config::{Config, ConfiguredTarget, EngineConfig, Route, Violation},
    mapping::{Limits, RunError},
};

/// A payload does not fit a route, or a condition cannot be worked out for it: nothing was sent.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RouteError {
    /// The payload is not JSON.
    #[error("the condition for `{target}`: needs a payload that is JSON")]
    NotJson {
        /// The recipient.
        target: TargetName,
    },
    /// The expression fails.
    #[error("the condition for `{target}`: {error}")]
    Condition {
        /// The recipient.
        target: TargetName,
        /// Why.
        error: RunError,
    },
    /// The payload does not fit the schema of the route.
    #[error("the payload{}", at(&.0.pointer, &.0.says))]
    Schema(Violation),
    /// There are more violations than those that are listed.
    #[error("the payload: {0}")]
    MoreViolations(String),
}

/// ` is missing`, or `: /customer/email is missing`.
fn at(pointer: &str, says: &str) -> String {
    if pointer.is_empty() { format!(" {says}") } else { format!(": {pointer} {says}") }
}

impl From<ConfiguredTarget> for Target {
    fn from(configured: ConfiguredTarget) -> Self {
        let ConfiguredTarget {
            api,
            policy,
            authorizers,
            capture,
            propagate,
            propagate_baggage,
            mapper,
            ..
        } = configured;
        Self {
            api,
            policy,
            authorizers,
            capture,
            propagate,
            propagate_baggage,
            // What there is to work out was compiled with it.
            has_expressions: false,
            mapper,
            panicked: false,
        }
    }
}

impl EngineBuilder {
    /// As configured: all targets, and what holds for them together. Its routes stay with the caller, for
    /// [`Broadcast::along`].
    #[must_use]
    pub fn configured(self, config: &mut Config) -> Self {
        let EngineConfig { retry_budget, limits, .. } = config.engine.clone();
        let engine = self.retry_budget(retry_budget).limits(limits);
        config.targets.drain(..).map(Target::from).fold(engine, Self::target)
    }
}

impl Broadcast {
    /// A payload to the recipients of a route, with its policies. Whether it fits the route's schema is looked at here,
    /// and conditions are worked out: that may take long where it is large.
    ///
    /// # Errors
    /// All that does not fit the schema; where it fits, all conditions that cannot be worked out for this payload.
    pub fn along(name: &str, route: &Route, payload: &Payload) -> Result<Self, Vec<RouteError>> {
        if let Some(Err(violations)) = route.schema.as_ref().map(|it| it.check(payload)) {
            let more = violations.more().map(RouteError::MoreViolations);
            return Err(violations
                .listed
                .into_iter()
                .map(RouteError::Schema)
                .chain(more)
                .collect());
        }
        let mut wrong = Vec::new();
        let mut broadcast = Self::new(payload.clone())
            .route(name)
            .completion(route.completion)
            .rest(route.rest)
            .priority(route.priority);
        broadcast.accept_substituted = route.accept_substituted;
        broadcast.deadline = route.deadline;
        broadcast.notify.clone_from(&route.notify);
        for recipient in &route.recipients {
            let target = recipient.target.clone();
            let meant = match (&recipient.when, payload.as_json()) {
                (None, _) => true,
                (Some(_), None) => {
                    wrong.push(RouteError::NotJson { target });
                    continue;
                }
                (Some(when), Some(input)) => match when.test(input, Limits::default()) {
                    Ok(meant) => meant,
                    Err(error) => {
                        wrong.push(RouteError::Condition { target, error });
                        continue;
                    }
                },
            };
            broadcast = match (meant, recipient.required) {
                (false, _) => broadcast.skipping(target),
                (true, true) => broadcast.to(target),
                (true, false) => broadcast.optional(target),
            };
        }
        if wrong.is_empty() { Ok(broadcast) } else { Err(wrong) }
    }
}
