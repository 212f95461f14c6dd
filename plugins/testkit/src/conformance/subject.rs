//! The target under test, and how an attempt is made with it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use fanfare_sdk::{
    ApiTarget, Attempt, Call, Delivered, Effect, Payload, Profile, Reply, SendError, Timestamp,
    Transport, Version, VersionUse, Wire,
};
use http::Request;
use tokio::time::timeout;

use super::check::{Unfit, failed, skipped};
use crate::{Received, Scripted, ScriptedTransport, clock};

/// The markers by which the keys of a call are found in a request.
pub(super) const KEY: &str = "conformance-key-6f1d";
pub(super) const DELIVERY: &str = "conformance-delivery-b83a";
/// Those of another delivery.
pub(super) const OTHER_KEY: &str = "conformance-key-2c90";
pub(super) const OTHER_DELIVERY: &str = "conformance-delivery-71ae";
/// 2027-01-15T08:00:00Z.
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
/// What a call says it has, in virtual time.
const TIME_LEFT: Duration = Duration::from_secs(30);
/// An attempt that takes longer has no end, in virtual time.
const ATTEMPT_MAX: Duration = Duration::from_secs(3600);
/// Exchanges of one attempt that are broken in turn.
pub(super) const BROKEN_MAX: usize = 8;

pub(super) type Answer = dyn Fn(&Request<Bytes>) -> Scripted + Send + Sync;

pub(super) struct Subject<'a> {
    pub(super) make: &'a dyn Fn() -> Arc<dyn ApiTarget>,
    pub(super) payload: Payload,
    pub(super) secrets: Vec<String>,
    pub(super) accepting: Arc<Answer>,
    pub(super) recognised_by: Option<String>,
}

/// One attempt, after its end.
pub(super) struct Run {
    pub(super) ended: Result<Reply, SendError>,
    pub(super) received: Vec<Received>,
    /// In virtual time.
    pub(super) took: Duration,
    /// What its progress says.
    pub(super) effect: Effect,
}

/// Which of the target's methods is called.
pub(super) enum Door {
    Send,
    Probe,
    Compensate(Delivered),
}

// === impl Subject ===

