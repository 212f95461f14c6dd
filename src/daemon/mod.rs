//! The engine over HTTP.

mod body;
mod broadcasts;
pub mod callers;
mod cloud_events;
mod configured;
#[expect(clippy::module_inception, reason = "the type that the module is named after")]
mod daemon;
mod dead_letters;
mod door;
mod events;
mod full;
mod guard;
mod health;
mod keys;
mod log;
mod members;
mod metrics;
mod openapi;
mod order;
mod patience;
mod prefer;
mod problem;
mod query;
mod reload;
mod router;
mod serve;
mod source;
mod targets;
mod task;
mod tls;
mod watch;

pub use crate::{config::DaemonLimits, transport::FileState};

pub use self::{
    daemon::{Daemon, EVENTS_KEPT_MAX},
    door::{Declared, Need},
    metrics::{Exposition, MetricsError},
    openapi::openapi,
    problem::ProblemKind,
    reload::ReloadError,
    serve::{listen, serve},
    source::{Seen, Source},
    tls::{Tls, TlsError, TlsFiles},
    watch::FileWatch,
};
