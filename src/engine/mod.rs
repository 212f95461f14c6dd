//! What embedders see: an engine, what they send with it, and what became of it.

mod broadcast;
mod builder;
mod change;
#[cfg(feature = "config")]
mod configured;
mod connected;
#[expect(clippy::module_inception, reason = "the engine is the word for it")]
mod engine;
mod error;
mod handle;
mod ids;
mod notices;
mod parked;
mod pinned;
mod probe;
mod problems;
mod replay;
mod shutdown;
mod status;
mod target;
mod targets;

pub use crate::{
    actor::{Clock, Entropy},
    policy::Limits,
};

#[cfg(feature = "config")]
pub use self::configured::RouteError;
#[cfg(feature = "daemon")]
pub(crate) use self::connected::Connecting;
pub use self::{
    broadcast::Broadcast,
    builder::EngineBuilder,
    change::Change,
    engine::Engine,
    error::{AcceptError, AcceptProblem, Gone, RemoveError, StartError, StartProblem},
    handle::BroadcastHandle,
    probe::Probe,
    replay::{Replay, ReplayError},
    shutdown::Shutdown,
    status::TargetStatus,
    target::Target,
    targets::Leave,
};
