//! What a history amounts to, as far as the next step depends on it.

use fanfare_sdk::{
    Effect, Endpoint, Learned, Meaning, RetryAfter, SendErrorKind, TargetName, Timestamp, Version,
};

use smallvec::SmallVec;

use crate::report::{CancelledBy, Ended, Event, History, Kind, Reason, Started};

/// A history, folded. Counters that say "here" begin anew when another target stands in.
#[derive(Debug)]
pub(super) struct Past<'h> {
    history: &'h History,
    /// The attempts that have no end yet: one, or one and its hedge.
    pub(super) in_flight: SmallVec<[&'h Started; 2]>,
    /// Whether the newest attempt that is no hedge has one.
    pub(super) hedged: bool,
    /// The attempt that succeeded.
    pub(super) success: Option<u32>,
    /// Who wanted it to end first, and when.
    pub(super) cancel: Option<(CancelledBy, Timestamp)>,
    /// Whether any attempt may have been applied.
    pub(super) doubt: bool,
    /// The same, here.
    pub(super) doubt_here: bool,
    /// The last attempt here that has ended.
    pub(super) last: Option<Last<'h>>,
    /// Attempts on the current way that were not throttled.
    pub(super) counted: u32,
    /// Throttled attempts here.
    pub(super) throttled: u32,
    /// Tries granted to authorizers, anywhere.
    pub(super) challenged: u32,
    /// Attempts, anywhere.
    pub(super) attempts: u32,
    /// Whether a stand-in serves.
    pub(super) moved: bool,
    /// Whether what was passed over since the last end is written down.
    pub(super) noted: bool,
    /// When the newest event happened; the acceptance, before there was one.
    pub(super) since: Timestamp,
}

/// An attempt that has ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Last<'h> {
    pub(super) started: &'h Started,
    pub(super) meaning: Meaning,
    pub(super) status: Option<u16>,
    /// Why there was no reply.
    pub(super) error: Option<SendErrorKind>,
    pub(super) retry_after: Option<RetryAfter>,
    pub(super) learned: Learned,
    pub(super) lost: bool,
    /// Why it would end so again, where it would.
    pub(super) permanently: Reason,
    /// It ended before anything was sent, for no reason of its own: it does not count.
    pub(super) never_sent: bool,
    pub(super) at: Timestamp,
}

impl<'h> Past<'h> {
    pub(super) fn of(history: &'h History, accepted: Timestamp) -> Self {
        let mut past = Self {
            history,
            in_flight: SmallVec::new(),
            hedged: false,
            success: None,
            cancel: None,
            doubt: false,
            doubt_here: false,
            last: None,
            counted: 0,
            throttled: 0,
            challenged: 0,
            attempts: 0,
            moved: false,
            noted: false,
            since: accepted,
        };
        for event in history.events() {
            past.fold(event);
        }
        past
    }

    fn fold(&mut self, event: &'h Event) {
        self.since = self.since.max(event.at());
        match event {
            Event::Started(started) => self.started(started),
            Event::Ended(ended) => self.ended(ended),
            Event::Lost { attempt, at } => self.lost(*attempt, *at),
            Event::CancelAsked { by, at } => {
                self.cancel.get_or_insert((*by, *at));
            }
            Event::FellBack(_) => self.noted = true,
            Event::Moved { .. } => {
                (self.last, self.doubt_here, self.moved) = (None, false, true);
                self.noted = false;
                (self.counted, self.throttled) = (0, 0);
            }
        }
    }

    fn started(&mut self, started: &'h Started) {
        self.in_flight.push(started);
        self.attempts += 1;
        self.hedged = started.kind == Kind::Hedge;
        match started.kind {
            Kind::First => self.counted = 1,
            Kind::Retry => self.counted += 1,
            Kind::Challenge => self.challenged += 1,
            Kind::Hedge => {}
        }
    }

