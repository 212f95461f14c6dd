//! What is configured now for the target that serves, and what was pinned when the broadcast was accepted.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use fanfare_sdk::{Compress, Endpoint, Meaning, Profile, Repeat, TargetName, Timestamp, Version};

use super::{
    Backoff, Condition, Connection, FallbackRule, FallbackTo, Masks, Redirects, gate::GatePolicy,
};
use crate::report::{Notice, Way, Why};

/// How often and how patiently a target is tried.
#[derive(Clone, PartialEq, Debug)]
pub struct Retry {
    /// Attempts on one way, the first included; throttled ones do not count.
    pub attempts_max: u32,
    /// Throttled attempts of one delivery at one target; each other endpoint is still tried once.
    pub throttled_max: u32,
    /// The pause between attempts.
    pub backoff: Backoff,
    /// The longest `Retry-After` that is obeyed; a longer one is taken for this.
    pub retry_after_max: Duration,
}

/// When a second attempt is made beside one that is slow.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Hedge {
    /// After that time.
    After(Duration),
    /// After the time within which 95 of 100 attempts were answered lately; not before enough of them are known.
    Percentile95,
}

/// What is configured for one target. Checked where it is built; trusted here.
#[derive(Clone, PartialEq, Debug)]
pub struct TargetPolicy {
    /// Its name.
    pub target: TargetName,
    /// The versions to speak, preferred first.
    pub versions: Vec<Version>,
    /// What its owner knows of versions, whatever the API itself announces of them.
    pub notices: BTreeMap<Version, Arc<Notice>>,
    /// Where it is reached first.
    pub endpoint: Option<Endpoint>,
    /// What to do when a way has failed for good, in this order.
    pub fallback: Vec<FallbackRule>,
    /// Where a repeat does no harm.
    pub repeat: Repeat,
    /// How often and how patiently.
    pub retry: Retry,
    /// When a second attempt is made beside one that is slow; none is never. Only where a repeat does no harm.
    pub hedge: Option<Hedge>,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How long an attempt in flight may go on after somebody wanted its delivery to end.
    pub cancel_grace: Duration,
    /// When a delivery expires, counted from its acceptance.
    pub give_up_after: Duration,
    /// Deliveries that may wait for this target at once.
    pub queue_max: usize,
    /// What the gate lets through.
    pub gate: GatePolicy,
    /// How the bodies of its requests are compressed.
    pub compress: Option<Compress>,
    /// How it is connected to.
    pub connection: Arc<Connection>,
    /// How those are connected to whom its authorizers ask; as by default unless set, within the same addresses.
    pub token_endpoint: Option<Arc<Connection>>,
    /// Redirects that are followed; none unless set.
    pub redirects: Option<Redirects>,
    /// What of its settings is not shown.
    pub masks: Arc<Masks>,
}

/// The first input of [`next()`](super::next()).
#[derive(Clone, Debug)]
pub struct Plan {
    /// The target that serves.
    pub policy: Arc<TargetPolicy>,
    /// The recipient's own target, while a stand-in serves.
    pub recipient: Option<Arc<TargetPolicy>>,
    /// Draws the jitter: the same seed and attempt always give the same pause.
    pub seed: u64,
    /// When the broadcast was accepted.
    pub accepted: Timestamp,
    /// When the delivery expires.
    pub expires: Timestamp,
    /// A condition has left the recipient out.
    pub skipped: bool,
    /// How often it was parked before, and sent again by itself.
    pub parked: u32,
}

impl TargetPolicy {
    /// The defaults for a target that declares this.
    #[must_use]
    pub fn new(target: TargetName, profile: &Profile) -> Self {
        let recommended = profile.fallback.iter().cloned().map(FallbackRule::from);
        let mut fallback: Vec<_> = recommended.collect();
        let others = profile.endpoints.iter().skip(1).cloned().map(FallbackTo::Endpoint);
        for other in others.map(FallbackRule::new) {
            if !fallback.contains(&other) {
                fallback.push(other);
            }
        }
        Self {
            target,
            versions: profile.versions.clone(),
            notices: BTreeMap::new(),
            endpoint: profile.endpoints.first().cloned(),
            fallback,
            repeat: profile.repeat,
            retry: Retry::default(),
            hedge: None,
            timeout: Duration::from_secs(10),
            cancel_grace: Duration::from_secs(2),
            give_up_after: Duration::from_secs(5 * 60),
            queue_max: 10_000,
            gate: GatePolicy::default(),
            compress: profile.compress,
            connection: Arc::default(),
            token_endpoint: None,
            redirects: None,
            masks: Arc::default(),
        }
    }

    /// How those are connected to whom its authorizers ask: another party, but no freer than the target.
    #[must_use]
    pub fn asked_by(&self) -> Arc<Connection> {
        let default = || {
            let addresses = self.connection.addresses.clone();
            Arc::new(Connection { addresses, ..Connection::default() })
        };
        self.token_endpoint.clone().unwrap_or_else(default)
    }

