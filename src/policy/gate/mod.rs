//! What a target lets through: one small state machine per target, told of every attempt, asked before each.
//!
//! Per target: the rate limit, the number of attempts in flight, the pause that the target itself asked for, and
//! the operator's levers. Per endpoint: a breaker. [`Gate::sight`] looks without changing anything;
//! [`Gate::admit`] gives a [`Ticket`] that must come back with what became of the attempt. The rate limit and the
//! concurrency are not in the sight: who is refused for them queues before the gate, in order.

mod announced;
mod breaker;
mod budget;
mod concurrency;
#[expect(clippy::module_inception, reason = "the gate is the word for it")]
mod gate;
mod policy;
mod rate_limit;
#[cfg(test)]
mod tests;
mod throttle;
mod window;

#[cfg(feature = "daemon")]
pub(crate) use self::rate_limit::Bucket;
pub use self::{
    breaker::{BreakerMode, BreakerState, Transition},
    budget::{Budget, RetryBudget},
    gate::{Feedback, Gate, GateSnapshot, Health, Pause, Said, Ticket},
    policy::{Adaptive, BreakerPolicy, BreakerRatios, GateError, GatePolicy, RateLimit, Throttle},
};
