//! Who is told what happened, for spans and metrics. Nobody, unless one was given to the engine.

use std::{fmt::Debug, time::Duration};

use fanfare_sdk::TargetName;

use super::ExchangeRecord;
use crate::report::{Ended, Limit, Outcome, Report, Started, Trace, Usage, VersionEnd, Written};

/// The end of an attempt, with all that a span says of it.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "otel"), expect(dead_code, reason = "read by spans and metrics only"))]
pub(crate) struct AttemptEnd<'a> {
    pub(crate) trace: &'a Trace,
    /// The span of its delivery.
    pub(crate) delivery_span: [u8; 8],
    pub(crate) started: &'a Started,
    pub(crate) ended: &'a Ended,
    /// How often the delivery was sent to this target before.
    pub(crate) resends: u32,
    /// What went over the wire; nothing for targets with a client of their own, and where nothing was sent.
    pub(crate) exchanges: Vec<ExchangeRecord>,
}

/// Is told what happened. Called where deliveries are made: it must not block.
pub(crate) trait Observer: Debug + Send + Sync {
    /// The flags with which a broadcast travels: whether its trace is sampled is decided here, once.
    fn flags(&self, trace: &Trace) -> u8;

    /// An attempt has ended.
    fn attempt_ended(&self, end: &AttemptEnd<'_>);

    /// A delivery has settled, that long after its acceptance.
    fn delivery_settled(&self, recipient: &TargetName, outcome: Outcome, took: Duration);

    /// A broadcast has its verdict, and all its deliveries have settled.
    fn broadcast_settled(&self, report: &Report);

    /// A breaker has changed its state to that one.
    fn breaker_changed(&self, target: &TargetName, to: &'static str);

    /// Something was refused or cut short because of a limit.
    fn limit_reached(&self, limit: Limit, target: Option<&TargetName>);

    /// How near the limits are can be asked there, again and again. Told once, when the engine starts.
    fn measure(&self, usage: Box<dyn Fn() -> Vec<Usage> + Send + Sync>);

    /// The same for how much the journal has written, where it outlives the process.
    fn measure_journal(&self, written: Box<dyn Fn() -> Written + Send + Sync>);

    /// The same for when versions are likely to be gone.
    fn measure_versions(&self, ends: Box<dyn Fn() -> Vec<VersionEnd> + Send + Sync>);

    /// So many times another configuration was to be taken over and went like that: none, too, so that the first one is seen
    /// as an increase.
    #[cfg(feature = "daemon")]
    fn reloaded(&self, result: &'static str, times: u64);

    /// A target has announced the end of a version, for the first time.
    fn announced(&self, target: &TargetName, kind: &'static str);
}
