//! The Slack target, as its users see it.

mod canary;
mod conformance;
mod meaning;
mod request;
mod settings;

use std::time::Duration;

use fanfare_sdk::{Call, Secret, Timestamp};
use fanfare_slack::{SlackSettings, SlackTarget};

const WEBHOOK: &str = "https://hooks.slack.com/services/T0001/B0002/canary71c0";

fn by_webhook() -> SlackTarget {
    SlackSettings::webhook(Secret::new(WEBHOOK)).build().expect("the settings are right")
}

fn by_web_api() -> SlackTarget {
    SlackSettings::channel("C0123456789").build().expect("the settings are right")
}

fn call() -> Call {
    let (now, time_left) = (Timestamp::from_secs(0), Duration::from_secs(5));
    Call::new("ops".into(), "key-1".into(), now, time_left)
}
