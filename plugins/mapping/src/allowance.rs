//! What a run may still take: jaq cannot be interrupted, and has no bound for the depth of calls. Without one, an expression
//! that goes on for ever takes a thread for good, and one that calls itself too deep ends the process.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use jaq_core::Error;
use jaq_json::Val;

use crate::RunError;

/// How much of the stack calls of filters may take. A thread has 2 MiB, and what is called last needs some of it.
const STACK_BYTES_MAX: usize = 1 << 20;

/// How long a run may take. Steps bound how often something is done, this how much: sorting a megabyte is one step.
const TIME_MAX: Duration = Duration::from_secs(10);

/// Steps between two looks at the clock.
const STEPS_PER_LOOK: u64 = 8;

/// How long runs of others may hold up a thread that has more to do: [`quickly`].
const QUICK: Duration = Duration::from_millis(1);

thread_local! {
    /// When the work that [`quickly`] does on this thread should be over.
    static SOON: Cell<Option<Instant>> = const { Cell::new(None) };
    /// Whether a run was ended for that.
    static ENDED: Cell<bool> = const { Cell::new(false) };
}

/// Does `work`, all of whose runs on this thread have a millisecond together. None where that did not suffice: what it
/// gave is worth nothing then, and it is to be done again where it may take its time.
///
/// A run is ended where something is counted only (see [`Limits::steps_max`](crate::Limits::steps_max)), so that it may
/// take longer by what is done between two of these.
pub fn quickly<T>(work: impl FnOnce() -> T) -> Option<T> {
    /// Also where the work panics.
    struct Over;
    impl Drop for Over {
        fn drop(&mut self) {
            SOON.set(None);
        }
    }
    SOON.set(Some(now() + QUICK));
    ENDED.set(false);
    let over = Over;
    let done = work();
    drop(over);
    (!ENDED.get()).then_some(done)
}

/// The allowance of one run.
pub(crate) struct Allowance {
    steps_max: u64,
    steps: Cell<u64>,
    until: Instant,
    /// The address that the stack, which grows downwards, must not reach.
    stack_end: usize,
    over: Cell<Option<Over>>,
}

/// What was used up.
#[derive(Clone, Copy)]
enum Over {
    Steps,
    Stack,
    Time,
}

impl Allowance {
    /// For a run that begins here, on this thread.
    pub(crate) fn new(steps_max: u64) -> Self {
        let stack_end = here().saturating_sub(STACK_BYTES_MAX);
        let until = SOON.get().unwrap_or_else(|| now() + TIME_MAX);
        Self { steps_max, steps: Cell::new(0), until, stack_end, over: Cell::new(None) }
    }

    /// Takes one step. After the first one that is refused, all are.
    pub(crate) fn step(&self) -> Result<(), Error<Val>> {
        let steps = self.steps.get() + 1;
        self.steps.set(steps);
        if self.over.get().is_none() {
            if steps > self.steps_max {
                self.over.set(Some(Over::Steps));
            } else if here() < self.stack_end {
                self.over.set(Some(Over::Stack));
            } else if steps.is_multiple_of(STEPS_PER_LOOK) && now() >= self.until {
                self.over.set(Some(Over::Time));
                ENDED.set(true);
            }
        }
        match self.over.get() {
            None => Ok(()),
            Some(_) => Err(Error::str("the allowance is used up")),
        }
    }

    /// What was used up; none while all is well.
    pub(crate) fn over(&self) -> Option<RunError> {
        self.over.get().map(|over| match over {
            Over::Steps => RunError::TooLong { max: self.steps_max },
            Over::Stack => RunError::TooDeepCalls,
            Over::Time => RunError::TooSlow { max: TIME_MAX },
        })
    }
}

/// Not the engine's clock: what is measured is the work of this thread, which no test waits for.
#[expect(clippy::disallowed_methods, reason = "how long a calculation takes is no moment in time")]
fn now() -> Instant {
    Instant::now()
}

/// An address in the part of the stack that is used now.
#[inline(never)]
fn here() -> usize {
    let marker = 0_u8;
    std::hint::black_box(std::ptr::from_ref(&marker)).addr()
}
