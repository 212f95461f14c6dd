//! Questions about many broadcasts, in pages: the newest first.

use std::{fmt, str::FromStr};

use fanfare_sdk::{TargetName, Timestamp};

use super::DeadLetter;
use crate::report::{BroadcastId, DeliveryId, NoticeOf, Verdict};

/// Which broadcasts are meant: all that fit everything that is given.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct BroadcastFilter {
    /// Sent to that route.
    pub route: Option<String>,
    /// Sent to one of these routes.
    pub routes: Option<Vec<String>>,
    /// With that recipient.
    pub target: Option<TargetName>,
    /// Settled, or not yet.
    pub settled: Option<bool>,
    /// With a verdict that says so.
    pub satisfied: Option<bool>,
    /// Accepted then or later.
    pub from: Option<Timestamp>,
    /// Accepted before.
    pub until: Option<Timestamp>,
}

/// Dead letters that are to be sent again by themselves.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Parked {
    /// Those whose time has come, the first ones first.
    pub letters: Vec<DeliveryId>,
    /// When the time of the first one after them comes, where that is known.
    pub next: Option<Timestamp>,
}

/// A broadcast in a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Summary {
    /// Which one.
    pub id: BroadcastId,
    /// The route that it was sent to.
    pub route: Option<String>,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// How it ended; none while it is open.
    pub verdict: Option<Verdict>,
    /// When its last delivery settled.
    pub settled_at: Option<Timestamp>,
    /// The broadcast whose dead letters it repeats.
    pub replay_of: Option<BroadcastId>,
    /// The broadcast whose report it carries, where it is a notice.
    pub notice_of: Option<NoticeOf>,
}

/// Which dead letters are meant: all that fit everything that is given.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct DeadLetterFilter {
    /// Of that broadcast.
    pub broadcast: Option<BroadcastId>,
    /// To that recipient.
    pub target: Option<TargetName>,
    /// Sent to that route.
    pub route: Option<String>,
    /// Sent to one of these routes.
    pub routes: Option<Vec<String>>,
    /// With that outcome, by its code.
    pub outcome: Option<String>,
    /// For that reason, by its code.
    pub reason: Option<String>,
    /// Ended then or later.
    pub from: Option<Timestamp>,
    /// Ended before.
    pub until: Option<Timestamp>,
}

/// Where a list of dead letters goes on. As text for whoever asks for the next page; it says nothing else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Mark {
    pub(in crate::journal) at: Timestamp,
    pub(in crate::journal) order: u64,
}

/// A page of dead letters.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Letters {
    /// The newest first.
    pub letters: Vec<DeadLetter>,
    /// Where the next page begins; none after the last one.
    pub next: Option<Mark>,
}

/// A text that is no mark.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no list goes on there")]
pub struct NoMark;

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}", self.at.as_micros(), self.order)
    }
}

impl FromStr for Mark {
    type Err = NoMark;

    fn from_str(text: &str) -> Result<Self, NoMark> {
        let (at, order) = text.split_once('-').ok_or(NoMark)?;
        let at = i64::from_str_radix(at, 16).map_err(|_| NoMark)?;
        let order = u64::from_str_radix(order, 16).map_err(|_| NoMark)?;
        Ok(Self { at: Timestamp::from_micros(at), order })
    }
}

/// Whether a route is one of those that are meant.
pub(in crate::journal) fn one_of(wanted: &Option<Vec<String>>, route: Option<&String>) -> bool {
    wanted.as_ref().is_none_or(|wanted| route.is_some_and(|route| wanted.contains(route)))
}

impl DeadLetterFilter {
    /// Whether that one is meant.
    pub(super) fn fits(&self, letter: &DeadLetter) -> bool {
        fn is<T: PartialEq>(wanted: &Option<T>, found: &T) -> bool {
            wanted.as_ref().is_none_or(|wanted| wanted == found)
        }
        let DeadLetter { id, outcome, settled_at, route, .. } = letter;
        is(&self.broadcast, &id.broadcast)
            && is(&self.target, &id.recipient)
            && self.route.as_ref().is_none_or(|wanted| route.as_ref() == Some(wanted))
            && one_of(&self.routes, route.as_ref())
            && self.outcome.as_ref().is_none_or(|wanted| wanted == outcome.code())
            && self.reason.as_ref().is_none_or(|wanted| outcome.reason() == Some(wanted))
            && self.from.is_none_or(|from| from <= *settled_at)
            && self.until.is_none_or(|until| *settled_at < until)
    }
}
