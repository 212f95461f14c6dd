//! All that ever happened to one delivery.

use fanfare_sdk::{TargetName, Timestamp};

use super::{Ended, Event, FellBack, Started};

/// The log of one delivery: the journal's rows, the report's attempts, and the only memory of `next`.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct History(Vec<Event>);

impl History {
    /// The events, oldest first.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.0
    }

    /// Adds an event, unless the log [holds](Self::holds) it already. Says whether it was added.
    pub fn push(&mut self, event: Event) -> bool {
        if self.holds(&event) {
            return false;
        }
        if self.0.len() == self.0.capacity() {
            // By twos: most deliveries end with one attempt, and a hundred thousand may wait after it.
            self.0.reserve_exact(2);
        }
        self.0.push(event);
        true
    }

    /// Whether the event would say nothing new: an attempt starts once, ends once (the first end is the one
    /// that counts), and only the first wish to cancel matters.
    #[must_use]
    pub fn holds(&self, event: &Event) -> bool {
        match event {
            Event::Started(new) => self.starts().any(|started| started.attempt == new.attempt),
            Event::Ended(ended) => self.has_ended(ended.attempt),
            Event::Lost { attempt, .. } => self.has_ended(*attempt),
            Event::CancelAsked { .. } => {
                self.0.iter().any(|event| matches!(event, Event::CancelAsked { .. }))
            }
            Event::Moved { .. } => self.0.contains(event),
            Event::FellBack(new) => {
                matches!(self.0.last(), Some(Event::FellBack(old)) if old.says_the_same(new))
            }
        }
    }

    /// The starts that have no end.
    pub fn in_flight(&self) -> impl Iterator<Item = &Started> {
        self.starts().filter(|started| !self.has_ended(started.attempt))
    }

    /// All starts, oldest first.
    pub fn starts(&self) -> impl Iterator<Item = &Started> {
        self.0.iter().filter_map(|event| match event {
            Event::Started(started) => Some(started),
            Event::Ended(_)
            | Event::Lost { .. }
            | Event::CancelAsked { .. }
            | Event::FellBack(_)
            | Event::Moved { .. } => None,
        })
    }

    /// How the attempt ended, where it has a recorded end.
    #[must_use]
    pub fn end_of(&self, attempt: u32) -> Option<&Ended> {
        self.0.iter().find_map(|event| match event {
            Event::Ended(ended) if ended.attempt == attempt => Some(ended),
            Event::Ended(_)
            | Event::Started(_)
            | Event::Lost { .. }
            | Event::CancelAsked { .. }
            | Event::FellBack(_)
            | Event::Moved { .. } => None,
        })
    }

    /// What it fell back to, or not, the last time.
    #[must_use]
    pub fn fell_back(&self) -> Option<&FellBack> {
        self.falls().last()
    }

    /// Until when it is parked, where that is how it ended.
    #[must_use]
    pub fn parked_until(&self) -> Option<Timestamp> {
        self.fell_back()?.parked_until
    }

    /// What it fell back to, or not, oldest first.
    pub fn falls(&self) -> impl Iterator<Item = &FellBack> {
        self.0.iter().filter_map(|event| match event {
            Event::FellBack(fell_back) => Some(fell_back),
            Event::Started(_)
            | Event::Ended(_)
            | Event::Lost { .. }
            | Event::CancelAsked { .. }
            | Event::Moved { .. } => None,
        })
    }

    /// The stand-in that serves now; none while the recipient itself does.
    #[must_use]
    pub fn moved_to(&self) -> Option<&TargetName> {
        self.0.iter().rev().find_map(|event| match event {
            Event::Moved { to, .. } => Some(to),
            Event::Started(_)
            | Event::Ended(_)
            | Event::Lost { .. }
            | Event::FellBack(_)
            | Event::CancelAsked { .. } => None,
        })
    }

    fn has_ended(&self, number: u32) -> bool {
        self.0.iter().any(|event| match event {
            Event::Ended(ended) => ended.attempt == number,
            Event::Lost { attempt, .. } => *attempt == number,
            Event::Started(_)
            | Event::CancelAsked { .. }
            | Event::FellBack(_)
            | Event::Moved { .. } => false,
        })
    }
}

impl FromIterator<Event> for History {
    fn from_iter<I: IntoIterator<Item = Event>>(events: I) -> Self {
        let mut history = Self::default();
        for event in events {
            history.push(event);
        }
        history
    }
}
