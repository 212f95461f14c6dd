//! Breaks the engine on purpose, for its own tests: a simulation that finds no fault proves nothing until it is known
//! to find these.
//!
//! Without the feature `sabotage` every question is answered with a constant no, and nothing of it is left in the
//! program.

#![cfg_attr(
    not(feature = "sabotage"),
    expect(unreachable_pub, reason = "tests reach it by the feature, and by nothing else")
)]

/// What is done wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sabotage {
    /// A ticket of the gate does not come back.
    PermitLost,
    /// One attempt more in flight than the limit allows.
    ConcurrencyExceeded,
    /// The rate limit lets through without counting.
    TokenNotTaken,
    /// A half-open breaker lets through more than its probes.
    ProbesUnlimited,
    /// What an operator holds back goes out.
    PauseIgnored,
    /// Nobody hears of a `Retry-After`.
    RetryAfterIgnored,
    /// One attempt more than allowed.
    AttemptsExceeded,
    /// Sent again where the first may have been applied, and a repeat is not safe.
    RepeatAfterDoubt,
    /// A second attempt beside one in flight, where a repeat is not safe.
    HedgeUnsafe,
    /// An end in doubt is called certain.
    DoubtForgotten,
    /// A delivery that was asked to end is cancelled although it was delivered.
    CancelBeatsSuccess,
    /// What has expired is sent all the same.
    ExpiryIgnored,
    /// What a condition has left out is sent.
    SkippedSent,
    /// A stand-in that has served already serves again.
    FallbackAgain,
    /// A fallback is taken for failures that it does not name.
    ConditionIgnored,
    /// A repeat has another idempotency key.
    KeyDrawnAnew,
    /// The end of an attempt is not written down.
    EndNotRecorded,
    /// The actor is not told of the end of an attempt.
    EndNotTold,
    /// What could not be written down is sent all the same.
    SentUnwritten,
    /// After the death of an actor, what is in flight is taken for never sent.
    FlightForgotten,
    /// An outcome is written down a second time, and another one.
    SettledTwice,
    /// A delivery is forgotten when all are loaded again.
    DroppedOnLoad,
    /// The wish to cancel is not passed on.
    CancelNotTold,
    /// A verdict by quorum falls one success too early.
    QuorumTooSmall,
    /// No verdict falls at the deadline.
    DeadlineIgnored,
    /// Those who wait for a broadcast are not answered.
    AnswerLost,
    /// Nobody is told that a notice is owed.
    OwedNotTold,
}

/// Whether that is done wrong now: never.
#[cfg(not(feature = "sabotage"))]
pub(crate) const fn is(_: Sabotage) -> bool {
    false
}

#[cfg(feature = "sabotage")]
pub(crate) use switch::is;
#[cfg(feature = "sabotage")]
pub use switch::{ALL, commit};

#[cfg(feature = "sabotage")]
mod switch {
    use std::cell::Cell;

    use super::Sabotage;

    /// Every one of them.
    pub const ALL: [Sabotage; 27] = [
        Sabotage::PermitLost,
        Sabotage::ConcurrencyExceeded,
        Sabotage::TokenNotTaken,
        Sabotage::ProbesUnlimited,
        Sabotage::PauseIgnored,
        Sabotage::RetryAfterIgnored,
        Sabotage::AttemptsExceeded,
        Sabotage::RepeatAfterDoubt,
        Sabotage::HedgeUnsafe,
        Sabotage::DoubtForgotten,
        Sabotage::CancelBeatsSuccess,
        Sabotage::ExpiryIgnored,
        Sabotage::SkippedSent,
        Sabotage::FallbackAgain,
        Sabotage::ConditionIgnored,
        Sabotage::KeyDrawnAnew,
        Sabotage::EndNotRecorded,
        Sabotage::EndNotTold,
        Sabotage::SentUnwritten,
        Sabotage::FlightForgotten,
        Sabotage::SettledTwice,
        Sabotage::DroppedOnLoad,
        Sabotage::CancelNotTold,
        Sabotage::QuorumTooSmall,
        Sabotage::DeadlineIgnored,
        Sabotage::AnswerLost,
        Sabotage::OwedNotTold,
    ];

    thread_local! {
        /// Per thread: an engine on a runtime of one thread is broken, and no other.
        static NOW: Cell<Option<Sabotage>> = const { Cell::new(None) };
    }

    /// Does that wrong on this thread from here on; none does all right again.
    pub fn commit(sabotage: Option<Sabotage>) {
        NOW.set(sabotage);
    }

    /// Whether that is done wrong now.
    pub(crate) fn is(sabotage: Sabotage) -> bool {
        NOW.get() == Some(sabotage)
    }
}