impl Subject<'_> {
    pub(super) fn target(&self) -> Arc<dyn ApiTarget> {
        (self.make)()
    }

    /// The versions that it is asked for, preferred first. Where it needs one and declares none, its users name them in
    /// their configuration: two are made up.
    pub(super) fn versions(&self, profile: &Profile) -> Vec<Version> {
        match profile.version_use {
            VersionUse::Needed if profile.versions.is_empty() => vec!["2".into(), "1".into()],
            VersionUse::Needed | VersionUse::Accepted | VersionUse::Ignored => {
                profile.versions.clone()
            }
        }
    }

    /// A first attempt at the version and endpoint that the target prefers.
    pub(super) fn call(&self, profile: &Profile) -> Call {
        let mut call = Call::new("conformance".into(), KEY.into(), NOW, TIME_LEFT);
        call.delivery_id = DELIVERY.into();
        call.nonce = [7; 16];
        call.version = self.versions(profile).into_iter().next();
        call.endpoint = profile.endpoints.first().cloned();
        call
    }

    pub(super) fn attempt(
        &self,
        profile: &Profile,
        call: Call,
        transport: &Arc<ScriptedTransport>,
    ) -> Attempt {
        let transport: Arc<dyn Transport> = Arc::<ScriptedTransport>::clone(transport);
        Attempt::new(call, self.payload.clone(), Wire::new(transport).capturing(profile.capture))
    }

    /// An API that accepts everything.
    pub(super) fn accepting(&self) -> Arc<ScriptedTransport> {
        let answer = Arc::clone(&self.accepting);
        Arc::new(ScriptedTransport::new(move |request| answer(request)))
    }

    /// The same, slowly.
    pub(super) fn accepting_after(&self, pause: Duration) -> Arc<ScriptedTransport> {
        let answer = Arc::clone(&self.accepting);
        Arc::new(ScriptedTransport::new(move |request| answer(request).after(pause)))
    }

    /// An API that accepts so many exchanges and then answers with the fault only.
    pub(super) fn failing(&self, accepted: usize, fault: Scripted) -> Arc<ScriptedTransport> {
        let (answer, seen) = (Arc::clone(&self.accepting), AtomicUsize::new(0));
        Arc::new(ScriptedTransport::new(move |request| {
            let good = seen.fetch_add(1, Ordering::Relaxed) < accepted;
            if good { answer(request) } else { fault.clone() }
        }))
    }

    /// Makes an attempt and waits for its end.
    pub(super) async fn run(
        &self,
        target: &dyn ApiTarget,
        (door, attempt): (Door, Attempt),
        transport: &ScriptedTransport,
    ) -> Result<Run, Unfit> {
        let (begun, before) = (clock::now(), transport.count());
        let progress = attempt.progress.clone();
        let ending = match door {
            Door::Send => target.send(attempt),
            Door::Probe => target.probe(attempt),
            Door::Compensate(delivered) => target.compensate(delivered, attempt),
        };
        let Ok(ended) = timeout(ATTEMPT_MAX, ending).await else {
            return failed("an attempt did not end although the API had answered");
        };
        let received = transport.received().split_off(before);
        Ok(Run { ended, received, took: begun.elapsed(), effect: progress.effect() })
    }

    /// Makes the attempt of a call to an API that accepts everything.
    pub(super) async fn accepted(&self, target: &dyn ApiTarget, call: Call) -> Result<Run, Unfit> {
        let transport = self.accepting();
        let attempt = self.attempt(&target.profile(), call, &transport);
        self.run(target, (Door::Send, attempt), &transport).await
    }

    /// The same, for the checks that need to see requests.
    pub(super) async fn prepared(&self, target: &dyn ApiTarget, call: Call) -> Result<Run, Unfit> {
        let run = self.accepted(target, call).await?;
        if run.received.is_empty() { skipped("no request went over the wire") } else { Ok(run) }
    }

    /// One attempt for each exchange that the fault can meet.
    pub(super) async fn broken(&self, fault: &Scripted) -> Result<Vec<Run>, Unfit> {
        let target = self.target();
        let profile = target.profile();
        let call = self.call(&profile);
        let exchanges = self.prepared(&*target, call.clone()).await?.received.len();
        let mut runs = Vec::new();
        for accepted in 0..exchanges.min(BROKEN_MAX) {
            let transport = self.failing(accepted, fault.clone());
            let attempt = self.attempt(&profile, call.clone(), &transport);
            runs.push(self.run(&*self.target(), (Door::Send, attempt), &transport).await?);
        }
        Ok(runs)
    }
}

/// The call of another delivery of the same payload.
pub(super) fn other(mut call: Call) -> Call {
    call.idempotency_key = OTHER_KEY.into();
    call.delivery_id = OTHER_DELIVERY.into();
    call
}

/// Where two attempts made different requests; never with a value, which may be a secret.
pub(super) fn difference(one: &[Received], other: &[Received]) -> Option<String> {
    if one.len() != other.len() {
        return Some(format!("{} requests and {} requests", one.len(), other.len()));
    }
    one.iter().zip(other).find_map(|(one, other)| {
        if one.method != other.method {
            return Some("another method".to_owned());
        }
        if one.uri != other.uri {
            return Some("another URL".to_owned());
        }
        if one.body != other.body {
            return Some("another body".to_owned());
        }
        let (mine, theirs): (Vec<_>, Vec<_>) =
            (one.headers.iter().collect(), other.headers.iter().collect());
        let changed = mine.iter().zip(&theirs).find(|(mine, theirs)| mine != theirs);
        match changed {
            Some(((name, _), _)) => Some(format!("another header `{name}`")),
            None if mine.len() == theirs.len() => None,
            None => Some("another number of headers".to_owned()),
        }
    })
}
