//! What is rehearsed is what happens: the same scenario, played by the engine on a paused clock and by nobody.

use std::{sync::Arc, time::Duration};

use fanfare::{
    engine::{Broadcast, Clock, Engine, Target},
    policy::{
        Backoff, Jitter, Retry, TargetPolicy,
        gate::{BreakerPolicy, GatePolicy, RateLimit, RetryBudget},
        rehearse::{Answer, Load, Outage, RouteRehearsal, Scripted},
    },
    report::{Kind, Outcome},
};
use fanfare_sdk::{
    ApiTarget, Effect, Exchange, Fallback, Meaning, Payload, Repeat, Reply, SendError,
    SendErrorKind, Timestamp, Transport, async_trait,
};

use super::api::{SimApi, Vice};

const START: Timestamp = Timestamp::from_secs(1_767_225_600);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A target, what its API does, and when.
#[derive(Clone, Debug)]
struct Played {
    name: &'static str,
    gate: GatePolicy,
    attempts_max: u32,
    stand_in: Option<&'static str>,
    /// From, until, and what.
    outages: Vec<(u64, u64, Scripted)>,
}

/// So many milliseconds between the broadcasts.
#[derive(Clone, Debug)]
struct Scenario {
    every: u64,
    broadcasts: u32,
    to: Vec<&'static str>,
    targets: Vec<Played>,
    answers_after: u64,
}

/// The APIs of a scenario: what they do depends on the time only.
#[derive(Debug)]
struct Apis {
    scenario: Scenario,
    clock: Clock,
}

#[async_trait]
impl Transport for Apis {
    async fn exchange(&self, exchange: Exchange) -> Result<Reply, SendError> {
        let at = self.clock.now().since(START);
        let host = exchange.request.uri().host().unwrap().to_owned();
        let played = self.scenario.targets.iter().find(|it| it.name == host).unwrap();
        let outage =
            played.outages.iter().rfind(|(from, to, _)| (ms(*from)..ms(*to)).contains(&at));
        let well = Scripted::status(200).after(ms(self.scenario.answers_after));
        let does = outage.map_or(&well, |(_, _, does)| does);
        if does.answer == Answer::Refused {
            tokio::time::sleep(does.after).await;
            return Err(SendError::new(SendErrorKind::Connect, Meaning::Retry, Effect::None));
        }
        exchange.progress.sending();
        tokio::time::sleep(does.after).await;
        match &does.answer {
            Answer::Hang => std::future::pending().await,
            Answer::Status(status, headers) => {
                exchange.progress.replied(*status);
                Ok(Reply::http(*status, headers.clone(), ""))
            }
            Answer::Reset | Answer::Refused => {
                Err(SendError::new(SendErrorKind::Reset, Meaning::Retry, Effect::Unknown))
            }
        }
    }
}

impl Played {
    fn plain(name: &'static str) -> Self {
        let gate = GatePolicy::default();
        Self { name, gate, attempts_max: 3, stand_in: None, outages: Vec::new() }
    }

    fn api() -> SimApi {
        SimApi { seed: 1, repeat: Repeat::SameEndpoint, versions: vec![], vice: Vice::None }
    }

    fn policy(&self) -> TargetPolicy {
        let backoff = Backoff::list(vec![ms(110), ms(310), ms(1_010)]).unwrap();
        let backoff = backoff.with_jitter(Jitter::None);
        let fallback = self.stand_in.map(|name| Fallback::Target(name.into()));
        TargetPolicy {
            retry: Retry { attempts_max: self.attempts_max, backoff, ..Retry::default() },
            timeout: ms(1_003),
            give_up_after: ms(9_001),
            gate: self.gate.clone(),
            fallback: fallback.into_iter().map(Into::into).collect(),
            ..TargetPolicy::new(self.name.into(), &Self::api().profile())
        }
    }

    fn target(&self) -> Target {
        let TargetPolicy { retry, timeout, give_up_after, gate, fallback, .. } = self.policy();
        let target = Target::new(self.name, Self::api()).timeout(timeout).retry(retry);
        target.give_up_after(give_up_after).gate(gate).fallback(fallback)
    }
}

