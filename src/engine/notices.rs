//! Sends the reports that are owed, each of them once, as a broadcast of its own.
//!
//! The journal says what is owed: at the start, after a crash too, and whenever something has become so. To accept a
//! notice is to owe it no more, in one commit: none is lost, and none is sent twice.

use std::{
    collections::HashSet,
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use fanfare_sdk::{Payload, TargetName};
use futures_util::{StreamExt, stream};
use tokio::sync::Notify;

use super::{AcceptError, Engine, engine::Running, replay::link};
use crate::{
    actor::{Slot, spawn},
    journal::{JournalError, NewBroadcast, NewDelivery},
    report::{Completion, NoticeOf, Priority, Rest},
    telemetry,
    wire::Notice,
};

/// Notices that are looked for at once.
const PAGE: usize = 256;

/// Notices that are made at once. Each holds a report with its replies.
const AT_ONCE: usize = 4;

/// The pause before it is looked again after the journal has failed: it is doubled each time, up to the other one.
const AGAIN: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));

/// Sends what is owed until the engine has ended.
pub(super) fn start(engine: &Engine) {
    let owing = engine.0.shared.owing.clone();
    spawn(until_it_ends(Arc::downgrade(&engine.0), owing));
}

async fn until_it_ends(engine: Weak<Running>, owing: Arc<Notify>) {
    // Targets that are gone: that is said once.
    let (mut gone, mut pause) = (HashSet::new(), AGAIN.0);
    loop {
        let Some(engine) = engine.upgrade().map(Engine) else { return };
        let clock = engine.0.shared.clock;
        let sent = engine.send_owed(&mut gone).await;
        drop(engine);
        match sent {
            Ok(()) => {
                pause = AGAIN.0;
                owing.notified().await;
            }
            Err(AcceptError::Closing) => return,
            Err(error) => {
                telemetry::journal_failed("notify", &error);
                clock.sleep(pause).await;
                pause = (2 * pause).min(AGAIN.1);
            }
        }
    }
}

impl Engine {
    /// All that is owed now. Neither a target that is gone nor a notice that fails holds back the others.
    async fn send_owed(&self, gone: &mut HashSet<TargetName>) -> Result<(), AcceptError> {
        let (shared, mut done) = (&self.0.shared, Ok(()));
        for (target, count) in shared.journal.owing().await? {
            let here = |slot: &Arc<Slot>| !slot.leaving.load(Ordering::Acquire);
            if let Some(slot) = shared.slots.get(&target).filter(here) {
                gone.remove(&target);
                done = done.and(self.send_all(&slot).await);
            } else if gone.insert(target.clone()) {
                telemetry::notices_unserved(&target, count);
            }
        }
        done
    }

    /// All that is owed to one target.
    async fn send_all(&self, slot: &Slot) -> Result<(), AcceptError> {
        loop {
            let owed = self.0.shared.journal.owed(&slot.name, PAGE).await?;
            // Those of one broadcast one after the other: the verdict comes before the end.
            let of_each = owed.chunk_by(|one, next| one.broadcast == next.broadcast);
            let of_each: Vec<_> = of_each.map(<[NoticeOf]>::to_vec).collect();
            let sent = stream::iter(of_each).map(|notices| self.send_each(slot, notices));
            let sent: Vec<_> = sent.buffered(AT_ONCE).collect().await;
            sent.into_iter().collect::<Result<(), _>>()?;
            if owed.len() < PAGE {
                return Ok(());
            }
        }
    }

    async fn send_each(&self, slot: &Slot, notices: Vec<NoticeOf>) -> Result<(), AcceptError> {
        for notice in notices {
            self.send_notice(slot, notice).await?;
        }
        Ok(())
    }

    async fn send_notice(&self, slot: &Slot, notice: NoticeOf) -> Result<(), AcceptError> {
        let Some(new) = self.notice(slot, notice).await? else { return Ok(()) };
        match self.accept(new, None).await {
            // Somebody else was faster.
            Ok(_) | Err(AcceptError::Journal(JournalError::NotOwed)) => Ok(()),
            Err(error) => {
                if matches!(error, AcceptError::Journal(error) if error.may_be_written()) {
                    // Then it is owed no more, and its target was not told.
                    self.0.shared.recheck(None);
                }
                Err(error)
            }
        }
    }

    /// The broadcast that carries the report as it stands now; none where that is not kept any more.
    async fn notice(
        &self,
        slot: &Slot,
        notice: NoticeOf,
    ) -> Result<Option<NewBroadcast>, AcceptError> {
        let shared = &self.0.shared;
        let Some(report) = shared.journal.view(notice.broadcast).await? else { return Ok(None) };
        let now = shared.clock.now();
        let mut trace = self.trace(None, None);
        trace.link = Some(link(&report));
        let bytes_max = self.0.limits().payload_bytes_max;
        let text = Notice::payload(report, (notice.occasion, now), bytes_max);
        let delivery = NewDelivery {
            recipient: slot.name.clone(),
            required: true,
            seed: shared.entropy.number(),
            expires: now.after(slot.parts().policy.give_up_after),
            span_id: shared.entropy.span_id(),
            skipped: false,
            // The verdict comes before the end.
            order_key: Some(notice.broadcast.to_string().into()),
            carried: None,
        };
        Ok(Some(NewBroadcast {
            id: self.0.ids.next(&shared.entropy, now),
            route: None,
            payload: Payload::new("application/json", text),
            recipients: vec![delivery],
            completion: Completion::All,
            rest: Rest::Finish,
            accept_substituted: false,
            // What is told of is more urgent than the telling.
            priority: Priority::Low,
            deadline: None,
            accepted_at: now,
            caller_key: None,
            metadata: None,
            replay_of: None,
            notify: None,
            notice_of: Some(notice),
            trace,
        }))
    }
}
