//! What is played: everything is drawn from the seed.

use std::{ops::Range, time::Duration};

use fanfare::{
    engine::{Broadcast, Target},
    policy::{
        Backoff, Condition, FallbackRule, FallbackTo, Hedge, Jitter, Retry,
        gate::{BreakerPolicy, GatePolicy, RateLimit},
    },
    report::{Completion, Occasion, Priority, Rest},
};
use fanfare_sdk::{Call, Fallback, Mapper, Payload, PrepareError, Repeat};

use super::{
    api::{SimApi, SimAuth, VICES, Vice},
    world::{Act, Outage},
};

/// A rate limit of the simulation: a request per interval, and so many at once.
pub(super) const RATE: (Duration, u32) = (Duration::from_millis(100), 3);

/// How long a breaker of the simulation is open, after how many failures.
pub(super) const BREAKER: (Duration, u32) = (Duration::from_secs(2), 3);

/// The longest that a target of the simulation is left alone because it asked for it.
pub(super) const RETRY_AFTER_MAX: Duration = Duration::from_secs(4);

/// What an attempt of the simulation may take.
pub(super) const TIMEOUT: Duration = Duration::from_secs(1);

/// What is played.
#[derive(Clone, Debug, Default)]
pub(super) struct Scenario {
    pub(super) seed: u64,
    pub(super) targets: Vec<SimTarget>,
    pub(super) broadcasts: Vec<SimBroadcast>,
    pub(super) world_faults: u64,
    pub(super) journal_faults: u64,
    pub(super) store: Store,
    pub(super) outages: Vec<Outage>,
    /// The target that is notified of each third broadcast.
    pub(super) notified: Option<usize>,
    /// What is done to the engine beside sending, and when.
    pub(super) deeds: Vec<(Duration, Deed)>,
}

/// Where the journal keeps what it is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Store {
    #[default]
    Memory,
    /// The same, as if a commit took its time.
    Slow,
    Sqlite,
}

/// Something that is done to the engine. Targets are numbered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Deed {
    KillTarget(usize),
    KillCoordinators,
    /// Replaced by another one like it.
    Replace(usize),
    Pause(usize),
    Resume(usize),
    Revive(usize),
    /// Time has passed, and nobody was there: as after a machine's sleep.
    Jump(Duration),
    Shutdown,
}

#[derive(Clone, Debug)]
pub(super) struct SimTarget {
    pub(super) name: String,
    pub(super) api: SimApi,
    pub(super) auth: bool,
    pub(super) stand_ins: Vec<String>,
    /// The failure that they are for; none are all of them.
    pub(super) meant_for: Option<&'static str>,
    /// A canned reply is its last fallback.
    pub(super) canned: bool,
    pub(super) concurrency_max: u32,
    pub(super) rate_limited: bool,
    /// Probes of its breaker.
    pub(super) breaker: Option<u32>,
    pub(super) attempts_max: u32,
    pub(super) hedge: Option<Hedge>,
    pub(super) give_up_after: Duration,
    /// Deliveries that its actor holds.
    pub(super) queue_max: usize,
    /// Its deliveries have one of three order keys.
    pub(super) keyed: bool,
}

/// Of three broadcasts, each has another order key.
#[derive(Debug)]
struct ThreeKeys;

impl Mapper for ThreeKeys {
    fn map(&self, _: &Call, payload: &Payload) -> Result<Payload, PrepareError> {
        Ok(payload.clone())
    }

    fn order_key(&self, payload: &Payload) -> Result<Option<String>, PrepareError> {
        Ok(Some(order_key(payload)))
    }
}

/// By what the deliveries of such a target are ordered.
pub(super) fn order_key(payload: &Payload) -> String {
    let text = String::from_utf8_lossy(payload.bytes()).into_owned();
    let number: usize = text.rsplit(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
    (number % 3).to_string()
}

#[derive(Clone, Debug)]
pub(super) struct SimBroadcast {
    pub(super) at: Duration,
    pub(super) to: Vec<(usize, Role)>,
    pub(super) completion: Completion,
    pub(super) rest: Rest,
    pub(super) priority: Priority,
    pub(super) deadline: Option<Duration>,
    pub(super) cancel_after: Option<Duration>,
    /// The caller gives a key, and sends it again after that time.
    pub(super) again_after: Option<Duration>,
}

/// What a recipient is to a broadcast.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    Required,
    Optional,
    Skipped,
}

