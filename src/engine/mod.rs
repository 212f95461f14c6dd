//! What embedders see: an engine, what they send with it, and what became of it.

mod broadcast;
mod builder;
#[expect(clippy::module_inception, reason = "the engine is the word for it")]
mod engine;
mod error;
mod handle;
mod target;

pub use crate::actor::{Clock, Entropy};

pub use self::{
    broadcast::Broadcast,
    builder::EngineBuilder,
    engine::{Engine, Shutdown, TargetStatus},
    error::{AcceptError, AcceptProblem, Gone, StartError, StartProblem},
    handle::BroadcastHandle,
    target::Target,
};
