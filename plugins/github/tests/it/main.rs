//! The GitHub target, as its users see it.

mod canary;
mod conformance;
mod meaning;
mod request;
mod settings;

use std::time::Duration;

use fanfare_github::{GithubSettings, GithubTarget};
use fanfare_sdk::{Call, Timestamp};

fn target() -> GithubTarget {
    GithubSettings::new("octo/hello", "order_placed").build().expect("the settings are right")
}

fn call() -> Call {
    let (now, time_left) = (Timestamp::from_secs(0), Duration::from_secs(5));
    let mut call = Call::new("deploy".into(), "key-1".into(), now, time_left);
    call.version = Some("2022-11-28".into());
    call
}
