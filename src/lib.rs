//! The engine as a library.

pub mod policy;
pub mod report;
