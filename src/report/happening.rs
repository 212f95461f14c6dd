//! What happens, for whoever looks on: names, codes, numbers and times; never a payload, a header, a key or a URL.

use std::time::Duration;

use fanfare_sdk::{Effect, Meaning, SendErrorKind, TargetName, Timestamp, Version};

use super::{Because, BroadcastId, Ended, Kind, Outcome, Reason, Started, Verdict, Why};

/// Something that happened.
#[derive(Clone, PartialEq, Debug)]
pub struct Happening {
    /// When.
    pub at: Timestamp,
    /// To which broadcast; none for what happens to a target.
    pub broadcast: Option<BroadcastId>,
    /// The route that the broadcast was sent to.
    pub route: Option<String>,
    /// What.
    pub what: What,
}

/// All that can happen. Exhaustive on purpose.
#[derive(Clone, PartialEq, Debug)]
pub enum What {
    /// A broadcast was accepted.
    BroadcastAccepted {
        /// How many recipients it has.
        recipients: usize,
        /// The broadcast whose dead letters it repeats.
        replay_of: Option<BroadcastId>,
    },
    /// An attempt has begun.
    AttemptStarted(AttemptBegun),
    /// An attempt has ended.
    AttemptEnded(AttemptOver),
    /// The process of an attempt has died.
    AttemptLost {
        /// The recipient of its delivery.
        recipient: TargetName,
        /// The target that was called.
        target: TargetName,
        /// Counts from 1.
        attempt: u32,
    },
    /// Another target stands in from here on.
    HandedOver {
        /// The recipient of the delivery.
        recipient: TargetName,
        /// The stand-in.
        to: TargetName,
        /// What the one before it failed of.
        because: Reason,
    },
    /// A delivery has ended.
    DeliverySettled {
        /// Its recipient.
        recipient: TargetName,
        /// How.
        outcome: Outcome,
        /// How long after its acceptance.
        took: Duration,
    },
    /// The verdict of a broadcast has fallen.
    VerdictFallen(Verdict),
    /// A broadcast has its verdict, and all its deliveries have ended.
    BroadcastSettled {
        /// How long after its acceptance.
        took: Duration,
    },
    /// A breaker has changed its state.
    BreakerChanged {
        /// Its target.
        target: TargetName,
        /// The code of the state before.
        from: &'static str,
        /// The code of the new state.
        to: &'static str,
    },
    /// An operator holds its attempts back.
    TargetPaused(TargetName),
    /// An operator lets its attempts through again.
    TargetResumed(TargetName),
    /// It asked not to be called again.
    TargetDisabled(TargetName),
    /// It is called again after it was disabled or had failed.
    TargetRevived(TargetName),
    /// Its actor has ended too often.
    TargetFailed(TargetName),
    /// A target has announced the end of a version, for the first time.
    VersionAnnounced {
        /// The target.
        target: TargetName,
        /// The version that was spoken.
        version: Option<Version>,
        /// `deprecated`, `sunset` or `malformed`.
        notice: &'static str,
        /// When it is likely to be gone.
        sunset: Option<Timestamp>,
    },
}

/// The beginning of an attempt.
#[derive(Clone, PartialEq, Debug)]
pub struct AttemptBegun {
    /// The recipient of its delivery.
    pub recipient: TargetName,
    /// The target that is called.
    pub target: TargetName,
    /// The version that is spoken.
    pub version: Option<Version>,
    /// Counts from 1.
    pub attempt: u32,
    /// What it counts as.
    pub kind: Kind,
    /// Why it is made.
    pub because: Because,
    /// What the gate held it back for.
    pub held: Option<Why>,
    /// How long it was held back.
    pub waited: Duration,
}

