//! Authorizers that fetch their proof: what becomes of deliveries while there is none.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use fanfare::{
    Broadcast, Engine, Target,
    policy::{Backoff, Jitter, Retry},
    report::Report,
    sdk::{AuthError, Authorizer, Call, Fallback, Payload, Ready, Stamp, async_trait},
    targets::HttpTarget,
};
use fanfare_testkit::{Scripted, ScriptedTransport};
use http::Request;

/// Fetches a token each time it is asked.
#[derive(Debug)]
struct Fetching {
    asked: Arc<AtomicUsize>,
    permanent: bool,
}

#[async_trait]
impl Authorizer for Fetching {
    async fn ready(&self, ready: Ready) -> Result<Stamp, AuthError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let request = Request::get("https://auth.example/token").body(Bytes::new()).unwrap();
        let error = |code, permanent| {
            if permanent { AuthError::permanent(code) } else { AuthError::temporary(code) }
        };
        let reply = ready.wire.send(request).await.map_err(|_| error("no_reply", false))?;
        match reply.head.status {
            Some(200) => Ok(Stamp(1)),
            _ => Err(error("no_token", self.permanent).because("the token endpoint is down")),
        }
    }

    async fn authorize(
        &self,
        _: Stamp,
        _: &Call,
        request: &mut Request<Bytes>,
    ) -> Result<(), AuthError> {
        request.headers_mut().insert("authorization", "Bearer x".parse().unwrap());
        Ok(())
    }
}

struct Stage {
    engine: Engine,
    net: Arc<ScriptedTransport>,
    asked: Arc<AtomicUsize>,
}

/// `crm` with an authorizer whose token endpoint answers like this, and `spare` without.
async fn stage(tokens: &[Scripted], permanent: bool, change: impl Fn(Target) -> Target) -> Stage {
    let ok: &[_] = &[Scripted::status(200)];
    let scripts = [("auth.example", tokens), ("crm.example", ok), ("spare.example", ok)];
    let scripts =
        scripts.map(|(host, script)| (host, fanfare_testkit::Script::new(script.to_vec())));
    let net = Arc::new(ScriptedTransport::routes(scripts));
    let asked = Arc::<AtomicUsize>::default();
    let target = |name: &str| {
        let api = HttpTarget::post(format!("https://{name}.example/")).unwrap();
        let backoff = Backoff::constant(Duration::from_millis(100)).with_jitter(Jitter::None);
        let retry = Retry { attempts_max: 2, backoff, ..Retry::default() };
        Target::http(name, api).retry(retry)
    };
    let crm = target("crm").auth(Fetching { asked: asked.clone(), permanent });
    let builder = Engine::builder().transport(net.clone()).target(change(crm));
    Stage { engine: builder.target(target("spare")).start().await.unwrap(), net, asked }
}

impl Stage {
    async fn send(&self) -> Report {
        let payload = Payload::new("application/json", "{}");
        self.engine.broadcast(Broadcast::new(payload).to("crm")).await.unwrap()
    }

    /// How it ended, with every attempt, and how long it took.
    async fn told(&self) -> String {
        let report = self.send().await;
        let delivery = &report.deliveries[0];
        let mut text = delivery.outcome.unwrap().to_string();
        for attempt in &delivery.attempts {
            let started = &attempt.started;
            let ended = attempt.ended.as_ref().unwrap();
            let error = ended.error.as_ref().map_or(String::new(), |e| format!(" {}", e.message));
            let held = started.held.map_or(String::new(), |why| format!(" held {}", why.code()));
            let status = ended.status.map_or(String::new(), |status| format!(" {status}"));
            let way = &started.way.target;
            text.push_str(&format!("; {way} {}{held}{status}{error}", started.because));
        }
        let took = report.settled_at.unwrap().since(report.accepted_at);
        format!("{text}; {took:?}")
    }
}

const DOWN: fn() -> Scripted = || Scripted::status(503);
const UP: fn() -> Scripted = || Scripted::status(200);

#[tokio::test(start_paused = true)]
async fn a_failure_that_passes_costs_no_attempt_and_is_none_of_the_target() {
    let tokens = [DOWN(), Scripted::refused(), DOWN(), DOWN(), UP()];
    let stage = stage(&tokens, false, |target| target).await;
    // 200 ms, 400 ms, 800 ms, 1.6 s.
    assert_eq!(stage.told().await, "delivered; crm first way held auth 200; 3s");
    assert_eq!(stage.asked.load(Ordering::Relaxed), 5);
    assert_eq!(
        stage.net.received().iter().filter(|r| r.uri.host() == Some("crm.example")).count(),
        1
    );
    // The breaker of the target, which opens after some failures, has heard of nothing.
    assert_eq!(stage.told().await, "delivered; crm first way 200; 0ns");
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_until_its_time_is_over_is_told_why() {
    let stage =
        stage(&[DOWN()], false, |target| target.give_up_after(Duration::from_secs(1))).await;
    let why = "no proof of who we are: not authorised (no_token): the token endpoint is down";
    let told = stage.told().await;
    assert!(told.starts_with("failed (its time was over); crm first way"), "{told}");
    assert!(told.contains(why), "{told}");
    assert_eq!(told.matches("crm first way").count(), 1, "{told}");
    assert!(stage.asked.load(Ordering::Relaxed) <= 4);
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_does_not_pass_ends_it_at_once() {
    let stage = stage(&[DOWN()], true, |target| target).await;
    let why = "no proof of who we are: not authorised (no_token): the token endpoint is down";
    assert_eq!(stage.told().await, format!("failed (not authorised); crm first way {why}; 0ns"));
    assert_eq!(stage.asked.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stand_in_takes_over_when_it_fails_again_and_again() {
    let stand_in = |target: Target| target.fallback([Fallback::Target("spare".into())]);
    let stage = stage(&[DOWN()], false, stand_in).await;
    // 200 ms and 400 ms are a hiccup; after the third failure nobody waits any more.
    assert_eq!(stage.told().await, "delivered; spare the target before it failed 200; 600ms");
    assert_eq!(stage.told().await, "delivered; spare the target before it failed 200; 0ns");
    assert_eq!(stage.asked.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn an_authorizer_that_hangs_is_cut_off() {
    let stage = stage(&[Scripted::hang(), UP()], false, |target| target).await;
    assert_eq!(stage.told().await, "delivered; crm first way held auth 200; 10.2s");
}

#[tokio::test(start_paused = true)]
async fn those_that_fail_together_count_once() {
    let stage = stage(&[DOWN(), UP()], false, |target| target).await;
    let four = futures_util::future::join_all((0..4).map(|_| stage.told())).await;
    // One pause of 200 ms for all four, then they go.
    for told in four {
        assert_eq!(told, "delivered; crm first way held auth 200; 200ms");
    }
    // Nobody else has asked in the pause; then each asks.
    assert_eq!(stage.asked.load(Ordering::Relaxed), 5);
}
