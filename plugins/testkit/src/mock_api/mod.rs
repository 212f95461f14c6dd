//! A mock HTTP API on loopback: real sockets, and faults of the wire that no well-behaved server can show.
//!
//! The HTTP/1.1 in here is written by hand because it has to do wrong things on purpose. Sockets know nothing of
//! virtual time: do not use it on a paused clock, and do not assert times with it. That is what
//! [`ScriptedTransport`](crate::ScriptedTransport) is for.

mod server;

mod connection;
mod reply;
mod request;

pub use self::server::MockApi;
