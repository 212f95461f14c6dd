//! The program `fanfare`.

mod args;
mod dry_run;
mod duration;
mod explain;
mod output;
mod plan;
mod run;
mod script;
mod send;
mod text;
mod trace;

pub use self::run::run;
