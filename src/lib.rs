//! The engine as a library.

#![doc = include_str!("../README.md")]

mod actor;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "config")]
pub mod config;
#[cfg(feature = "daemon")]
pub mod daemon;
pub mod engine;
pub mod journal;
#[cfg(feature = "jq")]
pub mod mapping;
pub mod policy;
pub mod report;
#[cfg(feature = "sabotage")]
pub mod sabotage;
#[cfg(not(feature = "sabotage"))]
mod sabotage;
pub mod telemetry;
pub mod transport;
pub mod wire;

pub use fanfare_sdk as sdk;

pub use self::engine::{Broadcast, BroadcastHandle, Engine, Target};

/// The bundled targets and authorizers.
#[cfg(feature = "targets")]
pub mod targets {
    #[doc(inline)]
    pub use fanfare_auth as auth;
    #[doc(inline)]
    pub use fanfare_http::{self as http, HttpTarget};
    #[doc(inline)]
    pub use fanfare_webhook as webhook;
}
