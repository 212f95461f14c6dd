//! Commands that speak to a daemon.

mod args;
mod client;
mod lists;
mod reload;
mod send;
mod table;

pub(super) use self::{
    args::{BroadcastsArgs, CredentialArgs, DeadLettersArgs, ReloadArgs, ReplayArgs, TargetsArgs},
    lists::{broadcasts, dead_letters, replay, targets},
    reload::reload,
    send::send,
    table::table,
};
