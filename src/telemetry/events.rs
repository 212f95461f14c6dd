//! What happened, as events of `tracing`: here it is decided at which level and with which fields.
//!
//! Field values are ids, configured names, codes and numbers; never a payload, a header or a URL. Ids of traces and spans
//! are called what OpenTelemetry calls them in logs, so that a collector finds the trace of a line.

use std::{
    error::Error,
    fmt::{self, Debug},
    path::Path,
    time::Duration,
};

use fanfare_sdk::{TargetName, Timestamp, Version};
use tracing::{debug, error, field::display, info, warn};

#[cfg(feature = "daemon")]
use super::RemoteContext;
use crate::report::{BroadcastId, DeliveryId, Ended, Limit, Notice, Outcome, Started, Trace};

/// A broadcast was accepted.
pub(crate) fn accepted(id: BroadcastId, trace: &Trace, recipients: usize) {
    debug!(
        broadcast = %id,
        trace_id = %Hex(&trace.trace_id),
        span_id = %Hex(&trace.span_id),
        recipients,
        "accepted"
    );
}

/// An attempt has ended. The span is that of the attempt.
pub(crate) fn attempt_ended(id: &DeliveryId, trace: &Trace, started: &Started, ended: &Ended) {
    debug!(
        broadcast = %id.broadcast,
        trace_id = %Hex(&trace.trace_id),
        span_id = %Hex(&started.span_id),
        recipient = %id.recipient,
        target = %started.way.target,
        attempt = started.attempt,
        status = ended.status,
        meaning = ended.meaning.code(),
        effect = ended.effect.code(),
        error = ended.error.as_ref().map(|error| error.kind.code()),
        took_us = u64::try_from(ended.at.since(started.at).as_micros()).unwrap_or(u64::MAX),
        "attempt ended"
    );
}

/// A delivery has settled. The trace and the span of the delivery are told where they are known.
pub(crate) fn settled(id: &DeliveryId, span: Option<&([u8; 16], [u8; 8])>, outcome: Outcome) {
    let trace_id = span.map(|span| display(Hex(&span.0)));
    let span_id = span.map(|span| display(Hex(&span.1)));
    let reason = outcome.reason();
    // What somebody may have to send again is told to whoever operates it.
    if outcome.is_dead_letter() {
        info!(
            broadcast = %id.broadcast,
            trace_id,
            span_id,
            target = %id.recipient,
            outcome = outcome.code(),
            reason,
            "a delivery has ended without success"
        );
    } else {
        debug!(
            broadcast = %id.broadcast,
            trace_id,
            span_id,
            target = %id.recipient,
            outcome = outcome.code(),
            reason,
            "settled"
        );
    }
}

/// A breaker has changed its state.
pub(crate) fn breaker_changed(target: &TargetName, transition: &dyn Debug) {
    info!(target = %target, ?transition, "breaker changed");
}

/// A target has announced something about a version, for the first time.
pub(crate) fn announced(target: &TargetName, version: Option<&Version>, notice: &Notice) {
    warn!(
        target = %target,
        version = version.map(Version::as_str),
        kind = notice.code(),
        deprecated_at = notice.deprecated_at.map(date),
        sunset = notice.sunset.map(date),
        old_form = notice.old_form.then_some(true),
        "a version has an end"
    );
}

/// RFC 3339, for people.
fn date(at: Timestamp) -> String {
    jiff::Timestamp::from_second(at.as_secs()).unwrap_or_default().to_string()
}

/// A parked dead letter cannot be sent again: it is one like any other from here on.
pub(crate) fn not_sent_again(letter: &DeliveryId, error: &dyn Error) {
    let (broadcast, target) = (letter.broadcast, &letter.recipient);
    warn!(%broadcast, %target, error = display(error), "a parked dead letter cannot be sent again");
}

/// A target has asked not to be called again.
pub(crate) fn target_disabled(target: &TargetName) {
    warn!(target = %target, "the target asked not to be called again; it is disabled until it is revived");
}