impl Scenario {
    /// Everything is drawn from the seed; about so many broadcasts.
    pub(super) fn draw(seed: u64, broadcasts: usize) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let count = rng.usize(2..=5);
        let mut targets: Vec<_> =
            (0..count).map(|place| SimTarget::draw(&mut rng, seed, place, count)).collect();
        let sent = rng.usize(broadcasts / 2..broadcasts * 3 / 2);
        let span = 5_000 + 60 * u64::try_from(sent).unwrap();
        let broadcasts = (0..sent).map(|_| SimBroadcast::draw(&mut rng, count, span)).collect();
        let mut outages: Vec<Outage> = Vec::new();
        for _ in 0..rng.usize(0..4) {
            let new = outage(&mut rng, count, span);
            let beside =
                |it: &Outage| it.target == new.target && it.from < new.to && new.from < it.to;
            if !outages.iter().any(beside) {
                outages.push(new);
            }
        }
        let deeds = deeds(&mut rng, count, span);
        let store = match rng.u8(0..16) {
            0 => Store::Sqlite,
            1..8 => Store::Slow,
            _ => Store::Memory,
        };
        // What does not fit is left in the journal; in memory it would fail.
        for target in targets.iter_mut().filter(|_| store != Store::Memory) {
            target.queue_max = if rng.bool() { rng.usize(1..12) } else { 10_000 };
        }
        for target in &mut targets {
            target.keyed = rng.u8(0..4) == 0;
        }
        // Nobody sends to it, and nobody does anything to it.
        let notified = rng.bool().then_some(targets.len());
        targets.extend(notified.map(SimTarget::plain));
        Self {
            seed,
            targets,
            broadcasts,
            notified,
            world_faults: rng.u64(0..60),
            journal_faults: if rng.bool() { rng.u64(0..15) } else { 0 },
            outages,
            deeds,
            store,
        }
    }

    /// Whether nothing is done that makes hints get lost: what is asked for then happens at once.
    pub(super) fn is_calm(&self) -> bool {
        let kills = |deed: &Deed| matches!(deed, Deed::KillTarget(_) | Deed::KillCoordinators);
        self.journal_faults == 0 && !self.deeds.iter().any(|(_, deed)| kills(deed))
    }

    pub(super) fn broadcast(&self, place: usize) -> Broadcast {
        let SimBroadcast { to, completion, rest, deadline, .. } = &self.broadcasts[place];
        let payload = Payload::new("text/plain", format!("broadcast {place}"));
        let mut broadcast = Broadcast::new(payload).completion(*completion).rest(*rest);
        broadcast = broadcast.priority(self.broadcasts[place].priority);
        for (target, role) in to {
            let name = self.targets[*target].name.as_str();
            broadcast = match role {
                Role::Required => broadcast.to(name),
                Role::Optional => broadcast.optional(name),
                Role::Skipped => broadcast.skipping(name),
            };
        }
        if let Some(notified) = self.notified.filter(|_| place.is_multiple_of(3)) {
            let on = Occasion::ALL.into_iter().skip(place % 2);
            broadcast = broadcast.notify(self.targets[notified].name.as_str(), on);
        }
        if self.broadcasts[place].again_after.is_some() {
            broadcast = broadcast.idempotency_key(format!("key {place}"));
        }
        match deadline {
            Some(deadline) => broadcast.deadline(*deadline),
            None => broadcast,
        }
    }
}

fn outage(rng: &mut fastrand::Rng, count: usize, span: u64) -> Outage {
    let from = millis(rng, 0..span);
    let act = match rng.u8(0..7) {
        0 | 1 => Act::Refuse,
        2 => Act::Status(503),
        3 => Act::RetryAfter(503),
        4 => Act::Status(429),
        5 => Act::RetryAfter(429),
        _ => Act::HangNotApplied,
    };
    let target = format!("t{}", rng.usize(0..count));
    Outage { target, from, to: from + millis(rng, 500..40_000), act }
}

