//! What happens, as it is streamed: `schemas/event.schema.json`.

use std::borrow::Cow;

use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::report::{millis, said, time};
use crate::report::{AttemptBegun, AttemptOver, Happening, What};

type Code = Cow<'static, str>;

/// Something that happened. Its `kind` is the name of the event, too. Has names, codes, numbers and times only.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Event {
    /// When: RFC 3339, UTC.
    pub at: String,
    /// The broadcast to which it happened; null for what happens to a target.
    pub broadcast: Option<String>,
    /// The route that the broadcast was sent to.
    pub route: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub what: Happened,
}

/// All that can happen.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Happened {
    /// A broadcast was accepted.
    BroadcastAccepted {
        /// How many recipients it has.
        recipients: usize,
        /// The broadcast that it repeats.
        replay_of: Option<String>,
    },
    /// An attempt has begun.
    AttemptStarted {
        /// The recipient of its delivery.
        recipient: String,
        /// The target that is called: the recipient, or a stand-in.
        target: String,
        /// The version that is spoken.
        version: Option<String>,
        /// Counts from 1.
        attempt: u32,
        /// `first`, `retry`, `challenge` or `hedge`.
        counts_as: Code,
        /// `first_way`, `failure`, `throttled`, `lost`, `challenge`, `slow`, `version_rejected`, `endpoint_failed` or
        /// `target_failed`.
        because: Code,
        /// What the gate held it back for, as in `reason` of a report; null where nothing did.
        held_by: Option<Code>,
        /// How many milliseconds it was held back.
        held_ms: f64,
    },
    /// An attempt has ended.
    AttemptEnded {
        /// The recipient of its delivery.
        recipient: String,
        /// The target that was called.
        target: String,
        /// Counts from 1.
        attempt: u32,
        /// How many milliseconds it took.
        duration_ms: f64,
        /// HTTP status, where a reply came.
        status: Option<u16>,
        /// As in a report.
        meaning: Code,
        /// `none`, `applied` or `unknown`.
        effect: Code,
        /// The code of the error, where no reply came.
        error: Option<Code>,
    },
    /// The process of an attempt has died. Only the stream of its broadcast says so.
    AttemptLost {
        /// The recipient of its delivery.
        recipient: String,
        /// The target that was called.
        target: String,
        /// Counts from 1.
        attempt: u32,
    },
    /// Another target stands in from here on.
    HandedOver {
        /// The recipient of the delivery.
        recipient: String,
        /// The stand-in.
        to: String,
        /// What the one before it failed of: the code of a reason.
        because: Code,
    },
    /// A delivery has ended.
    DeliverySettled {
        /// Its recipient.
        recipient: String,
        /// As in a report.
        outcome: Code,
        /// The code of the reason, where it ended without success.
        reason: Option<Code>,
        /// How many milliseconds after its acceptance.
        duration_ms: f64,
    },
    /// The verdict has fallen; deliveries may go on.
    Verdict {
        /// `satisfied` or `unsatisfied`.
        verdict: Code,
        /// As in a report.
        completed_by: Code,
    },
    /// The verdict has fallen and all deliveries have ended: the last event of a broadcast.
    BroadcastSettled {
        /// How many milliseconds after its acceptance.
        duration_ms: f64,
    },
    /// A breaker has changed its state.
    BreakerChanged {
        /// Its target.
        target: String,
        /// `closed`, `open`, `half_open`, `forced_open`, `forced_closed` or `disabled`.
        from: Code,
        /// The same, from here on.
        to: Code,
    },
    /// An operator holds attempts back.
    TargetPaused {
        /// The target.
        target: String,
    },
    /// An operator lets attempts through again.
    TargetResumed {
        /// The target.
        target: String,
    },
    /// The target asked not to be called again.
    TargetDisabled {
        /// The target.
        target: String,
    },
    /// It is called again after it was disabled or had failed.
    TargetRevived {
        /// The target.
        target: String,
    },
    /// Its actor has ended too often.
    TargetFailed {
        /// The target.
        target: String,
    },
    /// A target has announced the end of a version, for the first time.
    VersionAnnounced {
        /// The target.
        target: String,
        /// The version that was spoken.
        version: Option<String>,
        /// `deprecated`, `sunset` or `malformed`.
        notice: Code,
        /// When it is likely to be gone.
        sunset: Option<String>,
    },
    /// Something happened of which this stream does not tell: it is not kept (any more). The stream goes on from here.
    Gap {
        /// `too_old`: it is not kept any more; `other_boot`: the daemon was started again.
        why: Code,
    },
}