/// The authorizers of a target have no proof to give for now.
pub(crate) fn unproved(target: &TargetName, error: &(dyn Error + 'static), wait: Duration) {
    warn!(target = %target, error, ?wait, "there is no proof of who we are to give; its authorizers are asked again");
}

/// Something is wrong with the authorizers of a target of which no delivery fails.
pub(crate) fn auth_warned(target: &TargetName, error: &(dyn Error + 'static)) {
    warn!(target = %target, error, "an authorizer warns");
}

/// Something was refused or cut short because of a limit.
pub(crate) fn limit_reached(limit: Limit, target: Option<&TargetName>) {
    let target = target.map(TargetName::as_str);
    debug!(target = target, limit = limit.code(), "a limit was reached");
}

/// The journal did not do what it was asked.
pub(crate) fn journal_failed(asked: &'static str, error: &(dyn Error + 'static)) {
    warn!(asked, error, "the journal failed; it is asked again");
}

/// Files have changed, and were read again.
pub(crate) fn files_read_again(file: &Path) {
    info!(file = %file.display(), "a file has changed; it holds for connections from here on");
}

/// Files have changed, and are not right.
pub(crate) fn files_refused(file: &Path, says: &str) {
    error!(file = %file.display(), "{says}; the one before holds");
}

/// Reports are owed to a target that is gone.
pub(crate) fn notices_unserved(target: &TargetName, count: u64) {
    warn!(target = %target, count, "notices are owed to a target that is gone; they are kept until it is back, or given up");
}

/// A request to the daemon was answered.
#[cfg(feature = "daemon")]
#[derive(Debug)]
pub(crate) struct Answered<'a> {
    pub(crate) method: &'a str,
    /// The path as the API describes it, without what callers put in; none where there is no such path.
    pub(crate) route: Option<&'a str>,
    pub(crate) status: u16,
    pub(crate) took: Duration,
    /// The trace and the span of the caller.
    pub(crate) caller: Option<RemoteContext>,
    /// The id of the caller's key, where keys are needed.
    pub(crate) key: Option<&'a str>,
    /// What it was about.
    pub(crate) broadcast: Option<BroadcastId>,
}

/// Where broadcasts are sent to.
#[cfg(feature = "daemon")]
const SENDS: [&str; 2] = ["/v1/broadcasts", "/v1/routes/{route}/events"];

#[cfg(feature = "daemon")]
impl Answered<'_> {
    /// Whoever only looks, or sends and is accepted, is told to nobody, unless it fails: where there are thousands a second, a
    /// line for each is a cost that is felt.
    pub(crate) fn emit(&self) {
        let sends = self.route.is_some_and(|route| SENDS.contains(&route));
        let is_routine = self.status < 400 && (sends || ["GET", "HEAD"].contains(&self.method));
        macro_rules! line {
            ($level:ident) => {
                $level!(
                    http.request.method = self.method,
                    http.route = self.route,
                    http.response.status_code = self.status,
                    took_us = u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX),
                    key = self.key,
                    broadcast = self.broadcast.map(display),
                    trace_id = self.caller.as_ref().map(|it| display(Hex(&it.trace_id))),
                    span_id = self.caller.as_ref().map(|it| display(Hex(&it.parent_id))),
                    "answered"
                )
            };
        }
        match self.status {
            500.. => line!(warn),
            _ if is_routine => line!(debug),
            _ => line!(info),
        }
    }
}

/// Another configuration was taken over: how many came, changed and went.
#[cfg(feature = "daemon")]
pub(crate) fn reloaded(targets: [usize; 3], routes: [usize; 3], engine: bool) {
    info!(
        targets_added = targets[0],
        targets_replaced = targets[1],
        targets_removed = targets[2],
        routes_added = routes[0],
        routes_replaced = routes[1],
        routes_removed = routes[2],
        engine,
        "the configuration was taken over"
    );
}

/// Something in it holds only after a restart.
#[cfg(feature = "daemon")]
pub(crate) fn takes_a_restart(key: &str) {
    warn!(key, "this part of the configuration has changed, and holds after a restart only");
}

/// Another configuration was refused, for these reasons, a line each.
#[cfg(feature = "daemon")]
pub(crate) fn reload_refused(says: &str) {
    for mistake in says.lines() {
        error!("{mistake}");
    }
    error!(mistakes = says.lines().count(), "the configuration was refused; the one before holds");
}

/// The actor of a target has ended and is started again.
pub(crate) fn actor_restarted(target: &TargetName, restarts: usize) {
    warn!(target = %target, restarts, "the actor of a target has ended; it is started again");
}

/// An id of a trace or a span; worked out where the line is written only.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
