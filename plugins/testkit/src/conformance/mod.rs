//! Does a target keep the contract? Every check that fits what it declares, in memory and in virtual time.

mod builder;
mod report;

mod attempt;
mod classify;
mod exchange;
mod keys;
mod meaning;
mod payload;
mod profile;
mod request;
mod reversal;
mod secrets;

mod kind;

mod bodies;
mod check;
mod subject;

pub use self::{
    builder::{ConformanceBuilder, conformance},
    report::{Conformance, Finding, Line},
};
