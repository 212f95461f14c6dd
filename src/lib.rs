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
    use fanfare_sdk::Registry;

    #[doc(inline)]
    pub use fanfare_auth as auth;
    #[doc(inline)]
    pub use fanfare_github as github;
    #[doc(inline)]
    pub use fanfare_http::{self as http, HttpTarget};
    #[doc(inline)]
    pub use fanfare_slack as slack;
    #[doc(inline)]
    pub use fanfare_webhook as webhook;

    /// The bundled kinds.
    #[must_use]
    pub fn kinds() -> Registry {
        let mut kinds = Registry::default();
        // Their names differ, and none takes a key of the engine: a test would fail.
        drop(kinds.register(http::HttpKind));
        drop(kinds.register(webhook::WebhookKind));
        drop(kinds.register(slack::SlackKind));
        drop(kinds.register(github::GithubKind));
        kinds
    }
}
