//! Targets that come, change and go while the engine runs.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use fanfare_sdk::TargetName;

use super::{
    Engine, RemoveError, StartError, Target, builder::slot, connected::Connected, engine::Running,
    problems,
};
use crate::{
    actor::{Observed, Slot, SupervisorMsg},
    journal::JournalError,
    policy::TargetPolicy,
    telemetry,
};

/// What becomes of the deliveries that are open for a target that is removed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Leave {
    /// The target stays as long as there are some: it is not removed.
    #[default]
    IfIdle,
    /// They go on to their ends; then it is removed. No new broadcast names it.
    Finish,
    /// They find other ways, or fail with `target_failed`; what is in flight ends by its effect.
    Fail,
}

impl Engine {
    /// Adds a target.
    ///
    /// # Errors
    /// When it is not right, or does not fit those that are there.
    pub fn add_target(&self, target: Target) -> Result<(), StartError> {
        let shared = &self.0.shared;
        let targets_max = self.0.limits().targets_max;
        check(problems::problems(&[&target], &self.policies(|_| true), targets_max))?;
        let target = self.connected(target)?;
        let observer = shared.observed.as_ref().and_then(Observed::shared_observer);
        let told = (observer, shared.live.clone());
        let (name, slot) = slot(target, &shared.entropy, told, None);
        shared.slots.insert(name.clone(), slot);
        self.0.actors.tell(SupervisorMsg::StartTarget(name));
        // What was owed to it can be sent now.
        shared.owing.notify_one();
        Ok(())
    }

    /// Replaces a target by another one of the same name: its plugin, its policies, its authorizers. Deliveries that
    /// are open go on with the new one; attempts in flight end with the old one. What its gate knows is kept.
    ///
    /// # Errors
    /// When it is not right, or does not fit the others, or there is no target of its name.
    pub fn replace_target(&self, target: Target) -> Result<(), StartError> {
        let shared = &self.0.shared;
        let name = target.policy.target.clone();
        let (others, targets_max) =
            (self.policies(|other| *other != name), self.0.limits().targets_max);
        check(problems::problems(&[&target], &others, targets_max))?;
        let Some(slot) = shared.slots.get(&name) else {
            return check(vec![super::StartProblem::Unknown(name)]);
        };
        slot.replace(self.connected(target)?.into_parts());
        Ok(())
    }

    /// Removes a target. Returns when it is gone.
    ///
    /// # Errors
    /// When there is none of that name, deliveries are open for it that are not to be given up, or it stands in for
    /// another one.
    pub async fn remove_target(&self, name: &str, leave: Leave) -> Result<(), RemoveError> {
        let shared = &self.0.shared;
        let name = TargetName::from(name);
        let Some(slot) = shared.slots.get(&name) else { return Err(RemoveError::Unknown) };
        if let Some(other) = self.stands_in_for(&name) {
            return Err(RemoveError::StandsIn(other));
        }
        {
            // Whoever is being accepted for it is accepted before.
            let _naming = shared.naming.write().await;
            slot.leave(shared);
        }
        if leave == Leave::IfIdle {
            let open = slot.inspect().await.map_or(0, |inspection| inspection.open);
            if open > 0 {
                slot.leaving.store(false, Ordering::Release);
                shared.owing.notify_one();
                return Err(RemoveError::Open(open));
            }
        }
        if leave == Leave::Fail {
            slot.fail();
        }
        leave_when_idle(&Arc::downgrade(&self.0), &slot).await;
        Ok(())
    }

    /// With its client.
    fn connected(&self, target: Target) -> Result<Connected, StartError> {
        let connected = Connected::all(&self.0.shared.clients, vec![target]);
        let mut connected = connected.map_err(|problems| StartError::Invalid { problems })?;
        connected.pop().ok_or(StartError::Invalid { problems: Vec::new() })
    }

    /// The policies of those who stay or come.
    pub(super) fn policies(&self, wanted: impl Fn(&TargetName) -> bool) -> Vec<Arc<TargetPolicy>> {
        let slots = self.0.shared.slots.all();
        slots
            .iter()
            .filter(|(name, _)| wanted(name))
            .map(|(_, it)| it.parts().policy.clone())
            .collect()
    }

    /// Somebody for whom that target stands in.
    fn stands_in_for(&self, name: &TargetName) -> Option<TargetName> {
        let policies = self.policies(|other| other != name);
        let named = policies.iter().find(|policy| problems::stand_ins(policy).contains(&name));
        named.map(|policy| policy.target.clone())
    }
}

fn check(problems: Vec<super::StartProblem>) -> Result<(), StartError> {
    if problems.is_empty() { Ok(()) } else { Err(StartError::Invalid { problems }) }
}

/// The pause before a target that is to go is looked at again, where nothing has settled; and the one before the journal
/// is asked again whether it still has deliveries for it that are not due for long.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// Takes a target away once nothing is open for it any more; leaves it where somebody has brought it back meanwhile.
pub(super) async fn leave_when_idle(engine: &Weak<Running>, slot: &Arc<Slot>) {
    loop {
        let Some(running) = engine.upgrade() else { return };
        let shared = running.shared.clone();
        let settled = shared.settled.notified();
        let mut settled = std::pin::pin!(settled);
        settled.as_mut().enable();
        let is_busy = match slot.inspect().await {
            Some(inspection) => inspection.open > 0 || inspection.in_flight > 0,
            None => false,
        };
        let mut pause = LOOK_AGAIN.0;
        if !is_busy {
            match running.leave(slot).await {
                Ok(true) => return,
                Ok(false) => pause = LOOK_AGAIN.1,
                Err(error) => {
                    telemetry::journal_failed("look for open deliveries", &error);
                    pause = LOOK_AGAIN.1;
                }
            }
        }
        // An engine that nobody has any more ends while this waits.
        drop(running);
        tokio::select! {
            () = settled => {}
            () = shared.clock.sleep(pause) => {}
        }
    }
}

impl Running {
    /// Takes away a target that is to go, and has nothing open. Says whether there is nothing left to do.
    async fn leave(&self, slot: &Arc<Slot>) -> Result<bool, JournalError> {
        let (shared, name) = (&self.shared, &slot.name);
        let _naming = shared.naming.write().await;
        let is_it = |it: &Arc<Slot>| Arc::ptr_eq(it, slot) && it.leaving.load(Ordering::Acquire);
        if !shared.slots.get(name).is_some_and(|it| is_it(&it)) {
            return Ok(true);
        }
        if shared.journal.serving().await?.iter().any(|(other, _)| other == name) {
            if !slot.failed.load(Ordering::Acquire) {
                return Ok(false);
            }
            // What its actor does not hold, since it is not due for long.
            shared.try_give_up(name).await?;
        }
        self.take_away(slot);
        Ok(true)
    }

    /// The target is none any more.
    pub(super) fn take_away(&self, slot: &Arc<Slot>) {
        self.shared.slots.remove(&slot.name);
        self.shared.has_departures.store(true, Ordering::Release);
        self.actors.tell(SupervisorMsg::StopTarget(slot.name.clone(), slot.clone()));
    }
}
