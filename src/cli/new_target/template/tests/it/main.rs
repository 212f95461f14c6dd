//! The Acme target, as its users see it.

mod conformance;
mod request;
mod settings;

use std::time::Duration;

use fanfare_acme::{AcmeSettings, AcmeTarget};
use fanfare_sdk::{Call, Secret, Timestamp};

const URL: &str = "https://api.example/messages";
const API_KEY: &str = "canary-71c0";

fn target() -> AcmeTarget {
    AcmeSettings::new(URL, Secret::new(API_KEY)).build().expect("the settings are right")
}

fn call() -> Call {
    let (now, time_left) = (Timestamp::from_secs(0), Duration::from_secs(5));
    Call::new("acme".into(), "key-1".into(), now, time_left)
}
