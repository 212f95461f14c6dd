//! Before an attempt: are the authorizers ready? A failure that may pass costs the delivery no attempt, and is no failure
//! of the target: it has pauses of its own, and after some in a row a door of its own, beside the gate.

use std::{
    panic::AssertUnwindSafe,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use fanfare_sdk::{
    AuthError, Capture, Classification, Effect, Learned, Meaning, Ready, RetryAfter, SendError,
    SendErrorKind, Timestamp, Wire,
};
use futures_util::FutureExt;
use tokio::time::timeout;

use super::{
    Shared, Slot, SlotParts, TargetMsg, attempt,
    messages::Stamps,
    queue::Place,
    starts::{Draft, filled},
    target::TargetState,
    task,
};
use crate::{
    journal::Entry,
    policy::{Door, Step, next},
    report::{Because, DeliveryId, Ended, Event, Kind, Way, Why},
    telemetry,
};

/// How long all authorizers of a target may take to be ready: a connection and a reply of a slow token endpoint.
const READY_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest pause that an authorizer may ask for: a clock that is wrong must not end everything.
const PAUSE_ASKED_MAX: Duration = Duration::from_secs(5 * 60);

/// Failures in a row after which the target counts as shut, and other ways are taken: one or two are a hiccup.
const FAILURES_MAX: u32 = 3;

/// Bytes of a reply of a token endpoint that are kept: tokens have some kilobytes.
const REPLY_BYTES_MAX: usize = 64 << 10;

/// How the authorizers of a target have answered lately.
#[derive(Debug, Default)]
pub(super) struct Proof(Mutex<Lately>);

#[derive(Debug, Default)]
struct Lately {
    failures: u32,
    /// When they failed last.
    at: Timestamp,
    /// Nobody asks before that.
    until: Timestamp,
    /// What they said last, in one line.
    said: Option<String>,
    code: &'static str,
}

impl Proof {
    /// What their failures mean for everybody.
    pub(super) fn door(&self, now: Timestamp) -> Door {
        let lately = self.lately();
        if lately.failures >= FAILURES_MAX && now < lately.until {
            Door::NotBefore(lately.until, Why::Auth)
        } else {
            Door::Open
        }
    }

    fn given(&self) {
        *self.lately() = Lately::default();
    }

    /// Notes a failure, and says when to ask again. Those that waited for the same flight fail together, and count once.
    fn missing(&self, error: &AuthError, now: Timestamp) -> (Timestamp, bool) {
        let mut lately = self.lately();
        if now < lately.until {
            return (lately.until, false);
        }
        lately.failures = lately.failures.saturating_add(1);
        let own = now.after(AuthError::pause(lately.failures));
        let (soonest, latest) = (now.after(AuthError::pause(1)), now.after(PAUSE_ASKED_MAX));
        // Whoever knows when to ask again paces itself, for all who share it.
        lately.until = error.not_before.map_or(own, |asked| asked.min(latest).max(soonest));
        lately.at = now;
        lately.said = error.source.as_deref().map(|cause| attempt::chain(cause));
        lately.code = error.code;
        (lately.until, true)
    }

    /// Why nobody asks now.
    fn pause(&self, now: Timestamp) -> Option<AuthError> {
        let is_pausing = now < self.lately().until;
        self.last().filter(|_| is_pausing).map(|(_, error)| error)
    }

    /// When and why they failed last, if nobody was ready since.
    fn last(&self) -> Option<(Timestamp, AuthError)> {
        let lately = self.lately();
        let mut error = AuthError::temporary(lately.code);
        error.source = lately.said.clone().map(Into::into);
        (lately.failures > 0).then_some((lately.at, error))
    }

    fn lately(&self) -> MutexGuard<'_, Lately> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks every authorizer whether it is ready; a panic in one is an end like any other.
pub(super) async fn prepare(
    (shared, slot, parts): (&Shared, &Slot, &SlotParts),
    now: Timestamp,
) -> Result<Stamps, AuthError> {
    let asking = AssertUnwindSafe(async {
        let (mut stamps, background) = (Stamps::new(), slot.background(shared));
        for authorizer in parts.authorizers.iter() {
            let wire = Wire::new(parts.token_endpoint.clone())
                .capturing(Capture::Whole { bytes_max: REPLY_BYTES_MAX });
            let ready = Ready::new(now, slot.entropy.bytes(), wire).on(background.clone());
            stamps.push(authorizer.ready(ready).await?);
        }
        Ok(stamps)
    });
    match timeout(READY_TIMEOUT, asking.catch_unwind()).await {
        Ok(Ok(ready)) => ready,
        Ok(Err(_)) => Err(AuthError::permanent("panicked").because("ready panicked")),
        Err(_) => {
            let says = format!("the authorizer was not ready within {READY_TIMEOUT:?}");
            Err(AuthError::temporary("timeout").because(says))
        }
    }
}

/// The end of an attempt that had no proof to give: nothing was sent.
fn unproved(attempt: u32, error: AuthError, at: Timestamp) -> Ended {
    let meaning = if error.permanent { Meaning::Unauthorized } else { Meaning::Retry };
    let mut classification = Classification::new(meaning, Effect::None);
    classification.retry_after = error.not_before.map(RetryAfter::At);
    let error =
        SendError { kind: SendErrorKind::Auth, classification, source: None }.because(error);
    attempt::failed(attempt, &error, Learned::Nothing, at)
}

impl TargetState {
    /// Whether it can prove who it is now. What was ready when it came to stand before the gate may have expired there.
    pub(super) fn is_proved(&mut self, id: &DeliveryId) -> bool {
        let (now, authorizers) = (self.now, &self.parts.authorizers);
        let Some(held) = self.queue.get(id) else { return true };
        let are_ready = |stamps: &Stamps| {
            authorizers.iter().zip(stamps).all(|(it, stamp)| it.is_ready(*stamp, now))
        };
        match &held.stamps {
            // Whoever was ready just now is: there may be proofs that have no life at all.
            Some((stamps, at)) => *at == now || are_ready(stamps),
            None => authorizers.is_empty(),
        }
    }

    /// Asks the authorizers. Those that have to wait for something are asked outside of this actor.
    pub(super) fn prepare(&mut self, id: &DeliveryId) {
        if let Some(error) = self.slot.proof.pause(self.now) {
            return self.put_off(id, &error);
        }
        let Some(held) = self.queue.get(id).filter(|held| !held.preparing) else { return };
        (held.preparing, held.stamps) = (true, None);
        let expires = held.plan.expires;
        let (shared, slot, parts) = (self.shared.clone(), self.slot.clone(), self.parts.clone());
        let now = self.now;
        let asking = async move { prepare((&shared, &slot, &parts), now).await };
        let mut asking = Box::pin(asking);
        // Most have nothing to wait for: a task and a message would cost more than they do.
        if let Some(ready) = asking.as_mut().now_or_never() {
            return self.prepared(id, ready);
        }
        self.queue.hold_back(id, Why::Auth);
        self.queue.schedule(id.clone(), expires);
        let (slot, id) = (self.slot.clone(), id.clone());
        task::spawn(async move {
            let ready = asking.await;
            slot.address.tell(TargetMsg::Prepared(id, ready));
        });
    }

    pub(super) fn prepared(&mut self, id: &DeliveryId, ready: Result<Stamps, AuthError>) {
        let Some(held) = self.queue.get(id).filter(|held| held.preparing) else { return };
        held.preparing = false;
        match ready {
            Ok(stamps) => {
                held.stamps = Some((stamps, self.now));
                self.slot.proof.given();
                self.decide(id);
            }
            Err(error) if error.permanent => self.unproved(id, error),
            Err(error) => self.put_off(id, &error),
        }
    }

    /// There is no proof to give for now: no attempt, but a pause.
    fn put_off(&mut self, id: &DeliveryId, error: &AuthError) {
        let (until, is_new) = self.slot.proof.missing(error, self.now);
        if is_new {
            telemetry::unproved(&self.slot.name, error, until.since(self.now));
        }
        self.queue.hold_back(id, Why::Auth);
        let sight = self.slot.sight(&self.parts.policy, self.now);
        let Some(held) = self.queue.get(id) else { return };
        match next(&held.plan, &held.open.history, &sight, self.now) {
            // It may still be made, only without proof: not before there is one, or the time is over. Whoever stands in a
            // line keeps his place, and those behind him would have no proof either.
            Step::Attempt { .. } => match held.place {
                Place::AtGate | Place::ForBudget => self.opens_at(until),
                Place::Waiting | Place::InOrder => {
                    let expires = held.plan.expires;
                    self.wait(id, until.min(expires), Why::Auth);
                }
            },
            step => self.act(id, step),
        }
    }

    /// There will be no proof to give: an attempt that ended before it was sent.
    fn unproved(&mut self, id: &DeliveryId, error: AuthError) {
        let sight = self.slot.sight(&self.parts.policy, self.now);
        let Some(held) = self.queue.get(id) else { return };
        let step = next(&held.plan, &held.open.history, &sight, self.now);
        let Step::Attempt { way, kind, because, due, .. } = step else { return self.act(id, step) };
        self.record_unproved(id, Draft { way, kind, because, due, at: self.now }, error);
    }

    /// Whether it was only for want of proof that nothing was sent: whoever waited for his turn waited for that, too.
    pub(super) fn is_unproved(&mut self, id: &DeliveryId) -> bool {
        let has_turn = self.queue.has_turn(id);
        self.queue.get(id).is_some_and(|held| has_turn && held.refused == Some(Why::Auth))
    }

    /// Its time is over, and nothing was sent for want of proof: an attempt says so in the report.
    pub(super) fn tell_unproved(&mut self, id: &DeliveryId) {
        let policy = self.parts.policy.clone();
        let way = Way {
            target: policy.target.clone(),
            endpoint: policy.endpoint.clone(),
            version: policy.versions.first().cloned(),
        };
        let Some(held) = self.queue.get(id) else { return };
        let (due, expires) = (held.plan.accepted, held.plan.expires);
        let (failed, error) = self.slot.proof.last().unwrap_or_else(|| {
            let says = "its authorizers were not ready in time";
            (expires, AuthError::temporary("timeout").because(says))
        });
        // It was then that it could not begin: after its time is over, nothing does.
        let at = failed.max(due).min(Timestamp::from_micros(expires.as_micros() - 1));
        let (kind, because) = (Kind::First, Because::FirstWay);
        self.record_unproved(id, Draft { way, kind, because, due, at }, error);
    }

    fn record_unproved(&mut self, id: &DeliveryId, draft: Draft, error: AuthError) {
        let now = draft.at;
        let Some(held) = self.queue.get(id) else { return };
        let started = filled(&self.slot, held, self.shared.boot, draft);
        held.refused = None;
        let ended = unproved(started.attempt, error, now);
        attempt::unsent(&self.slot, &held.open, &started, &ended);
        for event in [Event::Started(started), Event::Ended(ended)] {
            self.decided.write(Entry::Event(id.clone(), event.clone()));
            held.open.history.push(event);
        }
        self.decide(id);
    }
}
