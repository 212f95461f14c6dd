//! What must hold after every run, whatever was done to the engine.

use std::collections::{HashMap, HashSet};

use fanfare::{
    journal::{Entry, NewBroadcast, NewDelivery},
    report::{
        AttemptRecord, BroadcastId, Delivery, DeliveryId, Ended, Event, HandOver, Kind, Outcome,
        Report,
    },
};
use fanfare_sdk::{Effect, Meaning, Repeat, SendErrorKind, Timestamp};

use super::{
    journal::What,
    limits, notices, replies,
    run::Played,
    scenario::{Deed, Scenario, SimTarget},
    verdict,
    world::{Diary, Seen},
};

/// Tries that are granted to authorizers, per delivery.
const CHALLENGES_MAX: usize = 2;

/// Throttled attempts, per target that serves.
const THROTTLED_MAX: usize = 20;

/// A promise that was not kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Broken {
    pub(super) promise: &'static str,
    pub(super) what: String,
}

/// Takes what is broken: the promise, and how.
pub(super) type Say<'a> = &'a mut dyn FnMut(&'static str, String);

/// All that is broken; empty where the promises hold.
pub(super) fn broken(scenario: &Scenario, played: &Played) -> Vec<Broken> {
    let mut broken = Vec::new();
    let mut say = |promise, what| broken.push(Broken { promise, what });
    left_over(scenario, played, &mut say);
    ledger(scenario, played, &mut say);
    first_ends(played, &mut say);
    let diary = played.world.diary();
    limits::check(scenario, played, &diary, &mut say);
    turns(scenario, played, &mut say);
    notices::check(scenario, played, &mut say);
    for report in &played.reports {
        let id = report.id;
        let mut say = |promise, what| say(promise, format!("broadcast {id}: {what}"));
        let Some(new) = played.accepted.get(&id) else {
            say("one broadcast a key", "was not accepted".into());
            continue;
        };
        told_as_written(report, &played.written[&id], &mut say);
        replies::check(scenario, played, report, &mut say);
        for (place, delivery) in report.deliveries.iter().enumerate() {
            let check = Check { scenario, new, place, delivery, diary: &diary };
            check.all(&mut |promise, what| say(promise, format!("{}: {what}", delivery.target)));
        }
        verdict::check(scenario, played, (new, report), &mut say);
    }
    broken
}

fn left_over(scenario: &Scenario, played: &Played, say: Say<'_>) {
    // A shutdown does not wait for a journal that fails.
    let excused = scenario.journal_faults > 0
        && scenario.deeds.iter().any(|(_, deed)| *deed == Deed::Shutdown);
    for report in played.untold.iter().filter(|_| !excused) {
        say("everybody is answered", format!("nobody hears of the end of {}", report.id));
        let open = report.deliveries.iter().filter(|delivery| delivery.outcome.is_none());
        for delivery in open {
            say("every delivery ends", format!("{}/{} never does", report.id, delivery.target));
        }
    }
    if played.unsettled != 0 && !excused {
        say("every delivery ends", format!("a shutdown leaves {} open", played.unsettled));
    }
    if played.permits != 0 {
        say("permits come back", format!("{} permits are out", played.permits));
    }
    if played.open != 0 {
        say("queues are empty", format!("{} deliveries are held", played.open));
    }
    if played.torn != 0 {
        say("one broadcast a key", format!("{} keys gave two", played.torn));
    }
}

/// What has the same order key goes one after the other, as it came.
fn turns(scenario: &Scenario, played: &Played, say: Say<'_>) {
    if !scenario.is_calm() || played.disturbed {
        return;
    }
    for target in scenario.targets.iter().filter(|target| target.keyed) {
        // By key: who came, and who has not left yet, oldest first.
        let mut waiting: HashMap<&str, Vec<(&DeliveryId, Timestamp)>> = HashMap::new();
        let mut ids = Vec::new();
        for fact in &played.facts {
            if let What::Accepted(new) = &fact.what {
                let here = |it: &&NewDelivery| it.recipient.as_str() == target.name;
                if let Some(new_here) = new.recipients.iter().find(here) {
                    let recipient = new_here.recipient.clone();
                    let id = DeliveryId { broadcast: new.id, recipient };
                    ids.push((id, new_here.order_key.clone().unwrap_or_default(), new.accepted_at));
                }
            }
        }
        for (id, key, at) in &ids {
            waiting.entry(key).or_default().push((id, *at));
        }
        for fact in &played.facts {
            match &fact.what {
                What::Appended(Entry::Settled(id, _) | Entry::Event(id, Event::Moved { .. })) => {
                    waiting.values_mut().for_each(|line| line.retain(|(other, _)| *other != id));
                }
                What::Appended(Entry::Event(id, Event::Started(started)))
                    if started.way.target.as_str() == target.name
                        && id.recipient.as_str() == target.name =>
                {
                    let line = waiting.values().find(|line| line.iter().any(|(it, _)| *it == id));
                    let own = line.and_then(|line| line.iter().find(|(it, _)| *it == id));
                    let (Some(line), Some((_, at))) = (line, own) else { continue };
                    if let Some((before, _)) = line.iter().find(|(_, other)| other < at) {
                        say("turns are kept", format!("{id} begins before {before} has left"));
                    }
                }
                _ => {}
            }
        }
    }
}

/// What was written, in order: each delivery ends once, and nothing begins after that, or after it was asked to end.
fn ledger(scenario: &Scenario, played: &Played, say: Say<'_>) {
    let calm = scenario.is_calm() && !played.disturbed;
    let mut settled: HashMap<&DeliveryId, Outcome> = HashMap::new();
    let mut asked: HashMap<&DeliveryId, Timestamp> = HashMap::new();
    let mut starts: HashMap<(String, &str), HashSet<(&DeliveryId, u32)>> = HashMap::new();
    for fact in &played.facts {
        match &fact.what {
            What::Appended(Entry::Settled(id, outcome)) => {
                // The first one counts. Where the journal fails, who loads may hear of a delivery after its end.
                let first = settled.insert(id, *outcome).filter(|it| it != outcome);
                if let Some(first) = first.filter(|_| calm) {
                    say("every delivery ends once", format!("{id}: {first}, and then {outcome}"));
                }
            }
            What::Appended(Entry::Event(id, Event::Started(started))) => {
                if settled.contains_key(id) {
                    say("nothing begins after the end", format!("{id}: {started:?}"));
                }
                if calm && asked.get(id).is_some_and(|at| *at < fact.at) {
                    say("nothing begins that was asked to end", format!("{id}: {started:?}"));
                }
                let target = started.way.target.to_string();
                let starts = starts.entry((target, started.key.as_str())).or_default();
                starts.insert((id, started.attempt));
            }
            // Where a repeat does no harm, it may be written when it is under way.
            What::Recorded(id, Event::Started(started)) => {
                let target = started.way.target.to_string();
                let starts = starts.entry((target, started.key.as_str())).or_default();
                starts.insert((id, started.attempt));
            }
            What::Cancelled(id) => {
                asked.entry(id).or_insert(fact.at);
            }
            What::Verdict(id, verdict) if played.written[id].verdict != Some(*verdict) => {
                say("a verdict falls once", format!("{id}: {verdict:?}, and then another"));
            }
            What::Appended(_) | What::Recorded(..) => {}
            What::Accepted(_) | What::Asked(..) | What::Verdict(..) => {}
        }
    }
    for ((target, key), seen) in &played.world.diary().seen {
        let written = starts.get(&(target.clone(), key.as_str())).map_or(0, HashSet::len);
        if seen.requests as usize > written {
            say(
                "what is sent is written",
                format!("{target} saw {key} {} times, written {written} times", seen.requests),
            );
        }
    }
}

/// The first end of an attempt that was written is the one that counts.
fn first_ends(played: &Played, say: Say<'_>) {
    let mut first: HashMap<(BroadcastId, &str, u32), &Ended> = HashMap::new();
    for fact in &played.facts {
        if let What::Appended(Entry::Event(id, Event::Ended(ended)))
        | What::Recorded(id, Event::Ended(ended)) = &fact.what
        {
            first.entry((id.broadcast, id.recipient.as_str(), ended.attempt)).or_insert(ended);
        }
    }
    for (id, report) in &played.written {
        for delivery in &report.deliveries {
            for ended in delivery.attempts.iter().filter_map(|attempt| attempt.ended.as_ref()) {
                let place = (*id, delivery.target.as_str(), ended.attempt);
                if first.get(&place) != Some(&ended) {
                    say("the first end counts", format!("{place:?}: {ended:?}"));
                }
            }
        }
    }
}

/// What was told is what stands in the journal, also later.
fn told_as_written(told: &Report, written: &Report, say: Say<'_>) {
    let text = |report: &Report| {
        let end = |d: &Delivery| format!("{:?} {:?} {}", d.outcome, d.settled_at, d.attempts.len());
        let ends: Vec<_> = report.deliveries.iter().map(end).collect();
        format!("{:?} {ends:?}", report.verdict)
    };
    if text(told) != text(written) {
        let what = format!("told {}, written {}", text(told), text(written));
        say("what is told stands", what);
    }
}

/// One delivery, and what the world saw of it.
struct Check<'a> {
    scenario: &'a Scenario,
    new: &'a NewBroadcast,
    place: usize,
    delivery: &'a Delivery,
    diary: &'a Diary,
}

