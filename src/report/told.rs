//! What happened to one broadcast, told once each, in an order that stays.
//!
//! A report is a snapshot: one that is taken later holds everything that an earlier one holds, and more. How much of it
//! was told is known by how many events of each history that was, since histories only grow at their ends. So whoever has
//! a [`Told`] goes on where he stopped: with a later report, in another process, without anything kept for him.

use std::{fmt, str::FromStr};

use fanfare_sdk::Timestamp;

use super::{Delivery, DeliveryState, Happening, Report, What};

/// Recipients of a broadcast that are followed. More than any limit of recipients that makes sense.
const RECIPIENTS_MAX: usize = 100_000;

/// How much of what happened to a broadcast was told. As text for whoever goes on there; it says nothing else.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Told {
    accepted: bool,
    verdict: bool,
    settled: bool,
    /// Of each delivery, how many of its events; its end counts as one more. Shorter than the recipients where nothing of
    /// the others was told.
    events: Vec<u32>,
}

/// A text that does not say how much was told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no event has that id")]
pub struct NotTold;

/// Something that was not told yet.
struct News {
    /// In the order of these it is told.
    at: Timestamp,
    /// Whose, and what is told of it then.
    of: Of,
    happening: Happening,
}

enum Of {
    Delivery(usize, u32),
    Verdict,
}

impl Told {
    /// Whether there is nothing more to come.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.settled
    }

    /// Whether so much can have been told of that broadcast.
    #[must_use]
    pub fn fits(&self, report: &Report) -> bool {
        let deliveries = &report.deliveries;
        let fits = |(told, delivery): (&u32, &Delivery)| {
            *told <= delivery.events.saturating_add(u32::from(delivery.outcome.is_some()))
        };
        self.events.len() <= deliveries.len() && self.events.iter().zip(deliveries).all(fits)
    }

    fn of(&self, delivery: usize) -> u32 {
        self.events.get(delivery).copied().unwrap_or(0)
    }
}

impl Report {
    /// What was not told yet, in the order in which it happened as far as that is known; each with how much is told then.
    #[must_use]
    pub fn news(&self, told: &Told) -> Vec<(Told, Happening)> {
        let mut told = told.clone();
        let mut all = Vec::new();
        let mut news = self.untold(&told);
        // What belongs to one delivery stays in its order; the verdict comes after what brought it.
        news.sort_by_key(|news| (news.at, matches!(news.of, Of::Verdict)));
        if !told.accepted {
            told.accepted = true;
            let (recipients, replay_of) = (self.deliveries.len(), self.replay_of);
            let what = What::BroadcastAccepted { recipients, replay_of };
            all.push((told.clone(), self.happening(self.accepted_at, what)));
        }
        for News { of, happening, .. } in news {
            match of {
                Of::Delivery(place, events) => {
                    if told.events.len() <= place {
                        told.events.resize(place + 1, 0);
                    }
                    told.events[place] = events;
                }
                Of::Verdict => told.verdict = true,
            }
            all.push((told.clone(), happening));
        }
        let over = self.verdict.is_some() && self.state() == DeliveryState::Settled;
        if over && !told.settled {
            told.settled = true;
            let verdict_at = self.verdict.map_or(self.accepted_at, |verdict| verdict.at);
            let at = self.settled_at.map_or(verdict_at, |at| at.max(verdict_at));
            let what = What::BroadcastSettled { took: at.since(self.accepted_at) };
            all.push((told, self.happening(at, what)));
        }
        all
    }

    fn untold(&self, told: &Told) -> Vec<News> {
        let mut news = Vec::new();
        for (place, delivery) in self.deliveries.iter().enumerate() {
            // A late record does not overtake what was recorded before it.
            let mut latest = self.accepted_at;
            for (number, at, what) in delivery.all() {
                latest = latest.max(at);
                if number >= told.of(place) {
                    let of = Of::Delivery(place, number + 1);
                    news.push(News { at: latest, of, happening: self.happening(at, what) });
                }
            }
        }
        if let Some(verdict) = self.verdict.filter(|_| !told.verdict) {
            let happening = self.happening(verdict.at, What::VerdictFallen(verdict));
            news.push(News { at: verdict.at, of: Of::Verdict, happening });
        }
        news
    }

