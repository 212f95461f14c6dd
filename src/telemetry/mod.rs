//! Names of events, and the context of a trace as it travels. The only place that knows either.

mod events;
mod propagation;
mod trace_context;
mod trace_state;

pub(crate) use self::events::{
    accepted, actor_restarted, announced, attempt_ended, breaker_changed, journal_failed, settled,
    target_disabled,
};
pub use self::{
    propagation::{extract, inject},
    trace_context::{RemoteContext, TraceContext},
};
