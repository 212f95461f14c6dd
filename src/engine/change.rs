//! Several targets and the limits changed together: all of it, or nothing.

use std::sync::{Arc, atomic::Ordering};

use fanfare_sdk::TargetName;

use super::{
    Engine, Leave, Limits, StartError, StartProblem, Target, builder::slot, connected::Connected,
    problems, targets::leave_when_idle,
};
use crate::{
    actor::{Observed, Slot, SupervisorMsg, spawn},
    policy::gate::RetryBudget,
};

/// What becomes of the targets of an engine. Whoever is not named stays as it is.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Change {
    /// Those that come. One that is about to leave stays instead, made of this.
    pub add: Vec<Target>,
    /// Those that are made of something else from here on: see [`Engine::replace_target`].
    pub replace: Vec<Target>,
    /// Those that go.
    pub remove: Vec<TargetName>,
    /// What becomes of the deliveries that are open for those that go.
    pub leave: Leave,
    /// What the engine may hold and do at once; as it is unless set.
    pub limits: Option<Limits>,
    /// How many attempts of all targets together may be repeats; as it is unless set. The inner none is no limit.
    pub retry_budget: Option<Option<RetryBudget>>,
}

impl Engine {
    /// Changes targets and limits together. Where anything is not right, nothing is changed. Broadcasts that were accepted
    /// keep what was pinned with them. Those that go while deliveries are open for them go in the background; nobody is
    /// accepted for them any more.
    ///
    /// `between` is called when those that come are there, and before those that go are not: a list of targets that is
    /// exchanged there names nobody who is not there. While all this is done, no broadcast is accepted: they wait for it.
    ///
    /// # Errors
    /// Everything that is wrong with the targets as they would be; with those that go, also that deliveries are open for
    /// them, unless it is said what becomes of those.
    pub async fn change(
        &self,
        change: Change,
        between: impl FnOnce() + Send,
    ) -> Result<(), StartError> {
        let shared = &self.0.shared;
        let _naming = shared.naming.write().await;
        let limits = change.limits.unwrap_or_else(|| self.0.limits());
        let (add, replace): (Vec<Target>, Vec<Target>) = (change.add, change.replace);
        let gone = self.leaving(&change.remove)?;
        let problems = self.problems((&add, &replace, &change.remove), limits.targets_max);
        let open = if change.leave == Leave::IfIdle { self.open(&gone).await? } else { Vec::new() };
        let problems: Vec<_> = problems.into_iter().chain(open).collect();
        let targets = replace.into_iter().chain(add).collect();
        let connected = Connected::all(&shared.clients, targets);
        let unconnected = connected.as_ref().err().into_iter().flatten().cloned();
        let problems: Vec<_> = problems.into_iter().chain(unconnected).collect();
        let Some(connected) = connected.ok().filter(|_| problems.is_empty()) else {
            return Err(StartError::Invalid { problems });
        };
        // Nothing can fail from here on.
        self.0.limit(limits);
        if let Some(budget) = change.retry_budget {
            self.0.retry_within(budget);
        }
        for target in connected {
            self.put(target);
        }
        // What was owed to those that come can be sent now.
        shared.owing.notify_one();
        between();
        for slot in gone {
            if change.leave == Leave::IfIdle {
                self.0.take_away(&slot);
                continue;
            }
            slot.leave(shared);
            if change.leave == Leave::Fail {
                slot.fail();
            }
            let engine = Arc::downgrade(&self.0);
            spawn(async move { leave_when_idle(&engine, &slot).await });
        }
        Ok(())
    }

    /// The slots of those that are to go.
    fn leaving(&self, names: &[TargetName]) -> Result<Vec<Arc<Slot>>, StartError> {
        let slots = self.0.shared.slots.all();
        let slot = |name: &TargetName| slots.get(name).cloned().ok_or_else(|| name.clone());
        names
            .iter()
            .map(slot)
            .collect::<Result<_, _>>()
            .map_err(|name| StartError::Invalid { problems: vec![StartProblem::Unknown(name)] })
    }

    /// What would be wrong with the targets as they would be.
    fn problems(
        &self,
        (add, replace, remove): (&[Target], &[Target], &[TargetName]),
        targets_max: usize,
    ) -> Vec<StartProblem> {
        let slots = self.0.shared.slots.all();
        let is_leaving = |name: &TargetName| {
            slots.get(name).is_some_and(|it| it.leaving.load(Ordering::Acquire))
        };
        let name = |target: &Target| target.policy.target.clone();
        let unknown = replace.iter().map(name).filter(|name| !slots.contains_key(name));
        let mut found: Vec<_> = unknown.map(StartProblem::Unknown).collect();
        let others = self.policies(|other| {
            let is_other = |target: &Target| target.policy.target != *other;
            !is_leaving(other) && !remove.contains(other) && replace.iter().all(is_other)
        });
        for policy in &others {
            let unserved = problems::stand_ins(policy).into_iter().filter(|it| remove.contains(it));
            found.extend(unserved.map(|stand_in| StartProblem::UnknownStandIn {
                target: policy.target.clone(),
                stand_in: stand_in.clone(),
            }));
        }
        let come: Vec<&Target> = add.iter().chain(replace).collect();
        found.extend(problems::problems(&come, &others, targets_max));
        found
    }

    /// The deliveries that are open for those that are to go.
    async fn open(&self, gone: &[Arc<Slot>]) -> Result<Vec<StartProblem>, StartError> {
        if gone.is_empty() {
            return Ok(Vec::new());
        }
        let mut serving = self.0.shared.journal.serving().await?;
        serving.retain(|(name, _)| gone.iter().any(|slot| slot.name == *name));
        let problem = |(target, open)| StartProblem::Unserved { target, open };
        Ok(serving.into_iter().map(problem).collect())
    }

    /// Makes what is there of it, or puts it there.
    fn put(&self, target: Connected) {
        let shared = &self.0.shared;
        if let Some(slot) = shared.slots.get(&target.target.policy.target) {
            slot.replace(target.into_parts());
            slot.stay();
            return;
        }
        let observer = shared.observed.as_ref().and_then(Observed::shared_observer);
        let told = (observer, shared.live.clone());
        let (name, slot) = slot(target, &shared.entropy, told, None);
        shared.slots.insert(name.clone(), slot);
        self.0.actors.tell(SupervisorMsg::StartTarget(name));
    }
}
