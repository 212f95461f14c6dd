//! The engine over HTTP, first part: on loopback, for callers that are trusted.

mod body;
mod broadcasts;
mod cloud_events;
mod configured;
#[expect(clippy::module_inception, reason = "the type that the module is named after")]
mod daemon;
mod dead_letters;
mod guard;
mod health;
mod keys;
mod limits;
mod members;
mod metrics;
mod openapi;
mod order;
mod prefer;
mod problem;
mod query;
mod router;
mod serve;
mod targets;
mod task;
mod watch;

pub use self::{
    daemon::Daemon,
    limits::DaemonLimits,
    metrics::{Exposition, MetricsError},
    openapi::openapi,
    problem::ProblemKind,
    serve::serve,
    watch::{FileWatch, Identity},
};
