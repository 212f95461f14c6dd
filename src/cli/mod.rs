//! The program `fanfare`.

mod args;
mod check;
mod doors;
mod dry_run;
mod explain;
mod journal;
mod journal_args;
mod key;
mod kinds;
mod live;
mod log;
mod master_key;
mod new_target;
mod otlp;
mod output;
mod payload;
mod plan;
mod planned_route;
mod quickstart;
mod reloads;
mod run;
mod runtime;
mod schema;
mod screen;
mod script;
mod send;
mod serve;
mod server;
mod text;
mod top;
mod trace;
mod versions;
mod width;

pub use self::run::{run, run_with};
