//! What is looked at before a broadcast is accepted, and pinned with it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
};

use fanfare_sdk::{Payload, PrepareError};
use sha2::{Digest, Sha256};
use smallvec::SmallVec;

use super::{AcceptProblem, Broadcast, Limits, broadcast::Recipient, problems::stand_ins};
use crate::{
    actor::{ByName, Slot},
    report::Completion,
};

/// What the recipients of a broadcast are, each once looked up.
pub(super) type Found<'s> = SmallVec<[Option<&'s Arc<Slot>>; 16]>;

/// Looks the recipients up.
pub(super) fn find<'s>(broadcast: &Broadcast, slots: &'s ByName) -> Found<'s> {
    broadcast.recipients.iter().map(|Recipient { target, .. }| slots.get(target)).collect()
}

/// All that is wrong with a broadcast.
pub(super) fn problems(
    broadcast: &Broadcast,
    (found, slots): (&Found<'_>, &ByName),
    limits: &Limits,
) -> Vec<AcceptProblem> {
    let mut problems = Vec::new();
    let count = broadcast.recipients.len();
    if count == 0 {
        problems.push(AcceptProblem::NoRecipient);
    }
    if count > limits.recipients_max {
        problems.push(AcceptProblem::TooManyRecipients { count, max: limits.recipients_max });
    }
    let (bytes, max) = (broadcast.payload.bytes().len(), limits.payload_bytes_max);
    if bytes > max {
        problems.push(AcceptProblem::PayloadTooLarge { bytes, max });
    }
    for (place, Recipient { target: name, .. }) in broadcast.recipients.iter().enumerate() {
        if !found[place].is_some_and(|slot| is_named(slot)) {
            problems.push(AcceptProblem::UnknownTarget(name.clone()));
        }
        if broadcast.recipients[..place].iter().any(|other| other.target == *name) {
            problems.push(AcceptProblem::Twice(name.clone()));
        }
    }
    problems.extend(notify_problem(broadcast, (found, slots)));
    if let Completion::Quorum(needed) = broadcast.completion
        && (needed == 0 || needed as usize > count)
    {
        problems.push(AcceptProblem::Quorum { needed, count });
    }
    problems
}

/// What is wrong with whom it notifies.
fn notify_problem(
    broadcast: &Broadcast,
    (found, slots): (&Found<'_>, &ByName),
) -> Option<AcceptProblem> {
    let target = &broadcast.notify.as_ref()?.target;
    if !slots.get(target).is_some_and(|slot| is_named(slot)) {
        return Some(AcceptProblem::UnknownTarget(target.clone()));
    }
    let stands_in = |slot: &&Arc<Slot>| stand_ins(&slot.parts().policy).contains(&target);
    let gets_it = broadcast.recipients.iter().any(|recipient| recipient.target == *target)
        || found.iter().flatten().any(stands_in);
    gets_it.then(|| AcceptProblem::NotifiesRecipient(target.clone()))
}

/// Whether a new broadcast may name it: it is not about to leave.
pub(super) fn is_named(slot: &Slot) -> bool {
    !slot.leaving.load(Ordering::Acquire)
}

/// By what each delivery is ordered.
pub(super) fn order_keys(
    broadcast: &Broadcast,
    found: &Found<'_>,
    problems: &mut Vec<AcceptProblem>,
) -> Vec<Option<Arc<str>>> {
    let key = |(Recipient { target, .. }, slot): (&Recipient, &Option<&Arc<Slot>>)| {
        let mapper = (*slot)?.parts().mapper.clone()?;
        let worked_out = AssertUnwindSafe(|| mapper.order_key(&broadcast.payload));
        let says = match catch_unwind(worked_out) {
            Ok(Ok(key)) => return key.map(Arc::from),
            Ok(Err(PrepareError(says))) => says,
            Err(_) => "its mapper panicked when it was asked for the order key".to_owned(),
        };
        problems.push(AcceptProblem::OrderKey { target: target.clone(), says });
        None
    };
    broadcast.recipients.iter().zip(found).map(key).collect()
}

/// What tells a repeated request from another one under the same key: payload, media type, recipients, and all that was
/// asked for them.
pub(super) fn fingerprint(payload: &Payload, broadcast: &Broadcast) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(payload.content_type());
    hash.update([0]);
    for Recipient { target, required, .. } in &broadcast.recipients {
        hash.update(target.as_str());
        hash.update([0, u8::from(*required)]);
    }
    let Broadcast { completion, rest, priority, deadline, metadata, notify, .. } = broadcast;
    hash.update(format!("{completion:?} {rest:?} {priority:?} {deadline:?} {metadata:?}"));
    if let Some(notify) = notify {
        hash.update(format!(" {notify:?}"));
    }
    hash.update([0]);
    hash.update(payload.bytes());
    hash.finalize().into()
}
