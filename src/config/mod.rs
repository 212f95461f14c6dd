//! What people write about targets and routes: strict, with a place in every message, checked once.

mod addresses;
mod body;
mod build;
mod check;
mod classify;
mod cloud_events;
mod command;
#[expect(clippy::module_inception, reason = "the type that the module is named after")]
mod config;
mod connection;
mod daemon;
mod document;
mod engine;
mod fallback;
mod fingerprint;
mod gate;
mod halves;
mod hedge;
mod issues;
mod journal;
mod judged;
mod load;
mod nearest;
mod notify;
mod payload_schema;
mod problem;
mod redirects;
mod reference;
mod retry;
mod route;
mod route_schema;
mod salvage;
mod schema;
mod shared;
#[cfg(feature = "daemon")]
mod strict;
mod target;
mod text;
mod tls;
mod token_endpoint;
mod validate;
mod versions;
mod violation;
mod without_secrets;

#[cfg(feature = "cli")]
pub(crate) use self::command::printed;
pub use self::{
    config::{
        Config, ConfiguredTarget, EngineConfig, JournalConfig, OnRemoved, Route, RouteRecipient,
    },
    daemon::{DaemonConfig, DaemonLimits},
    fingerprint::{Fingerprint, Fingerprints},
    load::{load, load_by, load_str},
    payload_schema::{PayloadSchema, SchemaMistake},
    problem::{ConfigError, Place, Problem},
    reference::{Lookup, Surroundings},
    schema::{config_schema, target_schema},
    violation::{Violation, Violations},
    without_secrets::load_without_secrets,
};
#[cfg(feature = "daemon")]
pub(crate) use self::{load::read as read_file, nearest::nearest, strict::Document};
