//! All integration tests, in one binary: it links once.

// Also where it is always true: clippy takes helpers outside `#[test]` for tests by it.
#![cfg(test)]

mod apis;
mod assertion_peer;
mod auth_peer;
mod bodies;
mod child;
mod classify;
mod cli;
mod clients;
mod cloud_events_peer;
mod coding_peer;
mod compared;
mod config;
mod configuration_page;
mod configured;
mod daemon;
mod dry_run;
mod durable;
mod engine;
mod failure_policy;
mod fetched;
mod gate;
mod guides;
mod isolation;
mod kill;
mod last_reply;
mod limits;
mod masks;
mod notices;
mod oauth_peer;
mod proof;
mod quickstart;
mod ractor;
mod replay;
mod schemas;
mod signed;
mod simulation;
mod targets;
mod telemetry;
mod tidy;
mod transport;
mod webhook_peer;
mod wire;
mod without_secrets;
