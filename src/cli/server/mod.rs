//! Commands that speak to a daemon.

mod args;
mod client;
mod happened;
mod lists;
mod reload;
mod send;
mod stream;
mod table;
mod tail;

pub(super) use self::{
    args::{
        BroadcastsArgs, CredentialArgs, DeadLettersArgs, ReloadArgs, ReplayArgs, TailArgs,
        TargetsArgs, TopArgs,
    },
    client::{Client, Failed},
    lists::{broadcasts, dead_letters, replay, run, say, segment, targets},
    reload::reload,
    send::send,
    stream::{Came, Events},
    table::table,
    tail::tail,
};