fn deeds(rng: &mut fastrand::Rng, count: usize, span: u64) -> Vec<(Duration, Deed)> {
    let mut deeds = Vec::new();
    let until = span * 3 / 2;
    // Half of the runs are left in peace: in the others, hints may get lost.
    if rng.bool() {
        for _ in 0..rng.usize(0..8) {
            let victim = rng.usize(0..=count);
            let kill =
                if victim < count { Deed::KillTarget(victim) } else { Deed::KillCoordinators };
            deeds.push((millis(rng, 0..until), kill));
        }
    }
    for _ in 0..rng.usize(0..4) {
        deeds.push((millis(rng, 0..until), Deed::Replace(rng.usize(0..count))));
    }
    for _ in 0..rng.usize(0..3) {
        let (from, target) = (millis(rng, 0..span), rng.usize(0..count));
        deeds.push((from, Deed::Pause(target)));
        deeds.push((from + millis(rng, 1..4_000), Deed::Resume(target)));
    }
    for _ in 0..rng.usize(0..6) {
        deeds.push((millis(rng, 0..until), Deed::Revive(rng.usize(0..count))));
    }
    for _ in 0..rng.usize(0..3) {
        let jump = Deed::Jump(millis(rng, 1..8_000));
        deeds.push((millis(rng, 0..span), jump));
    }
    if rng.u8(0..4) == 0 {
        deeds.push((millis(rng, 500..span), Deed::Shutdown));
    }
    deeds
}

impl SimTarget {
    /// A target without vice and without limits.
    pub(super) fn plain(place: usize) -> Self {
        let api =
            SimApi { seed: 1, repeat: Repeat::SameEndpoint, versions: vec![], vice: Vice::None };
        Self {
            name: format!("t{place}"),
            api,
            auth: false,
            stand_ins: Vec::new(),
            meant_for: None,
            canned: false,
            concurrency_max: 128,
            rate_limited: false,
            breaker: None,
            attempts_max: 3,
            hedge: None,
            give_up_after: Duration::from_secs(60),
            queue_max: 10_000,
            keyed: false,
        }
    }

    fn draw(rng: &mut fastrand::Rng, seed: u64, place: usize, count: usize) -> Self {
        let repeat = [Repeat::Never, Repeat::SameEndpoint, Repeat::Anywhere][rng.usize(0..3)];
        let versions = [vec![], vec!["2"], vec!["3", "2", "1"]][rng.usize(0..3)].clone();
        let vice = if rng.bool() { Vice::None } else { VICES[rng.usize(0..VICES.len())] };
        let in_auth = matches!(
            vice,
            Vice::AuthPanicsInReady
                | Vice::AuthPanicsInAuthorize
                | Vice::AuthPanicsInLearn
                | Vice::AuthIsLate
                | Vice::AuthFails
        );
        Self {
            api: SimApi { seed, repeat, versions, vice },
            auth: in_auth || rng.u8(0..4) == 0,
            stand_ins: (place + 1..count)
                .filter(|_| rng.bool())
                .map(|it| format!("t{it}"))
                .collect(),
            meant_for: meant_for(seed, place),
            canned: rng.u8(0..8) == 0,
            concurrency_max: if rng.bool() { rng.u32(1..4) } else { 128 },
            rate_limited: rng.u8(0..4) == 0,
            breaker: rng.bool().then(|| rng.u32(1..=2)),
            attempts_max: rng.u32(1..5),
            hedge: match rng.u8(0..4) {
                0 => Some(Hedge::After(millis(rng, 20..600))),
                1 => Some(Hedge::Percentile95),
                _ => None,
            },
            give_up_after: Duration::from_secs(rng.u64(5..60)),
            ..Self::plain(place)
        }
    }

