//! Targets that come, change and go while the engine runs.

use std::sync::{Arc, atomic::Ordering};

use fanfare_sdk::TargetName;

use super::{Engine, RemoveError, StartError, Target, builder::slot, problems};
use crate::{
    actor::{SupervisorMsg, TargetMsg},
    policy::TargetPolicy,
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
        let targets = [target];
        check(problems::problems(&targets, &self.policies(|_| true), self.0.limits.targets_max))?;
        let [target] = targets;
        let observer = shared.observed.as_ref().map(|observed| observed.shared_observer());
        let (name, slot) = slot(target, &shared.entropy, observer, None);
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
        let targets = [target];
        check(problems::problems(
            &targets,
            &self.policies(|other| *other != name),
            self.0.limits.targets_max,
        ))?;
        let [target] = targets;
        let Some(slot) = shared.slots.get(&name) else {
            return check(vec![super::StartProblem::Unknown(name)]);
        };
        slot.replace(target.into_parts());
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
        slot.leaving.store(true, Ordering::Release);
        if leave == Leave::IfIdle {
            let open = slot.inspect().await.map_or(0, |inspection| inspection.open);
            if open > 0 {
                slot.leaving.store(false, Ordering::Release);
                shared.owing.notify_one();
                return Err(RemoveError::Open(open));
            }
        }
        if leave == Leave::Fail {
            slot.failed.store(true, Ordering::Release);
            slot.address.tell(TargetMsg::Load);
        }
        loop {
            let settled = shared.settled.notified();
            let mut settled = std::pin::pin!(settled);
            settled.as_mut().enable();
            match slot.inspect().await {
                Some(inspection) if inspection.open > 0 || inspection.in_flight > 0 => {
                    tokio::select! {
                        () = settled => {}
                        () = shared.clock.sleep(LOOK_AGAIN) => {}
                    }
                }
                Some(_) | None => break,
            }
        }
        shared.slots.remove(&name);
        self.0.actors.tell(SupervisorMsg::StopTarget(name.clone(), slot));
        shared.give_up(&name).await;
        Ok(())
    }

    /// The policies of those who stay or come.
    fn policies(&self, wanted: impl Fn(&TargetName) -> bool) -> Vec<Arc<TargetPolicy>> {
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

/// The pause before a target that is to go is looked at again, where nothing has settled.
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(100);