impl Scenario {
    /// What the engine does: a line for each delivery.
    fn play(&self) -> Vec<String> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let clock = Clock::starting_at(START);
            let apis = Arc::new(Apis { scenario: self.clone(), clock });
            let mut builder = Engine::builder().transport(apis).clock(clock);
            for target in &self.targets {
                builder = builder.target(target.target());
            }
            let engine = builder.start().await.unwrap();
            let mut handles = Vec::new();
            for _ in 0..self.broadcasts {
                let broadcast = Broadcast::new(Payload::new("text/plain", "hi"));
                let broadcast = self.to.iter().fold(broadcast, |it, name| it.to(*name));
                handles.push(engine.send(broadcast).await.unwrap());
                tokio::time::sleep(ms(self.every)).await;
            }
            let mut lines = Vec::new();
            for (number, handle) in handles.iter().enumerate() {
                for delivery in handle.settled().await.unwrap().deliveries {
                    let starts = delivery.attempts.iter().map(|it| &it.started);
                    let starts: Vec<_> =
                        starts.map(|it| (it.at, &it.way.target, it.kind)).collect();
                    let starts = starts.iter().map(|(at, to, kind)| start(*at, to.as_str(), *kind));
                    let starts: Vec<_> = starts.collect();
                    let (outcome, at) = (delivery.outcome.unwrap(), delivery.settled_at.unwrap());
                    lines.push(line(number, delivery.target.as_str(), &starts, (outcome, at)));
                }
            }
            engine.shutdown().await;
            lines
        })
    }

    /// What the rehearsal says.
    fn rehearse(&self) -> Vec<String> {
        let every = Load::steady(1, ms(self.every), ms(self.every) * self.broadcasts).unwrap();
        let well = Scripted::status(200).after(ms(self.answers_after));
        let mut rehearsal = RouteRehearsal::new(every).starting_at(START).normally(well);
        for target in &self.targets {
            rehearsal = match self.to.contains(&target.name) {
                true => rehearsal.to(target.policy()),
                false => rehearsal.stand_in(target.policy()),
            };
            for (from, to, does) in &target.outages {
                let outage = Outage::new(target.name, does.clone(), ms(*from)..ms(*to));
                rehearsal = rehearsal.outage(outage);
            }
        }
        let mut lines = Vec::new();
        let played = rehearsal.rehearse_with(|it| {
            let starts = it.history.starts();
            let starts: Vec<_> =
                starts.map(|it| start(it.at, it.way.target.as_str(), it.kind)).collect();
            let (number, recipient) = (it.broadcast, it.recipient.as_str());
            let line = line(number as usize, recipient, &starts, (it.outcome, it.at));
            let place = self.to.iter().position(|name| *name == recipient);
            lines.push(((number, place), line));
        });
        assert_eq!(played.unsettled, 0);
        lines.sort();
        lines.into_iter().map(|(_, line)| line).collect()
    }
}

fn start(at: Timestamp, to: &str, kind: Kind) -> String {
    format!("{} {} {to}", at.since(START).as_micros() as f64 / 1_000.0, kind.code())
}

fn line(number: usize, to: &str, starts: &[String], (outcome, at): (Outcome, Timestamp)) -> String {
    format!("{number}/{to}: {}; {outcome} at {:?}", starts.join(", "), at.since(START))
}

/// The engine and the rehearsal agree, in every attempt of every delivery; so many of them are delivered.
#[track_caller]
fn check(scenario: &Scenario, delivered: usize) {
    let (played, rehearsed) = (scenario.play(), scenario.rehearse());
    let differs = played.iter().zip(&rehearsed).find(|(played, rehearsed)| played != rehearsed);
    assert_eq!(differs, None, "{rehearsed:#?}");
    assert_eq!(played.len(), rehearsed.len());
    let count = played.iter().filter(|line| line.contains("; delivered at")).count();
    assert_eq!(count, delivered, "{rehearsed:#?}");
}

fn one(target: Played) -> Scenario {
    let to = vec![target.name];
    Scenario { every: 137, broadcasts: 60, to, targets: vec![target], answers_after: 53 }
}

#[test]
fn an_outage_with_a_breaker_and_without() {
    let outages = vec![(1_500, 4_500, Scripted::refused())];
    let breaker = Some(BreakerPolicy::try_new(3, ms(1_700), 1).unwrap());
    let guarded = GatePolicy { breaker, ..GatePolicy::default() };
    let open = GatePolicy { breaker: None, ..GatePolicy::default() };
    check(&one(Played { gate: guarded, outages: outages.clone(), ..Played::plain("a") }), 60);
    check(&one(Played { gate: open, outages, ..Played::plain("a") }), 41);
}

#[test]
fn throttling_a_rate_limit_and_few_at_a_time() {
    let limit = RateLimit::try_new(10, ms(1_000), 3).unwrap();
    let gate = GatePolicy { rate_limit: Some(limit), ..GatePolicy::default() };
    let outages = vec![(1_500, 1_700, Scripted::status(429).retry_after(2))];
    check(&one(Played { gate, outages, ..Played::plain("a") }), 60);
    let gate = GatePolicy { concurrency_max: 2, ..GatePolicy::default() };
    let slow = Scripted::status(200).after(ms(701));
    let outages = vec![(1_500, 4_500, slow), (4_500, 5_000, Scripted::hang())];
    check(&one(Played { gate, outages, ..Played::plain("a") }), 60);
}

#[test]
fn a_stand_in_takes_over_and_a_repeat_is_not_safe_everywhere() {
    let served = Played {
        stand_in: Some("b"),
        outages: vec![(1_500, 3_000, Scripted::status(503)), (3_000, 4_000, Scripted::reset())],
        attempts_max: 2,
        ..Played::plain("a")
    };
    let scenario =
        Scenario { targets: vec![served, Played::plain("b")], ..one(Played::plain("a")) };
    check(&scenario, 60);
}

#[test]
fn two_recipients_and_the_retry_budgets() {
    let down = |from, after| vec![(from, 6_000, Scripted::status(503).after(ms(after)))];
    let gate = GatePolicy { breaker: None, retry_budget: None, ..GatePolicy::default() };
    // The budget of the engine, and one of its own: who of two targets comes first in an instant is not said.
    let a = Played { gate: gate.clone(), outages: down(500, 0), ..Played::plain("a") };
    let retry_budget = Some(RetryBudget::try_new(0.1, 2).unwrap());
    let b = Played { gate: GatePolicy { retry_budget, ..gate }, ..Played::plain("b") };
    let every = Scenario { every: 31, broadcasts: 150, ..one(a.clone()) };
    check(&every, 71);
    check(&Scenario { to: vec!["a", "b"], targets: vec![a, b.clone()], ..every.clone() }, 206);
    let b = Played { outages: down(500, 7), ..b };
    check(&Scenario { to: vec!["b"], targets: vec![b], ..every }, 32);
}