    pub(super) fn build(&self) -> Target {
        let backoff =
            Backoff::exponential(Duration::from_millis(50), Duration::from_secs(2)).unwrap();
        let mut gate = GatePolicy::default();
        (gate.concurrency_max, gate.breaker) = (self.concurrency_max, None);
        if let Some(probes) = self.breaker {
            gate.breaker = Some(BreakerPolicy::try_new(BREAKER.1, BREAKER.0, probes).unwrap());
        }
        if self.rate_limited {
            gate.rate_limit = Some(RateLimit::try_new(1, RATE.0, RATE.1).unwrap());
        }
        let mut target = Target::new(self.name.as_str(), self.api.clone())
            .timeout(TIMEOUT)
            .give_up_after(self.give_up_after)
            .queue_max(self.queue_max)
            .retry(Retry {
                attempts_max: self.attempts_max,
                backoff: backoff.with_jitter(Jitter::Full),
                retry_after_max: RETRY_AFTER_MAX,
                ..Retry::default()
            })
            .gate(gate);
        let mut fallback = vec![FallbackRule::from(Fallback::Version)];
        let on: Vec<_> = self.meant_for.iter().map(|it| Condition::parse(it).unwrap()).collect();
        fallback.extend(self.stand_ins.iter().map(|name| {
            FallbackRule::new(FallbackTo::Target(name.as_str().into())).on(on.clone())
        }));
        fallback.extend(self.canned.then(|| FallbackRule::from(Fallback::Reply)));
        target = target.fallback(fallback);
        if let Some(hedge) = self.hedge {
            target = target.hedge(hedge);
        }
        if self.keyed {
            target = target.mapper(ThreeKeys);
        }
        if self.auth { target.auth(SimAuth(self.api.clone())) } else { target }
    }
}

impl SimBroadcast {
    /// To every one of `count` targets, as soon as it begins.
    #[cfg(test)]
    pub(super) fn to_all(count: usize) -> Self {
        Self {
            at: Duration::ZERO,
            to: (0..count).map(|target| (target, Role::Required)).collect(),
            completion: Completion::All,
            rest: Rest::Finish,
            priority: Priority::Normal,
            deadline: None,
            cancel_after: None,
            again_after: None,
        }
    }

    fn draw(rng: &mut fastrand::Rng, count: usize, span: u64) -> Self {
        let mut to: Vec<_> =
            (0..count).filter(|_| rng.u8(0..3) > 0).map(|t| (t, Role::Required)).collect();
        if to.is_empty() {
            to.push((rng.usize(0..count), Role::Required));
        }
        for (_, role) in &mut to {
            *role = match rng.u8(0..16) {
                0..4 => Role::Optional,
                4 => Role::Skipped,
                _ => Role::Required,
            };
        }
        let completion = match rng.u8(0..4) {
            0 => Completion::All,
            1 => Completion::Any,
            2 => Completion::BestEffort,
            _ => Completion::Quorum(rng.u32(1..=u32::try_from(to.len()).unwrap())),
        };
        Self {
            at: millis(rng, 0..span),
            to,
            completion,
            rest: if rng.bool() { Rest::Cancel } else { Rest::Finish },
            priority: [Priority::Low, Priority::Normal, Priority::High][rng.usize(0..3)],
            deadline: rng.bool().then(|| millis(rng, 100..10_000)),
            cancel_after: (rng.u8(0..6) == 0).then(|| millis(rng, 0..3_000)),
            again_after: (rng.u8(0..8) == 0).then(|| millis(rng, 0..3_000)),
        }
    }
}

fn millis(rng: &mut fastrand::Rng, range: Range<u64>) -> Duration {
    Duration::from_millis(rng.u64(range))
}

/// Which failures the stand-ins of a target are for. Drawn apart: what else is drawn stays as it was.
fn meant_for(seed: u64, place: usize) -> Option<&'static str> {
    const WORDS: [&str; 5] = ["5xx", "attempts_used_up", "breaker", "permanent", "connect"];
    let mut rng = fastrand::Rng::with_seed(seed.rotate_left(32) ^ place as u64);
    rng.bool().then(|| WORDS[rng.usize(0..WORDS.len())])
}
