//! How far an attempt has got.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU32, Ordering},
};

use crate::{Effect, Reply};

/// How far an attempt has got. Survives the attempt's own future, so that a timeout, an abort and a panic
/// know their effect.
///
/// Goes back only where it is certain that nothing was done: an attempt of several exchanges has sent as soon as one
/// of them has.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Parts>);

#[derive(Debug, Default)]
struct Parts {
    // Invariant: 0 before sending; 1 while sending; the status of the newest reply once its head has come.
    reached: AtomicU32,
    // Invariant: of the newest reply, and only once nobody reads on.
    cut: Mutex<Option<Box<Reply>>>,
}

/// How far an attempt had got at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProgressMark(u32);

impl Progress {
    /// How far it is now.
    #[must_use]
    pub fn mark(&self) -> ProgressMark {
        ProgressMark(self.0.reached.load(Ordering::Acquire))
    }

    /// Takes back what was noted since: it has become certain that none of that had an effect. An HTTP/2 stream that
    /// was refused (RFC 9113, section 8.7) is such a case, a redirect that asks for the same request elsewhere another.
    pub fn back_to(&self, mark: ProgressMark) {
        self.0.reached.store(mark.0, Ordering::Release);
    }

    /// From here on the API may have acted. The engine's transport calls it; a target with a client of its own must.
    pub fn sending(&self) {
        self.0.reached.fetch_max(1, Ordering::AcqRel);
    }

    /// The head of a reply has come, its body perhaps not yet.
    pub fn replied(&self, status: u16) {
        self.0.reached.store(u32::from(status.max(2)), Ordering::Release);
        *self.cut_reply() = None;
    }

    /// The newest reply was still coming when nobody wanted to read on: that much of it had come.
    pub fn cut(&self, reply: Reply) {
        *self.cut_reply() = Some(Box::new(reply));
    }

    /// Takes what had come of the newest reply, where it was cut.
    #[must_use]
    pub fn take_cut(&self) -> Option<Reply> {
        self.cut_reply().take().map(|reply| *reply)
    }

    fn cut_reply(&self) -> std::sync::MutexGuard<'_, Option<Box<Reply>>> {
        self.0.cut.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of the effect from here alone.
    #[must_use]
    pub fn effect(&self) -> Effect {
        if self.0.reached.load(Ordering::Acquire) == 0 { Effect::None } else { Effect::Unknown }
    }

    /// The status of the newest reply, once its head has come.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self.0.reached.load(Ordering::Acquire) {
            0 | 1 => None,
            status => u16::try_from(status).ok(),
        }
    }
}
