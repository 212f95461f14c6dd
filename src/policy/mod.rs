//! Pure decisions: no runtime, no clock, no chance.
//!
//! [`next()`] says what a delivery does next, [`gate::Gate`] what a target lets through, [`tally()`] what the
//! outcomes make of a broadcast. All three are functions of what they are given: asked twice, they answer the
//! same. A shell around them acts; it decides nothing.

mod addresses;
mod backoff;
mod connection;
mod deprecation;
mod fallback;
mod feedback;
pub mod gate;
mod latency;
mod limits;
mod line;
mod links;
mod masks;
mod next;
mod past;
mod plan;
mod problem_details;
mod redirects;
pub mod rehearse;
mod sight;
mod step;
#[cfg(test)]
mod tables;
mod tally;
mod versions;

pub(crate) use self::line::Line;
pub use self::{
    addresses::{Addresses, Refused},
    backoff::{Backoff, BackoffError, Jitter},
    connection::{By, Connection, HttpVersion, Proxy, Tls, TlsIdentity, TlsVersion},
    deprecation::notice,
    fallback::{Condition, FallbackRule, FallbackTo, Park},
    feedback::feedback,
    latency::{Durations, Latencies},
    limits::Limits,
    masks::{Masks, SECRET_CHARS_MIN},
    next::next,
    plan::{Hedge, Plan, Retry, TargetPolicy},
    problem_details::problem_details,
    redirects::{Hop, Redirects},
    sight::{Door, Sight},
    step::Step,
    tally::{Standing, Tally, tally},
    versions::{VersionStatus, versions},
};
