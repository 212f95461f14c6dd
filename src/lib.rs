//! The engine as a library.

pub mod journal;
pub mod policy;
pub mod report;
pub mod telemetry;
pub mod transport;