/// The schema of an event (JSON Schema 2020-12).
#[must_use]
pub fn event_schema() -> Value {
    let mut schema = schema_for!(Event).to_value();
    schema["$id"] = "https://fanfare.dev/schemas/event.schema.json".into();
    schema["title"] = "fanfare event".into();
    schema
}

impl Event {
    /// Something that happened to no broadcast.
    #[cfg(feature = "daemon")]
    pub(crate) fn new(at: fanfare_sdk::Timestamp, what: Happened) -> Self {
        Self { at: time(at), broadcast: None, route: None, what }
    }
}

impl From<&Happening> for Event {
    fn from(happening: &Happening) -> Self {
        let Happening { at, broadcast, route, what } = happening;
        Self {
            at: time(*at),
            broadcast: broadcast.map(|id| id.to_string()),
            route: route.clone(),
            what: what.into(),
        }
    }
}

impl From<&What> for Happened {
    fn from(what: &What) -> Self {
        let target = |target: &fanfare_sdk::TargetName| target.to_string();
        match what {
            What::BroadcastAccepted { recipients, replay_of } => Self::BroadcastAccepted {
                recipients: *recipients,
                replay_of: replay_of.map(|id| id.to_string()),
            },
            What::AttemptStarted(begun) => started(begun),
            What::AttemptEnded(over) => ended(over),
            What::AttemptLost { recipient, target: name, attempt } => Self::AttemptLost {
                recipient: target(recipient),
                target: target(name),
                attempt: *attempt,
            },
            What::HandedOver { recipient, to, because } => Self::HandedOver {
                recipient: target(recipient),
                to: target(to),
                because: because.code().into(),
            },
            What::DeliverySettled { recipient, outcome, took } => Self::DeliverySettled {
                recipient: target(recipient),
                outcome: outcome.code().into(),
                reason: outcome.reason().map(Cow::Borrowed),
                duration_ms: millis(*took),
            },
            What::VerdictFallen(verdict) => {
                Self::Verdict { verdict: said(*verdict), completed_by: verdict.by.code().into() }
            }
            What::BroadcastSettled { took } => {
                Self::BroadcastSettled { duration_ms: millis(*took) }
            }
            What::BreakerChanged { target: name, from, to } => Self::BreakerChanged {
                target: target(name),
                from: (*from).into(),
                to: (*to).into(),
            },
            What::TargetPaused(name) => Self::TargetPaused { target: target(name) },
            What::TargetResumed(name) => Self::TargetResumed { target: target(name) },
            What::TargetDisabled(name) => Self::TargetDisabled { target: target(name) },
            What::TargetRevived(name) => Self::TargetRevived { target: target(name) },
            What::TargetFailed(name) => Self::TargetFailed { target: target(name) },
            What::VersionAnnounced { target: name, version, notice, sunset } => {
                Self::VersionAnnounced {
                    target: target(name),
                    version: version.as_ref().map(ToString::to_string),
                    notice: (*notice).into(),
                    sunset: sunset.map(time),
                }
            }
        }
    }
}

fn started(begun: &AttemptBegun) -> Happened {
    Happened::AttemptStarted {
        recipient: begun.recipient.to_string(),
        target: begun.target.to_string(),
        version: begun.version.as_ref().map(ToString::to_string),
        attempt: begun.attempt,
        counts_as: begun.kind.code().into(),
        because: begun.because.code().into(),
        held_by: begun.held.map(|why| why.code().into()),
        held_ms: millis(begun.waited),
    }
}

fn ended(over: &AttemptOver) -> Happened {
    Happened::AttemptEnded {
        recipient: over.recipient.to_string(),
        target: over.target.to_string(),
        attempt: over.attempt,
        duration_ms: millis(over.took),
        status: over.status,
        meaning: over.meaning.code().into(),
        effect: over.effect.code().into(),
        error: over.error.map(|error| error.code().into()),
    }
}