impl Check<'_> {
    fn all(&self, say: Say<'_>) {
        let Some(outcome) = self.delivery.outcome else {
            return say("every delivery ends", "has no outcome".into());
        };
        let seen = self.seen();
        let requests: u32 = seen.iter().map(|(_, seen)| seen.requests).sum();
        let attempts = self.delivery.attempts.len();
        if requests as usize > attempts {
            say("attempts are bounded", format!("{requests} requests for {attempts} attempts"));
        }
        self.is_true(outcome, seen.iter().map(|(_, seen)| seen.applied).sum(), say);
        self.repeats(&seen, say);
        self.keys(say);
        self.counts(say);
        self.hedges(say);
        self.stand_ins(say);
        self.conditions(say);
        let expires = self.new.recipients[self.place].expires;
        for late in self.delivery.attempts.iter().filter(|it| it.started.at >= expires) {
            say("nothing begins that has expired", format!("{expires:?}, {:?}", late.started));
        }
    }

    /// The outcome says what really happened.
    fn is_true(&self, outcome: Outcome, applied: u32, say: Say<'_>) {
        let skipped = self.new.recipients[self.place].skipped;
        if skipped && (outcome != Outcome::Skipped || !self.delivery.attempts.is_empty()) {
            say("what is left out is not sent", format!("{outcome}"));
        }
        match outcome {
            Outcome::Delivered { attempt } => self.is_delivered(attempt, applied, say),
            Outcome::Failed(_) | Outcome::Expired | Outcome::Cancelled(_) if applied > 0 => {
                let what = format!("{outcome}, and it was applied {applied} times");
                say("an outcome is true", what);
            }
            Outcome::Failed(_) | Outcome::Expired | Outcome::Cancelled(_) => {}
            Outcome::Indeterminate(_) if !self.delivery.attempts.iter().any(is_doubtful) => {
                say("an outcome is true", "indeterminate without a doubt".into());
            }
            Outcome::Indeterminate(_) => {}
            Outcome::Substituted => {
                if !self.ways().any(|name| self.target(name).canned) {
                    say("an outcome is true", "substituted by nothing".into());
                }
            }
            Outcome::Skipped if !skipped => {
                say("an outcome is true", "skipped, which nobody asked for".into());
            }
            Outcome::Skipped => {}
        }
    }

    fn is_delivered(&self, attempt: u32, applied: u32, say: Say<'_>) {
        if applied == 0 {
            say("an outcome is true", "delivered, and nothing was applied".into());
        }
        let attempts = &self.delivery.attempts;
        let then = attempts
            .iter()
            .find(|it| it.started.attempt == attempt && it.meaning() == Some(Meaning::Success))
            .and_then(AttemptRecord::ended_at);
        if then.is_none() {
            say("an end is written down", format!("attempt {attempt} has not delivered"));
        }
        let again = |it: &&AttemptRecord| {
            let sent = is_doubtful(it) || it.ended.as_ref().is_some_and(|e| e.status.is_some());
            sent && it.started.attempt > attempt && Some(it.started.at) >= then
        };
        if let Some(again) = attempts.iter().find(again) {
            let what = format!("delivered by attempt {attempt}, and then {:?}", again.started);
            say("what is delivered is not sent again", what);
        }
    }

    /// What the APIs saw of this delivery, by target and key, in the order of the attempts.
    fn seen(&self) -> Vec<(&SimTarget, Seen)> {
        let mut places: Vec<(String, String)> = Vec::new();
        for attempt in &self.delivery.attempts {
            let started = &attempt.started;
            let place = (started.way.target.to_string(), started.key.as_str().to_owned());
            if !places.contains(&place) {
                places.push(place);
            }
        }
        let seen = |place| self.diary.seen.get(place).cloned().unwrap_or_default();
        places.iter().map(|place| (self.target(&place.0), seen(place))).collect()
    }

    fn target(&self, name: &str) -> &SimTarget {
        self.scenario.targets.iter().find(|target| target.name == name).unwrap()
    }

    /// The targets that served, the recipient first.
    fn ways(&self) -> impl Iterator<Item = &str> {
        let moved = self.delivery.hand_overs.iter().map(|it| it.to.as_str());
        std::iter::once(self.delivery.target.as_str()).chain(moved)
    }

    /// Nothing was repeated that must not be.
    fn repeats(&self, seen: &[(&SimTarget, Seen)], say: Say<'_>) {
        let applied: Vec<_> = seen.iter().filter(|(_, seen)| seen.applied > 0).collect();
        for (target, seen) in &applied {
            if target.api.repeat == Repeat::Never && seen.applied > 1 {
                let what = format!("{} applied it {} times", target.name, seen.applied);
                say("nothing unsafe is repeated", what);
            }
        }
        for (target, _) in applied.iter().rev().skip(1) {
            if target.api.repeat != Repeat::Anywhere {
                let what = format!("applied by {} and then on another way", target.name);
                say("nothing unsafe is repeated", what);
            }
        }
    }

    /// One key per target and version, whatever is repeated.
    fn keys(&self, say: Say<'_>) {
        let mut keys = HashMap::new();
        for AttemptRecord { started, .. } in &self.delivery.attempts {
            let way = (&started.way.target, &started.way.version);
            if *keys.entry(way).or_insert(&started.key) != &started.key {
                say("a repeat has the same key", format!("{started:?}"));
            }
        }
    }

    /// No way was tried more often than allowed.
    fn counts(&self, say: Say<'_>) {
        let mut tried: HashMap<_, u32> = HashMap::new();
        let mut throttled: HashMap<_, usize> = HashMap::new();
        let mut hedge = false;
        let mut attempts = self.delivery.attempts.iter().peekable();
        while let Some(attempt) = attempts.next() {
            // What was asked again with another proof counts as that.
            let again = attempts.peek().is_some_and(|it| it.started.kind == Kind::Challenge);
            let meaning = attempt.meaning();
            let free = matches!(meaning, Some(Meaning::Throttled | Meaning::Unauthorized))
                || again
                || was_never_sent(attempt);
            let way = &attempt.started.way;
            // Another proof for a hedge is still that hedge.
            hedge = match attempt.started.kind {
                Kind::Hedge => true,
                Kind::Challenge => hedge,
                Kind::First | Kind::Retry => false,
            };
            *tried.entry(way).or_default() += u32::from(!free && !hedge);
            let held_off = attempt.meaning() == Some(Meaning::Throttled);
            *throttled.entry(&way.target).or_default() += usize::from(held_off);
        }
        for (way, count) in tried {
            let allowed = self.target(way.target.as_str()).attempts_max;
            if count > allowed {
                let what = format!("{count} attempts on {way:?}, allowed {allowed}");
                say("attempts are bounded", what);
            }
        }
        for (target, count) in throttled.into_iter().filter(|(_, count)| *count > THROTTLED_MAX) {
            say("attempts are bounded", format!("{count} throttled attempts on {target}"));
        }
        let of_kind = |kind| self.delivery.attempts.iter().filter(move |a| a.started.kind == kind);
        let challenges = of_kind(Kind::Challenge).count();
        if challenges > CHALLENGES_MAX {
            say("attempts are bounded", format!("{challenges} challenges"));
        }
    }

    fn hedges(&self, say: Say<'_>) {
        let (hedges, others): (Vec<_>, Vec<_>) =
            self.delivery.attempts.iter().partition(|it| it.started.kind == Kind::Hedge);
        for hedge in &hedges {
            let target = self.target(hedge.started.way.target.as_str());
            if target.hedge.is_none() || target.api.repeat == Repeat::Never {
                say("nothing unsafe is repeated", "hedged where it must not be".into());
            }
        }
        if hedges.len() > others.len() {
            let what = format!("{} hedges of {} attempts", hedges.len(), others.len());
            say("attempts are bounded", what);
        }
    }

    /// Nobody stands in for a failure that was not named.
    fn conditions(&self, say: Say<'_>) {
        let recipient = self.target(self.delivery.target.as_str());
        let mut from = &self.delivery.target;
        for HandOver { to, because, .. } in &self.delivery.hand_overs {
            let there =
                || self.delivery.attempts.iter().filter(|it| it.started.way.target == *from);
            let is = |word: &str| {
                because.code() == word || there().any(|attempt| failed_of(attempt, word))
            };
            let meant = |owner: &SimTarget| {
                owner.stand_ins.iter().any(|name| name == to.as_str())
                    && owner.meant_for.is_none_or(is)
            };
            if !meant(recipient) && !meant(self.target(from.as_str())) {
                let what = format!("{to} stands in for {from}, which failed of {because}");
                say("a fallback is for what it names", what);
            }
            from = to;
        }
    }

    /// Who has served does not serve again.
    fn stand_ins(&self, say: Say<'_>) {
        let mut served = HashSet::new();
        for name in self.ways() {
            if !served.insert(name) {
                say("each target serves once", format!("{name} serves again"));
            }
        }
    }
}

/// Whether an attempt ended in that way.
fn failed_of(attempt: &AttemptRecord, word: &str) -> bool {
    let Some(ended) = &attempt.ended else { return false };
    ended.meaning.code() == word
        || ended.error.as_ref().is_some_and(|error| error.kind.code() == word)
        || ended.status.is_some_and(|status| format!("{}xx", status / 100) == word)
}

/// Ended from outside before it was sent.
fn was_never_sent(attempt: &AttemptRecord) -> bool {
    attempt.ended.as_ref().is_some_and(|ended| {
        ended.error.as_ref().is_some_and(|error| error.kind == SendErrorKind::Aborted)
            && (ended.effect, ended.status) == (Effect::None, None)
    })
}

fn is_doubtful(attempt: &AttemptRecord) -> bool {
    attempt.effect() != Effect::None
}
