//! What the test kit promises, seen through its public API.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod conformance;
mod demo;
mod kind;
mod mock_api;
mod spec;
mod transport;
