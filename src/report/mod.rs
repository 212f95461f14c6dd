//! Pure data: what happened to a delivery, how it ended, and what that makes of its broadcast.

mod event;
mod fell_back;
mod happening;
mod headers;
mod hex;
mod history;
mod id;
mod limit;
mod notice;
mod occasion;
mod outcome;
mod priority;
#[expect(clippy::module_inception, reason = "the report is one of the words of this layer")]
mod report;
mod said;
mod told;
mod trace;
mod verdict;

pub use self::{
    event::{AttemptError, Because, Boot, CapturedReply, Ended, Event, Kind, Started, Way},
    fell_back::{FellBack, PassedOver, Substitute, Unfit},
    happening::{AttemptBegun, AttemptOver, Happening, What},
    history::History,
    id::{BroadcastId, DeliveryId},
    limit::{Limit, Usage, Written},
    notice::{Notice, VersionEnd, Warning},
    occasion::{NoticeOf, Notify, Occasion, Occasions},
    outcome::{CancelledBy, Outcome, Reason, Why},
    priority::Priority,
    report::{
        AttemptRecord, Delivery, DeliveryState, HandOver, Metadata, Report, ReportSource, Via,
        Waited,
    },
    said::{ProblemDetails, Said},
    told::{NotTold, Told},
    trace::{Link, Trace},
    verdict::{CompletedBy, Completion, Rest, Verdict},
};
pub(crate) use self::{hex::hex, id::IdMap, said::line};
