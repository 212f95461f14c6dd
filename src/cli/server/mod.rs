//! Commands that speak to a daemon.

mod args;
mod client;
mod lists;
mod send;
mod table;

pub(super) use self::{
    args::{BroadcastsArgs, CredentialArgs, DeadLettersArgs, ReplayArgs, TargetsArgs},
    lists::{broadcasts, dead_letters, replay, targets},
    send::send,
    table::table,
};