    fn happening(&self, at: Timestamp, what: What) -> Happening {
        Happening { at, broadcast: Some(self.id), route: self.route.clone(), what }
    }
}

impl Delivery {
    /// All that happened to it, by its number in the history.
    fn all(&self) -> Vec<(u32, Timestamp, What)> {
        let mut all = Vec::new();
        for record in &self.attempts {
            let (recipient, started) = (&self.target, &record.started);
            all.push((record.begun_as, started.at, What::started(recipient, started)));
            if let (Some(ended), Some(number)) = (&record.ended, record.ended_as) {
                all.push((number, ended.at, What::ended(recipient, started, ended)));
            } else if let (Some(at), Some(number)) = (record.lost_at, record.ended_as) {
                let (target, attempt) = (started.way.target.clone(), started.attempt);
                let what = What::AttemptLost { recipient: recipient.clone(), target, attempt };
                all.push((number, at, what));
            }
        }
        all.extend(self.hand_overs.iter().map(|it| {
            let (recipient, to) = (self.target.clone(), it.to.clone());
            (it.moved_as, it.at, What::HandedOver { recipient, to, because: it.because })
        }));
        all.sort_by_key(|(number, ..)| *number);
        if let (Some(outcome), Some(at)) = (self.outcome, self.settled_at) {
            let took = at.since(self.accepted_at);
            let what = What::DeliverySettled { recipient: self.target.clone(), outcome, took };
            all.push((self.events, at, what));
        }
        all
    }
}

impl fmt::Display for Told {
    /// `1-0x3`, `7-3,2x2`: what of the broadcast, then of each delivery, with repeats counted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags =
            u8::from(self.accepted) | u8::from(self.verdict) << 1 | u8::from(self.settled) << 2;
        write!(f, "{flags}-")?;
        for (place, run) in self.events.chunk_by(PartialEq::eq).enumerate() {
            let comma = if place > 0 { "," } else { "" };
            match run {
                [one] => write!(f, "{comma}{one}")?,
                [first, ..] => write!(f, "{comma}{first}x{}", run.len())?,
                [] => {}
            }
        }
        Ok(())
    }
}

impl FromStr for Told {
    type Err = NotTold;

    fn from_str(text: &str) -> Result<Self, NotTold> {
        let (flags, runs) = text.split_once('-').ok_or(NotTold)?;
        let flags: u8 = flags.parse().ok().filter(|flags| *flags < 8).ok_or(NotTold)?;
        let mut events = Vec::new();
        for run in runs.split(',').filter(|_| !runs.is_empty()) {
            let (count, times) = run.split_once('x').unwrap_or((run, "1"));
            let count: u32 = count.parse().map_err(|_| NotTold)?;
            let times: usize = times.parse().map_err(|_| NotTold)?;
            if times > RECIPIENTS_MAX - events.len() {
                return Err(NotTold);
            }
            events.resize(events.len() + times, count);
        }
        let is = |flag: u8| flags & flag != 0;
        Ok(Self { accepted: is(1), verdict: is(2), settled: is(4), events })
    }
}

#[cfg(test)]
mod tests {
    use super::Told;

    #[test]
    fn how_much_was_told_is_said_in_few_characters() {
        #[track_caller]
        fn check(text: &str, events: &[u32]) {
            let told: Told = text.parse().unwrap();
            assert_eq!((told.events.as_slice(), told.to_string().as_str()), (events, text));
        }
        check("0-", &[]);
        check("1-0x3", &[0, 0, 0]);
        check("7-3,2x2,12", &[3, 2, 2, 12]);
        for wrong in ["", "1", "-", "8-1", "x-1", "1-x", "1-1x", "1-1,,1", "1--1", "1-1x100001"] {
            assert!(wrong.parse::<Told>().is_err(), "{wrong}");
        }
    }
}
