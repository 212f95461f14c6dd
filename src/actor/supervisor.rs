//! The supervisor starts all other actors, and starts them again when they end.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use fanfare_sdk::{TargetName, Timestamp};
use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, SupervisionEvent};

use super::{
    Shared, SupervisorMsg,
    coordinator::{Coordinator, CoordinatorArgs},
    target::{Target, TargetArgs},
    task,
};
use crate::telemetry;

/// Restarts of one actor within [`RESTART_WINDOW`] after which its target is taken for failed.
const RESTARTS_MAX: usize = 10;
/// The window in which restarts are counted.
const RESTART_WINDOW: Duration = Duration::from_secs(60);
/// The pause before a restart; doubled with every one in the window, up to the other one.
const RESTART_PAUSE: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(1));

/// The supervisor.
#[derive(Debug)]
struct Supervisor;

/// All actors of an engine, running.
#[derive(Debug)]
pub(crate) struct Supervision(ActorRef<SupervisorMsg>);

/// Whom an actor works for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Child {
    Target(TargetName),
    Coordinator(usize),
}

/// What the supervisor owns.
#[derive(Debug)]
struct SupervisorState {
    shared: Arc<Shared>,
    children: HashMap<ActorId, Child>,
    /// When each was started again; never longer than `RESTARTS_MAX`.
    restarts: HashMap<Child, VecDeque<Timestamp>>,
}

impl Supervision {
    /// Starts all actors.
    ///
    /// # Errors
    /// What the runtime of the actors says.
    pub(crate) async fn start(shared: Arc<Shared>) -> Result<Self, String> {
        // Unnamed: the registry of names belongs to the process, and an engine does not.
        match Supervisor::spawn(None, Supervisor, shared).await {
            Ok((supervisor, _)) => Ok(Self(supervisor)),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Tells the supervisor.
    pub(crate) fn tell(&self, message: SupervisorMsg) {
        // One that is gone has nothing left to do.
        drop(self.0.send_message(message));
    }

    /// Ends all actors.
    pub(crate) fn stop(&self) {
        self.0.stop(None);
    }
}

impl Actor for Supervisor {
    type Msg = SupervisorMsg;
    type State = SupervisorState;
    type Arguments = Arc<Shared>;

    async fn pre_start(
        &self,
        myself: ActorRef<SupervisorMsg>,
        shared: Arc<Shared>,
    ) -> Result<SupervisorState, ActorProcessingErr> {
        let mut state =
            SupervisorState { children: HashMap::new(), restarts: HashMap::new(), shared };
        for place in 0..state.shared.desks.len() {
            state.start(&myself, Child::Coordinator(place)).await?;
        }
        let names: Vec<_> = state.shared.slots.all().keys().cloned().collect();
        for name in names {
            state.start(&myself, Child::Target(name)).await?;
        }
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<SupervisorMsg>,
        message: SupervisorMsg,
        state: &mut SupervisorState,
    ) -> Result<(), ActorProcessingErr> {
        let child = match message {
            SupervisorMsg::StopTarget(name, slot) => {
                state.forget_target(&name);
                slot.address.kill();
                return Ok(());
            }
            SupervisorMsg::StartTarget(name) | SupervisorMsg::RestartTarget(name) => {
                Child::Target(name)
            }
            SupervisorMsg::RestartCoordinator(place) => Child::Coordinator(place),
        };
        if state.start(&myself, child.clone()).await.is_err() {
            state.start_later(&myself, child);
            return Ok(());
        }
        let restarted = match &child {
            Child::Target(name) => Some(name),
            Child::Coordinator(_) => None,
        };
        state.shared.recheck(restarted);
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<SupervisorMsg>,
        event: SupervisionEvent,
        state: &mut SupervisorState,
    ) -> Result<(), ActorProcessingErr> {
        // The state of the dead actor, if it came along, ends here: the journal has all of it.
        let ended = match event {
            SupervisionEvent::ActorTerminated(who, _, _) => Some(who.get_id()),
            SupervisionEvent::ActorFailed(who, _) => Some(who.get_id()),
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => None,
        };
        if let Some(child) = ended.and_then(|id| state.children.remove(&id)) {
            state.start_later(&myself, child);
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        myself: ActorRef<SupervisorMsg>,
        _: &mut SupervisorState,
    ) -> Result<(), ActorProcessingErr> {
        myself.stop_children(None);
        Ok(())
    }
}

impl SupervisorState {
    async fn start(
        &mut self,
        myself: &ActorRef<SupervisorMsg>,
        child: Child,
    ) -> Result<(), ActorProcessingErr> {
        let (shared, supervisor) = (self.shared.clone(), myself.get_cell());
        let id = match &child {
            Child::Target(name) => {
                let Some(slot) = shared.slots.get(name) else { return Ok(()) };
                Target::spawn_linked(None, Target, TargetArgs { shared, slot }, supervisor)
                    .await?
                    .0
                    .get_id()
            }
            Child::Coordinator(place) => {
                let args = CoordinatorArgs { shared, place: *place };
                Coordinator::spawn_linked(None, Coordinator, args, supervisor).await?.0.get_id()
            }
        };
        self.children.insert(id, child);
        Ok(())
    }

    /// The actor of a target that has gone is not started again.
    fn forget_target(&mut self, name: &TargetName) {
        let gone = Child::Target(name.clone());
        self.children.retain(|_, child| *child != gone);
        self.restarts.remove(&gone);
    }

    /// Starts an actor again after a pause that grows with its restarts; after too many its target has failed.
    fn start_later(&mut self, myself: &ActorRef<SupervisorMsg>, child: Child) {
        let now = self.shared.clock.now();
        let restarts = self.restarts.entry(child.clone()).or_default();
        while restarts.front().is_some_and(|at| now.since(*at) > RESTART_WINDOW) {
            restarts.pop_front();
        }
        let count = restarts.len();
        restarts.push_back(now);
        if count >= RESTARTS_MAX {
            restarts.pop_front();
        }
        let (pause, message) = match child {
            Child::Target(name) => {
                telemetry::actor_restarted(&name, count);
                if count >= RESTARTS_MAX
                    && let Some(slot) = self.shared.slots.get(&name)
                {
                    slot.ended_too_often(now);
                }
                (count, SupervisorMsg::RestartTarget(name))
            }
            Child::Coordinator(place) => (count, SupervisorMsg::RestartCoordinator(place)),
        };
        let doublings = u32::try_from(pause).unwrap_or(u32::MAX).min(16);
        let pause = RESTART_PAUSE.0.saturating_mul(1 << doublings).min(RESTART_PAUSE.1);
        let (clock, myself) = (self.shared.clock, myself.clone());
        task::spawn(async move {
            clock.sleep(pause).await;
            // A supervisor that is gone starts nothing.
            drop(myself.send_message(message));
        });
    }
}
