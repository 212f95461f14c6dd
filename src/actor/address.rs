//! Where an actor is reached now.

use std::sync::{PoisonError, RwLock};

use ractor::{ActorRef, Message};

/// Where the actor of a slot or desk is reached now. Outlives its actors.
#[derive(Debug)]
pub(crate) struct Address<M: Message>(RwLock<Option<ActorRef<M>>>);

impl<M: Message> Default for Address<M> {
    fn default() -> Self {
        Self(RwLock::new(None))
    }
}

impl<M: Message> Address<M> {
    /// From here on this actor is told.
    pub(super) fn set(&self, actor: ActorRef<M>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(actor);
    }

    /// Tells the actor, if there is one. A message is a hint: whether it arrives is not known, and need not be.
    pub(crate) fn tell(&self, message: M) {
        if let Some(actor) = &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            // An actor that is gone has left everything in the journal.
            drop(actor.send_message(message));
        }
    }

    /// Ends the actor that is told now, whatever it is doing; says whether there was one.
    pub(crate) fn kill(&self) -> bool {
        let actor = self.get();
        if let Some(actor) = &actor {
            actor.kill();
        }
        actor.is_some()
    }

    /// The actor that is told now.
    pub(super) fn get(&self) -> Option<ActorRef<M>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