    fn ended(&mut self, ended: &'h Ended) {
        let Some(started) = self.take(ended.attempt) else { return };
        self.noted = false;
        // An effect without success is a doubt, however sure of it the target may be.
        if ended.effect != Effect::None && ended.meaning != Meaning::Success {
            (self.doubt, self.doubt_here) = (true, true);
        }
        match ended.meaning {
            Meaning::Success => self.success = Some(ended.attempt),
            Meaning::Throttled => {
                self.throttled += 1;
                if started.kind != Kind::Hedge {
                    self.counted = self.counted.saturating_sub(1);
                }
            }
            Meaning::Retry
            | Meaning::Unauthorized
            | Meaning::VersionRejected
            | Meaning::TargetDisabled
            | Meaning::Permanent => {}
        }
        let Ended { meaning, status, retry_after, learned, at, .. } = *ended;
        let error = ended.error.as_ref().map(|error| error.kind);
        let permanently = match error {
            Some(SendErrorKind::Prepare | SendErrorKind::Unsupported) => Reason::Unsendable,
            Some(kind) => Reason::Error(kind),
            None => Reason::Permanent,
        };
        let never_sent = started.kind != Kind::Hedge && never_sent(ended);
        if never_sent {
            self.uncount(started.kind);
        }
        self.last = Some(Last {
            started,
            meaning,
            status,
            error,
            retry_after,
            learned,
            lost: false,
            permanently,
            never_sent,
            at,
        });
    }

    fn lost(&mut self, attempt: u32, at: Timestamp) {
        let Some(started) = self.take(attempt) else { return };
        self.noted = false;
        (self.doubt, self.doubt_here) = (true, true);
        let (meaning, learned) = (Meaning::Retry, Learned::Nothing);
        let (retry_after, lost, permanently, never_sent) = (None, true, Reason::Permanent, false);
        self.last = Some(Last {
            started,
            meaning,
            status: None,
            error: None,
            retry_after,
            learned,
            lost,
            permanently,
            never_sent,
            at,
        });
    }

    /// It is as if it had not begun.
    fn uncount(&mut self, kind: Kind) {
        self.attempts = self.attempts.saturating_sub(1);
        match kind {
            Kind::First | Kind::Retry => self.counted = self.counted.saturating_sub(1),
            Kind::Challenge => self.challenged = self.challenged.saturating_sub(1),
            Kind::Hedge => {}
        }
    }

    fn take(&mut self, attempt: u32) -> Option<&'h Started> {
        let place = self.in_flight.iter().position(|s| s.attempt == attempt)?;
        Some(self.in_flight.remove(place))
    }

    /// The events since the serving target took over.
    fn here(&self) -> &'h [Event] {
        let events = self.history.events();
        let moved = events.iter().rposition(|event| matches!(event, Event::Moved { .. }));
        &events[moved.map_or(0, |place| place + 1)..]
    }

    /// Whether an attempt was made at that endpoint here.
    pub(super) fn tried(&self, endpoint: &Endpoint) -> bool {
        let at = |event: &Event| matches!(event, Event::Started(s) if s.way.endpoint.as_ref() == Some(endpoint));
        self.here().iter().any(at)
    }

    /// Whether that version was spoken at that endpoint here.
    pub(super) fn spoken(&self, endpoint: Option<&Endpoint>, version: &Version) -> bool {
        self.here().iter().any(|event| match event {
            Event::Started(started) => {
                started.way.version.as_ref() == Some(version)
                    && started.way.endpoint.as_ref() == endpoint
            }
            Event::Ended(_)
            | Event::Lost { .. }
            | Event::CancelAsked { .. }
            | Event::FellBack(_)
            | Event::Moved { .. } => false,
        })
    }

    /// Whether that endpoint has rejected that version here.
    pub(super) fn rejected(&self, endpoint: Option<&Endpoint>, version: &Version) -> bool {
        let on_it = |s: &Started| {
            s.way.version.as_ref() == Some(version) && s.way.endpoint.as_ref() == endpoint
        };
        self.here().iter().any(|event| match event {
            Event::Started(s) if on_it(s) => self
                .history
                .end_of(s.attempt)
                .is_some_and(|end| end.meaning == Meaning::VersionRejected),
            Event::Started(_)
            | Event::Ended(_)
            | Event::Lost { .. }
            | Event::CancelAsked { .. }
            | Event::FellBack(_)
            | Event::Moved { .. } => false,
        })
    }

    /// Whether that target has served, or was asked to.
    pub(super) fn visited(&self, target: &TargetName) -> bool {
        self.history.events().iter().any(|event| match event {
            Event::Started(started) => started.way.target == *target,
            Event::Moved { to, .. } => to == target,
            Event::Ended(_)
            | Event::Lost { .. }
            | Event::FellBack(_)
            | Event::CancelAsked { .. } => false,
        })
    }
}

/// Whether an attempt ended before it was sent, since its target was replaced, say: nothing went wrong with it.
fn never_sent(ended: &Ended) -> bool {
    ended.error.as_ref().is_some_and(|error| error.kind == SendErrorKind::Aborted)
        && (ended.meaning, ended.effect, ended.status) == (Meaning::Retry, Effect::None, None)
}
