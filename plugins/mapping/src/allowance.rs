//! What a run may still take: jaq cannot be interrupted, and has no bound for the depth of calls. Without one, an expression
//! that goes on for ever takes a thread for good, and one that calls itself too deep ends the process.

use std::cell::Cell;

use jaq_core::Error;
use jaq_json::Val;

use crate::RunError;

/// How much of the stack calls of filters may take. A thread has 2 MiB, and what is called last needs some of it.
const STACK_BYTES_MAX: usize = 1 << 20;

/// The allowance of one run.
pub(crate) struct Allowance {
    steps_max: u64,
    steps: Cell<u64>,
    /// The address that the stack, which grows downwards, must not reach.
    stack_end: usize,
    over: Cell<Option<Over>>,
}

/// What was used up.
#[derive(Clone, Copy)]
enum Over {
    Steps,
    Stack,
}

impl Allowance {
    /// For a run that begins here, on this thread.
    pub(crate) fn new(steps_max: u64) -> Self {
        let stack_end = here().saturating_sub(STACK_BYTES_MAX);
        Self { steps_max, steps: Cell::new(0), stack_end, over: Cell::new(None) }
    }

    /// Takes one step. After the first one that is refused, all are.
    pub(crate) fn step(&self) -> Result<(), Error<Val>> {
        let steps = self.steps.get() + 1;
        self.steps.set(steps);
        if steps > self.steps_max {
            self.over.set(self.over.get().or(Some(Over::Steps)));
        } else if here() < self.stack_end {
            self.over.set(Some(Over::Stack));
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
        })
    }
}

/// An address in the part of the stack that is used now.
#[inline(never)]
fn here() -> usize {
    let marker = 0_u8;
    std::hint::black_box(std::ptr::from_ref(&marker)).addr()
}
