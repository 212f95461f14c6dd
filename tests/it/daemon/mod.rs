//! The daemon, as its callers see it.

mod broadcasts;
mod callers;
mod cloud_events;
mod connections;
mod contract;
mod dead_letters;
mod events;
mod exchange;
mod levers;
mod operations;
mod parked;
mod program;
mod reload;
mod requests;
mod rotation;
mod sealed;
mod stage;
mod tail;
mod tls;
mod versions;
