//! A configuration that has been checked.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use fanfare_sdk::{ApiTarget, Authorizer, Capture, Mapper, TargetName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DaemonConfig, Fingerprints, PayloadSchema, judged::Judged};
use crate::{
    mapping::Filter,
    policy::{Limits, TargetPolicy, gate::RetryBudget},
    report::{Completion, Notify, Priority, Rest},
};

/// A configuration that has been checked: nothing in it can be wrong any more.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Config {
    /// In the order of their names.
    pub targets: Vec<ConfiguredTarget>,
    /// By name.
    pub routes: BTreeMap<String, Route>,
    /// What holds for all targets together.
    pub engine: EngineConfig,
    /// How long a journal on disk keeps what.
    pub journal: JournalConfig,
    /// What callers of a daemon may take.
    pub daemon: DaemonConfig,
    /// Of what was written: tells what two configurations have in common.
    pub fingerprints: Fingerprints,
}

/// How long a journal on disk keeps what.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct JournalConfig {
    /// Broadcasts that have settled.
    pub keep: Duration,
    /// Those with dead letters.
    pub keep_dead_letters: Duration,
    /// Bytes in use beyond which broadcasts that have settled are forgotten earlier; none is no limit.
    pub bytes_max: Option<u64>,
    /// Deliveries that have not settled at most.
    pub deliveries_open_max: u64,
}

impl Default for JournalConfig {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            keep: 30 * DAY,
            keep_dead_letters: 90 * DAY,
            bytes_max: None,
            deliveries_open_max: 10_000_000,
        }
    }
}

/// What holds for all targets together.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct EngineConfig {
    /// How many attempts of all targets together may be repeats; none is no limit.
    pub retry_budget: Option<RetryBudget>,
    /// What it may hold and do at once.
    pub limits: Limits,
    /// What becomes of deliveries whose target is gone from a configuration that is taken over.
    pub on_removed: OnRemoved,
}

/// What becomes of the deliveries that are open for a target when it is gone from a configuration that is taken over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnRemoved {
    /// The configuration is refused as long as there are some.
    #[default]
    Refuse,
    /// They go on to their ends with what they had; then the target is gone.
    Finish,
    /// They find other ways, or fail.
    Fail,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            retry_budget: Some(RetryBudget::default()),
            limits: Limits::default(),
            on_removed: OnRemoved::default(),
        }
    }
}

/// A target with its plugin and its policies.
#[derive(Debug)]
#[non_exhaustive]
pub struct ConfiguredTarget {
    /// The kind that was named.
    pub kind: String,
    /// The plugin.
    pub api: Arc<dyn ApiTarget>,
    /// Its policies.
    pub policy: TargetPolicy,
    /// Who we are, in the order in which they are asked.
    pub authorizers: Vec<Arc<dyn Authorizer>>,
    /// How much of a reply is kept.
    pub capture: Capture,
    /// Whether the trace is continued there.
    pub propagate: bool,
    /// Whether the caller's baggage is sent there.
    pub propagate_baggage: bool,
    /// What makes its payloads; none takes them as they are.
    pub mapper: Option<Arc<dyn Mapper>>,
}

impl ConfiguredTarget {
    /// The plugin, with replies that mean what the target's rules make of them: for rehearsals. An engine asks the rules
    /// itself.
    #[must_use]
    pub fn judged(&self) -> Arc<dyn ApiTarget> {
        match self.mapper.as_ref().filter(|mapper| mapper.judges()) {
            Some(mapper) => Arc::new(Judged { api: self.api.clone(), mapper: mapper.clone() }),
            None => self.api.clone(),
        }
    }
}

/// A named recipient list with its policies.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Route {
    /// No recipient twice.
    pub recipients: Vec<RouteRecipient>,
    /// What makes a broadcast satisfied.
    pub completion: Completion,
    /// When the verdict falls at the latest, counted from the acceptance.
    pub deadline: Option<Duration>,
    /// What becomes of unsettled deliveries after the verdict.
    pub rest: Rest,
    /// Whether a canned reply counts as a success.
    pub accept_substituted: bool,
    /// How urgent its broadcasts are.
    pub priority: Priority,
    /// What its payloads have to look like; none takes all.
    pub schema: Option<PayloadSchema>,
    /// Whom its reports are sent to, and when.
    pub notify: Option<Notify>,
}

/// A recipient of a route.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RouteRecipient {
    /// The target.
    pub target: TargetName,
    /// Whether the completion `all` needs it.
    pub required: bool,
    /// Where it gives `false`, `null` or nothing for a payload, the target is skipped.
    pub when: Option<Filter>,
}