    /// Follows redirects. Each is an exchange: an attempt may make more of them. It takes tokens for all, and those that it
    /// did not need come back when it ends.
    pub fn follow(&mut self, redirects: Redirects) {
        let hops = redirects.hops_max.saturating_add(1);
        self.gate.exchanges_max = self.gate.exchanges_max.max(1).saturating_mul(hops);
        self.redirects = Some(redirects);
    }

    /// Hides what came into its settings from elsewhere. Endpoints with such a secret get names: called at the end, when all of
    /// them are known.
    pub fn hide(&mut self, mut masks: Masks) {
        let others = self.fallback.iter_mut().filter_map(|rule| match &mut rule.to {
            FallbackTo::Endpoint(endpoint) => Some(endpoint),
            FallbackTo::Version
            | FallbackTo::Target(_)
            | FallbackTo::Reply(_)
            | FallbackTo::Park(_) => None,
        });
        for endpoint in self.endpoint.iter_mut().chain(others) {
            *endpoint = masks.name(endpoint);
        }
        self.masks = Arc::new(masks);
    }

    /// Whether that holds back all deliveries of this target, and not those of one endpoint: it is waited for in line.
    pub(crate) fn holds_all(&self, why: Why) -> bool {
        let other = |rule: &FallbackRule| matches!(rule.to, FallbackTo::Endpoint(_));
        matches!(why, Why::Throttled | Why::Auth)
            || (why == Why::Breaker && !self.fallback.iter().any(other))
    }

    /// What is to be told of a version that was spoken: what the API has announced of it, and what was known before.
    pub(crate) fn notice(
        &self,
        version: Option<&Version>,
        announced: Option<Notice>,
    ) -> Option<Arc<Notice>> {
        match (announced, version.and_then(|version| self.notices.get(version))) {
            (Some(announced), Some(known)) => Some(Arc::new(announced.with(known))),
            (Some(announced), None) => Some(Arc::new(announced)),
            (None, known) => known.filter(|known| known.warns()).cloned(),
        }
    }

    /// Whether another version can still be tried when the API rejects this one.
    #[must_use]
    pub fn has_other_version(&self, version: &Version) -> bool {
        let older = self.versions.iter().skip_while(|other| *other != version).nth(1);
        let rejected = Condition::Code(Meaning::VersionRejected.code());
        let meant = |rule: &FallbackRule| rule.on.is_empty() || rule.on.contains(&rejected);
        older.is_some() && self.version_rule().is_some_and(meant)
    }

    /// The fallback to the next version, where there is one.
    pub(crate) fn version_rule(&self) -> Option<&FallbackRule> {
        self.fallback.iter().find(|rule| rule.to == FallbackTo::Version)
    }
}

impl Default for Retry {
    /// Three attempts: what heals by itself mostly heals within two repeats.
    fn default() -> Self {
        Self {
            attempts_max: 3,
            throttled_max: 20,
            backoff: Backoff::default(),
            retry_after_max: Duration::from_secs(60 * 60),
        }
    }
}

impl Plan {
    /// The fallbacks in the order in which they are tried: those of the target that serves, then those targets
    /// and replies of the recipient that are left.
    pub fn fallback(&self) -> impl Iterator<Item = &FallbackRule> {
        let beyond = |rule: &&FallbackRule| match rule.to {
            FallbackTo::Target(_) | FallbackTo::Reply(_) | FallbackTo::Park(_) => true,
            FallbackTo::Version | FallbackTo::Endpoint(_) => false,
        };
        let left = self.recipient.iter().flat_map(move |r| r.fallback.iter().filter(beyond));
        self.policy.fallback.iter().chain(left)
    }

    /// The fallback that leads that way, where one does: to its endpoint, to its version, or to who stands in.
    pub(super) fn rule(&self, way: &Way) -> Option<&FallbackRule> {
        let own = &self.policy.fallback;
        let to = |to: FallbackTo| own.iter().find(|rule| rule.to == to);
        let endpoint = way.endpoint.as_ref().filter(|_| way.endpoint != self.policy.endpoint);
        let endpoint = endpoint.and_then(|endpoint| to(FallbackTo::Endpoint(endpoint.clone())));
        let older = way.version.is_some() && way.version.as_ref() != self.policy.versions.first();
        let version = || self.policy.version_rule().filter(|_| older);
        let stands_in = || {
            let rules = &self.recipient.as_ref()?.fallback;
            let to = FallbackTo::Target(self.policy.target.clone());
            rules.iter().find(|rule| rule.to == to)
        };
        endpoint.or_else(version).or_else(stands_in)
    }

    /// How often and how patiently that way is tried.
    pub(super) fn retry(&self, way: &Way) -> &Retry {
        let own = self.rule(way).and_then(|rule| rule.retry.as_ref());
        own.unwrap_or(&self.policy.retry)
    }

    /// How long one attempt may take that way.
    pub(super) fn timeout(&self, way: &Way) -> Duration {
        self.rule(way).and_then(|rule| rule.timeout).unwrap_or(self.policy.timeout)
    }
}
