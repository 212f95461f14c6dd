//! How far an attempt has got.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use crate::Effect;

/// How far an attempt has got. Survives the attempt's own future, so that a timeout, an abort and a panic
/// know their effect.
///
/// Never goes back: an attempt of several exchanges has sent as soon as one of them has.
// Invariant: 0 before sending; 1 while sending; the status of the newest reply once its head has come.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<AtomicU32>);

impl Progress {
    /// From here on the API may have acted. The engine's transport calls it; a target with a client of its own must.
    pub fn sending(&self) {
        self.0.fetch_max(1, Ordering::AcqRel);
    }

    /// The head of a reply has come, its body perhaps not yet.
    pub fn replied(&self, status: u16) {
        self.0.store(u32::from(status.max(2)), Ordering::Release);
    }

    /// What is known of the effect from here alone.
    #[must_use]
    pub fn effect(&self) -> Effect {
        if self.0.load(Ordering::Acquire) == 0 { Effect::None } else { Effect::Unknown }
    }

    /// The status of the newest reply, once its head has come.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self.0.load(Ordering::Acquire) {
            0 | 1 => None,
            status => u16::try_from(status).ok(),
        }
    }
}
