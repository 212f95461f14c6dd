//! A target as an embedder configures it.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use fanfare_sdk::{
    ApiTarget, Authorizer, Capture, Http, HttpApi, Mapper, Profile, Repeat, TargetName, Transport,
    Version,
};

use crate::{
    actor::SlotParts,
    policy::{Connection, FallbackRule, Hedge, Redirects, Retry, TargetPolicy, gate::GatePolicy},
    report::Notice,
};

/// A target: its name, its plugin, and its policies. What is not set is as the plugin declares it, or the default.
#[derive(Debug)]
pub struct Target {
    pub(super) api: Arc<dyn ApiTarget>,
    pub(super) policy: TargetPolicy,
    pub(super) authorizers: Vec<Arc<dyn Authorizer>>,
    pub(super) capture: Capture,
    pub(super) propagate: bool,
    pub(super) propagate_baggage: bool,
    pub(super) mapper: Option<Arc<dyn Mapper>>,
    /// Its settings have expressions, which a mapper has to work out.
    pub(super) has_expressions: bool,
    /// `profile` panicked: the engine will refuse to start.
    pub(super) panicked: bool,
}

impl Target {
    /// A target of that name behind that plugin.
    #[must_use]
    pub fn new(name: impl Into<TargetName>, api: impl ApiTarget) -> Self {
        Self::shared(name, Arc::new(api))
    }

    /// A target of that name that is an HTTP API, described.
    #[must_use]
    pub fn http(name: impl Into<TargetName>, api: impl HttpApi) -> Self {
        Self::new(name, Http(api))
    }

    /// The same, for a plugin that is shared already.
    #[must_use]
    pub fn shared(name: impl Into<TargetName>, api: Arc<dyn ApiTarget>) -> Self {
        let declared = std::panic::catch_unwind(AssertUnwindSafe(|| api.profile()));
        let panicked = declared.is_err();
        let profile: Profile = declared.unwrap_or_default();
        let mut policy = TargetPolicy::new(name.into(), &profile);
        policy.gate.exchanges_max = profile.exchanges_max;
        Self {
            api,
            policy,
            authorizers: Vec::new(),
            capture: profile.capture,
            propagate: true,
            propagate_baggage: false,
            mapper: None,
            has_expressions: !profile.expressions.is_empty(),
            panicked,
        }
    }

    /// Proves who we are; several are asked in the order in which they are given.
    #[must_use]
    pub fn auth(mut self, authorizer: impl Authorizer) -> Self {
        self.authorizers.push(Arc::new(authorizer));
        self
    }

    /// How long one attempt may take; 10 s unless set.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.policy.timeout = timeout;
        self
    }

    /// Makes a second attempt beside one that is slow, where a repeat does no harm.
    #[must_use]
    pub fn hedge(mut self, hedge: Hedge) -> Self {
        self.policy.hedge = Some(hedge);
        self
    }

    /// How often and how patiently it is tried.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.policy.retry = retry;
        self
    }

    /// When a delivery expires, counted from its acceptance; 5 minutes unless set.
    #[must_use]
    pub fn give_up_after(mut self, wait: Duration) -> Self {
        self.policy.give_up_after = wait;
        self
    }

    /// The versions to speak, preferred first, instead of those that the plugin declares.
    #[must_use]
    pub fn versions<V: Into<Version>>(mut self, versions: impl IntoIterator<Item = V>) -> Self {
        self.policy.versions = versions.into_iter().map(Into::into).collect();
        self
    }

    /// What is known of a version, whatever its API announces: when it ends, what follows. Speaking it becomes a warning.
    #[must_use]
    pub fn known(mut self, version: impl Into<Version>, notice: Notice) -> Self {
        self.policy.notices.insert(version.into(), Arc::new(notice));
        self
    }

    /// What to do when a way has failed for good, instead of what the plugin recommends.
    #[must_use]
    pub fn fallback<F: Into<FallbackRule>>(
        mut self,
        fallback: impl IntoIterator<Item = F>,
    ) -> Self {
        self.policy.fallback = fallback.into_iter().map(Into::into).collect();
        self
    }

    /// Where a repeat does no harm, instead of what the plugin declares.
    #[must_use]
    pub fn repeat(mut self, repeat: Repeat) -> Self {
        self.policy.repeat = repeat;
        self
    }

    /// How it is connected to. Targets that are connected to in the same way share a client.
    #[must_use]
    pub fn connection(mut self, connection: Connection) -> Self {
        self.policy.connection = Arc::new(connection);
        self
    }

    /// How those are connected to whom its authorizers ask, a token endpoint above all: as by default unless set, within the same
    /// addresses. They are another party: nothing else of the target's connection holds for them.
    #[must_use]
    pub fn token_endpoint(mut self, connection: Connection) -> Self {
        self.policy.token_endpoint = Some(Arc::new(connection));
        self
    }

    /// Follows redirects, each as an exchange of its attempt; none unless set. To be said once, and before the gate's policy
    /// is read: an attempt takes tokens of the rate limit for all exchanges that it may make.
    #[must_use]
    pub fn redirects(mut self, redirects: Redirects) -> Self {
        self.policy.follow(redirects);
        self
    }

    /// What the gate lets through: rate limit, concurrency, breaker.
    #[must_use]
    pub fn gate(mut self, gate: GatePolicy) -> Self {
        let exchanges_max = self.policy.gate.exchanges_max;
        self.policy.gate = GatePolicy { exchanges_max, ..gate };
        self
    }

    /// Deliveries that may wait for it at once; 10,000 unless set.
    #[must_use]
    pub fn queue_max(mut self, count: usize) -> Self {
        self.policy.queue_max = count;
        self
    }

    /// Sends what this makes of the payload, and shows in the report what it takes out of the reply.
    #[must_use]
    pub fn mapper(mut self, mapper: impl Mapper) -> Self {
        self.mapper = Some(Arc::new(mapper));
        self
    }

    /// Sends no `traceparent` to it.
    #[must_use]
    pub fn without_propagation(mut self) -> Self {
        self.propagate = false;
        self
    }

    /// Sends it the baggage of broadcasts, which no target gets unless told so: it may tell strangers about the caller.
    #[must_use]
    pub fn propagate_baggage(mut self) -> Self {
        self.propagate_baggage = true;
        self
    }

    /// What its slot is made of.
    pub(super) fn into_parts(
        self,
        [transport, strangers, token_endpoint]: [Arc<dyn Transport>; 3],
    ) -> SlotParts {
        SlotParts {
            transport,
            strangers,
            token_endpoint,
            api: self.api,
            policy: Arc::new(self.policy),
            authorizers: self.authorizers.into(),
            capture: self.capture,
            propagate: self.propagate,
            propagate_baggage: self.propagate_baggage,
            mapper: self.mapper,
        }
    }

    /// With its plugin and its authorizers in others.
    #[cfg(feature = "cli")]
    pub(crate) fn wrapped(
        mut self,
        api: impl FnOnce(Arc<dyn ApiTarget>) -> Arc<dyn ApiTarget>,
        authorizer: impl Fn(Arc<dyn Authorizer>) -> Arc<dyn Authorizer>,
    ) -> Self {
        self.api = api(self.api);
        self.authorizers = self.authorizers.into_iter().map(authorizer).collect();
        self
    }

    /// Its policies as they stand.
    #[must_use]
    pub fn policy(&self) -> &TargetPolicy {
        &self.policy
    }

    /// Its policies, to be changed.
    pub fn policy_mut(&mut self) -> &mut TargetPolicy {
        &mut self.policy
    }
}
