//! What happened, as events of `tracing`: here it is decided at which level and with which fields.
//!
//! Field values are ids, configured names, codes and numbers; never a payload, a header or a URL.

use std::{error::Error, fmt::Debug};

use fanfare_sdk::{TargetName, Version};
use tracing::{debug, info, warn};

use crate::report::{BroadcastId, DeliveryId, Ended, Limit, Notice, Outcome, Started};

/// A broadcast was accepted.
pub(crate) fn accepted(id: BroadcastId, recipients: usize) {
    debug!(broadcast = %id, recipients, "accepted");
}

/// An attempt has ended.
pub(crate) fn attempt_ended(id: &DeliveryId, started: &Started, ended: &Ended) {
    debug!(
        broadcast = %id.broadcast,
        recipient = %id.recipient,
        api = %started.way.target,
        attempt = started.attempt,
        status = ended.status,
        meaning = ended.meaning.code(),
        effect = ended.effect.code(),
        error = ended.error.as_ref().map(|error| error.kind.code()),
        took_us = u64::try_from(ended.at.since(started.at).as_micros()).unwrap_or(u64::MAX),
        "attempt ended"
    );
}

/// A delivery has settled.
pub(crate) fn settled(id: &DeliveryId, outcome: Outcome) {
    debug!(broadcast = %id.broadcast, recipient = %id.recipient, outcome = outcome.code(), "settled");
}

/// A breaker has changed its state.
pub(crate) fn breaker_changed(target: &TargetName, transition: &dyn Debug) {
    info!(api = %target, ?transition, "breaker changed");
}

/// A target has announced something about a version, for the first time.
pub(crate) fn announced(target: &TargetName, version: Option<&Version>, notice: &Notice) {
    warn!(
        api = %target,
        version = version.map(Version::as_str),
        kind = notice.code(),
        deprecated_at = notice.deprecated_at.map(|at| at.as_secs()),
        sunset = notice.sunset.map(|at| at.as_secs()),
        "a version has an end"
    );
}

/// A target has asked not to be called again.
pub(crate) fn target_disabled(target: &TargetName) {
    warn!(api = %target, "the target asked not to be called again; it is disabled until it is revived");
}

/// Something was refused or cut short because of a limit.
pub(crate) fn limit_reached(limit: Limit, target: Option<&TargetName>) {
    let target = target.map(TargetName::as_str);
    debug!(api = target, limit = limit.code(), "a limit was reached");
}

/// The journal did not do what it was asked.
pub(crate) fn journal_failed(asked: &'static str, error: &(dyn Error + 'static)) {
    warn!(asked, error, "the journal failed; it is asked again");
}

/// Reports are owed to a target that is gone.
pub(crate) fn notices_unserved(target: &TargetName, count: u64) {
    warn!(api = %target, count, "notices are owed to a target that is gone; they are kept until it is back, or given up");
}

/// The actor of a target has ended and is started again.
pub(crate) fn actor_restarted(target: &TargetName, restarts: usize) {
    warn!(api = %target, restarts, "the actor of a target has ended; it is started again");
}
