//! Sends parked dead letters again when their time has come, each of them once, as a broadcast of its own.
//!
//! The journal says which ones, at the start too. What is sent again is no dead letter any more, in the commit that
//! accepts it: none is sent twice.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use fanfare_sdk::Timestamp;

use super::{AcceptError, Engine, Replay, ReplayError, engine::Running};
use crate::{actor::spawn, journal::JournalError, telemetry};

/// Parked dead letters that are looked for at once.
const PAGE: usize = 256;

/// The longest pause before it is looked again: so late may a parked dead letter be that was parked meanwhile.
const AGAIN: Duration = Duration::from_secs(30);

/// Sends them until the engine has ended; where the journal does not outlive the process, nothing is parked.
pub(super) fn start(engine: &Engine) {
    if engine.0.shared.journal.parks() {
        spawn(until_it_ends(Arc::downgrade(&engine.0)));
    }
}

async fn until_it_ends(engine: Weak<Running>) {
    loop {
        let Some(engine) = engine.upgrade().map(Engine) else { return };
        let clock = engine.0.shared.clock;
        let sent = engine.send_parked().await;
        drop(engine);
        let latest = clock.now().after(AGAIN);
        match sent {
            Ok(next) => clock.sleep_until(next.map_or(latest, |next| next.min(latest))).await,
            Err(AcceptError::Closing) => return,
            Err(error) => {
                telemetry::journal_failed("send what was parked", &error);
                clock.sleep(AGAIN).await;
            }
        }
    }
}

/// Whether nothing at all is accepted for now, and not this one letter alone.
fn concerns_all(error: &AcceptError) -> bool {
    match error {
        AcceptError::Closing => true,
        AcceptError::Journal(error) => error.is_transient() || *error == JournalError::Fenced,
        AcceptError::Invalid { .. } => false,
    }
}

impl Engine {
    /// All whose time has come. Says when that of the next one comes, where that is known.
    async fn send_parked(&self) -> Result<Option<Timestamp>, AcceptError> {
        let shared = &self.0.shared;
        loop {
            let parked = shared.journal.parked(shared.clock.now(), PAGE).await?;
            for letter in &parked.letters {
                let replay = Replay::new(letter.broadcast).only(letter.recipient.clone()).parked();
                match self.replay(replay).await {
                    Ok(_) => {}
                    // Somebody else was faster. Whatever the reason: it is not looked for again at once.
                    Err(ReplayError::NoDeadLetter(_) | ReplayError::Nothing { .. }) => {
                        shared.journal.unpark(letter).await?;
                    }
                    Err(ReplayError::Refused(error)) if concerns_all(&error) => return Err(error),
                    // The others are not held up by one that nobody takes any more.
                    Err(
                        error @ (ReplayError::Unknown
                        | ReplayError::NoPayload
                        | ReplayError::UnknownTarget(_)
                        | ReplayError::Refused(_)),
                    ) => {
                        telemetry::not_sent_again(letter, &error);
                        shared.journal.unpark(letter).await?;
                    }
                }
            }
            if parked.letters.len() < PAGE {
                return Ok(parked.next);
            }
        }
    }
}
