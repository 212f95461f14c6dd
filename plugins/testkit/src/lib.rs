//! For authors of targets: a conformance suite and a scripted mock API.
//!
//! [`conformance()`] says whether a target keeps the contract, and how to mend it where it does not.
//! [`ScriptedTransport`] stands in for the network, in memory and in virtual time. [`MockApi`] is a real HTTP
//! server on loopback that does wrong things on purpose. Both play a [`Script`] of [`Scripted`] replies.

mod clock;
mod conformance;
mod mock_api;
mod received;
mod script;
mod transport;

pub use self::{
    conformance::{Conformance, ConformanceBuilder, Finding, Line, conformance},
    mock_api::MockApi,
    received::Received,
    script::{Script, Scripted},
    transport::ScriptedTransport,
};
