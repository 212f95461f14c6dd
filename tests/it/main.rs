//! All integration tests, in one binary: it links once.

// Also where it is always true: clippy takes helpers outside `#[test]` for tests by it.
#![cfg(test)]

mod engine;
mod ractor;
mod simulation;
mod transport;
