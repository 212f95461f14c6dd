//! The only wire format: serialisable mirrors of what the engine knows, with their schema.

mod event;
mod fell_back;
#[cfg(feature = "daemon")]
pub mod listing;
mod notice;
#[cfg(feature = "daemon")]
mod problem;
mod reply;
mod report;
#[cfg(feature = "daemon")]
pub mod request;
mod said;

#[cfg(feature = "daemon")]
pub use self::problem::{Mistake, Problem};
#[cfg(feature = "cli")]
pub(crate) use self::report::origin;
#[cfg(feature = "daemon")]
pub(crate) use self::report::time;
pub use self::{
    event::{Event, Happened, event_schema},
    fell_back::{PassedOver, Unfit},
    notice::{Notice, NoticeType, notice_schema},
    reply::{Body, Reply},
    report::{
        Attempt, AttemptFailure, Delivery, Reason, Report, SCHEMA_VERSION, ServedBy, State,
        WaitedMs, Warning, report_schema,
    },
    said::Said,
};
