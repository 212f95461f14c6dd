//! One payload with its recipients and its completion policy.

use std::time::Duration;

use fanfare_sdk::{Payload, TargetName};
use serde_json::Value;

use crate::{
    report::{Completion, Metadata, Notify, Occasion, Priority, Rest},
    telemetry::{Baggage, RemoteContext},
};

/// One payload with its recipients and its completion policy.
#[derive(Clone, Debug)]
pub struct Broadcast {
    pub(super) payload: Payload,
    pub(super) route: Option<String>,
    pub(super) recipients: Vec<Recipient>,
    pub(super) completion: Completion,
    pub(super) rest: Rest,
    pub(super) accept_substituted: bool,
    pub(super) priority: Priority,
    pub(super) deadline: Option<Duration>,
    pub(super) idempotency_key: Option<String>,
    pub(super) caller: Option<RemoteContext>,
    pub(super) baggage: Baggage,
    pub(super) metadata: Option<Metadata>,
    pub(super) notify: Option<Notify>,
}

/// Somebody to send to.
#[derive(Clone, Debug)]
pub(super) struct Recipient {
    pub(super) target: TargetName,
    pub(super) required: bool,
    pub(super) skipped: bool,
}

impl Broadcast {
    /// A payload without recipients yet.
    #[must_use]
    pub fn new(payload: Payload) -> Self {
        Self {
            payload,
            route: None,
            recipients: Vec::new(),
            completion: Completion::default(),
            rest: Rest::default(),
            accept_substituted: false,
            priority: Priority::default(),
            deadline: None,
            idempotency_key: None,
            caller: None,
            baggage: Baggage::new(),
            metadata: None,
            notify: None,
        }
    }

    /// A JSON document, serialised once for all recipients.
    #[must_use]
    pub fn json(value: &Value) -> Self {
        Self::new(Payload::json(value))
    }

    /// Notes that are kept with it and stand in its report; no API gets them.
    #[must_use]
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = (!metadata.is_empty()).then_some(metadata);
        self
    }

    /// A recipient that the completion `all` needs.
    #[must_use]
    pub fn to(mut self, target: impl Into<TargetName>) -> Self {
        let target = target.into();
        self.recipients.push(Recipient { target, required: true, skipped: false });
        self
    }

    /// A recipient that it does not need.
    #[must_use]
    pub fn optional(mut self, target: impl Into<TargetName>) -> Self {
        let target = target.into();
        self.recipients.push(Recipient { target, required: false, skipped: false });
        self
    }

    /// A recipient that a condition has left out: it stands in the report as skipped, and counts neither way.
    #[must_use]
    pub fn skipping(mut self, target: impl Into<TargetName>) -> Self {
        let target = target.into();
        self.recipients.push(Recipient { target, required: false, skipped: true });
        self
    }

    /// Sends its report to a target on these occasions, each time as a broadcast of its own: a notice. Only one target is
    /// notified; without occasions, none is.
    ///
    /// With a journal that outlives the process, a notice is sent once, whatever becomes of the process. With another
    /// one, what has not been sent when the engine ends is lost with it.
    #[must_use]
    pub fn notify(
        mut self,
        target: impl Into<TargetName>,
        on: impl IntoIterator<Item = Occasion>,
    ) -> Self {
        let notify = Notify { target: target.into(), on: on.into_iter().collect() };
        self.notify = (notify.on.count() > 0).then_some(notify);
        self
    }

    /// The name of the route that it is sent along, for reports and metrics.
    #[must_use]
    pub fn route(mut self, name: impl Into<String>) -> Self {
        self.route = Some(name.into());
        self
    }

    /// What makes it satisfied; every required recipient unless set.
    #[must_use]
    pub fn completion(mut self, completion: Completion) -> Self {
        self.completion = completion;
        self
    }

    /// What becomes of unsettled deliveries after the verdict; they finish unless set.
    #[must_use]
    pub fn rest(mut self, rest: Rest) -> Self {
        self.rest = rest;
        self
    }

    /// Counts a canned reply that stands in as a success; it counts as a failure unless set.
    #[must_use]
    pub fn accept_substituted(mut self) -> Self {
        self.accept_substituted = true;
        self
    }

    /// How urgent it is; normal unless set.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// When the verdict falls at the latest, counted from the acceptance. Where there is one already, the earlier one
    /// counts.
    #[must_use]
    pub fn deadline(mut self, wait: Duration) -> Self {
        self.deadline = Some(self.deadline.map_or(wait, |other| other.min(wait)));
        self
    }

    /// The caller's key: the same key and payload again is the same broadcast.
    #[must_use]
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Continues the caller's trace.
    #[must_use]
    pub fn continuing(mut self, caller: RemoteContext) -> Self {
        self.caller = Some(caller);
        self
    }

    /// Goes along to the targets that [are told to get it](super::Target::propagate_baggage).
    #[must_use]
    pub fn baggage(mut self, baggage: Baggage) -> Self {
        self.baggage = baggage;
        self
    }
}