/// The end of an attempt.
#[derive(Clone, PartialEq, Debug)]
pub struct AttemptOver {
    /// The recipient of its delivery.
    pub recipient: TargetName,
    /// The target that was called.
    pub target: TargetName,
    /// Counts from 1.
    pub attempt: u32,
    /// How long it took.
    pub took: Duration,
    /// The HTTP status, where a reply came.
    pub status: Option<u16>,
    /// What its reply, or its error, means.
    pub meaning: Meaning,
    /// Whether the API may have acted.
    pub effect: Effect,
    /// Why no reply came.
    pub error: Option<SendErrorKind>,
}

impl Happening {
    /// Something that happened to a target.
    pub(crate) fn of_target(at: Timestamp, what: What) -> Self {
        Self { at, broadcast: None, route: None, what }
    }
}

impl What {
    /// The codes of all that can happen.
    pub const CODES: [&'static str; 15] = [
        "broadcast_accepted",
        "attempt_started",
        "attempt_ended",
        "attempt_lost",
        "handed_over",
        "delivery_settled",
        "verdict",
        "broadcast_settled",
        "breaker_changed",
        "target_paused",
        "target_resumed",
        "target_disabled",
        "target_revived",
        "target_failed",
        "version_announced",
    ];

    /// Its code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        let place = match self {
            Self::BroadcastAccepted { .. } => 0,
            Self::AttemptStarted(_) => 1,
            Self::AttemptEnded(_) => 2,
            Self::AttemptLost { .. } => 3,
            Self::HandedOver { .. } => 4,
            Self::DeliverySettled { .. } => 5,
            Self::VerdictFallen(_) => 6,
            Self::BroadcastSettled { .. } => 7,
            Self::BreakerChanged { .. } => 8,
            Self::TargetPaused(_) => 9,
            Self::TargetResumed(_) => 10,
            Self::TargetDisabled(_) => 11,
            Self::TargetRevived(_) => 12,
            Self::TargetFailed(_) => 13,
            Self::VersionAnnounced { .. } => 14,
        };
        Self::CODES[place]
    }

    /// Whether it concerns that target, as a recipient or as the one that is called.
    #[must_use]
    pub fn concerns(&self, name: &str) -> bool {
        let is = |target: &TargetName| target.as_str() == name;
        match self {
            Self::BroadcastAccepted { .. }
            | Self::VerdictFallen(_)
            | Self::BroadcastSettled { .. } => false,
            Self::AttemptStarted(AttemptBegun { recipient, target, .. })
            | Self::AttemptEnded(AttemptOver { recipient, target, .. })
            | Self::AttemptLost { recipient, target, .. } => is(recipient) || is(target),
            Self::HandedOver { recipient, to, .. } => is(recipient) || is(to),
            Self::DeliverySettled { recipient: target, .. }
            | Self::BreakerChanged { target, .. }
            | Self::TargetPaused(target)
            | Self::TargetResumed(target)
            | Self::TargetDisabled(target)
            | Self::TargetRevived(target)
            | Self::TargetFailed(target)
            | Self::VersionAnnounced { target, .. } => is(target),
        }
    }

    /// The beginning of an attempt.
    pub(crate) fn started(recipient: &TargetName, started: &Started) -> Self {
        Self::AttemptStarted(AttemptBegun {
            recipient: recipient.clone(),
            target: started.way.target.clone(),
            version: started.way.version.clone(),
            attempt: started.attempt,
            kind: started.kind,
            because: started.because,
            held: started.held,
            waited: if started.held.is_some() {
                started.at.since(started.due)
            } else {
                Duration::ZERO
            },
        })
    }

    /// Its end.
    pub(crate) fn ended(recipient: &TargetName, started: &Started, ended: &Ended) -> Self {
        Self::AttemptEnded(AttemptOver {
            recipient: recipient.clone(),
            target: started.way.target.clone(),
            attempt: ended.attempt,
            took: ended.at.since(started.at),
            status: ended.status,
            meaning: ended.meaning,
            effect: ended.effect,
            error: ended.error.as_ref().map(|error| error.kind),
        })
    }
}
