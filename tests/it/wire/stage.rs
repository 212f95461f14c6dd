//! An engine from a configuration in a folder of its own, over real sockets.

use std::{fs, path::PathBuf};

use fanfare::{Broadcast, Engine, config::load, engine::StartError, report::Report, sdk::Payload};
use serde_json::json;
use tempfile::TempDir;

use crate::config::kinds;

/// Where the configuration and its files are.
pub(super) struct Folder(TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.at(name), text).unwrap();
    }

    /// An engine with targets that have these lines each, and nothing else.
    pub(super) async fn start(&self, targets: &[(&str, String)]) -> Result<Engine, StartError> {
        let target = |(name, lines): &(&str, String)| {
            format!("  {name}:\n    kind: http\n    retry: {{ attempts: 1 }}\n    {lines}\n")
        };
        let text = format!("targets:\n{}", targets.iter().map(target).collect::<String>());
        self.write("fanfare.yaml", &text);
        let mut config = load(&self.at("fanfare.yaml"), &kinds()).unwrap();
        Engine::builder().configured(&mut config).start().await
    }

    /// A target with this URL which may be reached at those addresses only: also where the configuration would refuse both
    /// together, since a URL may come from elsewhere. And what the configuration says of them.
    pub(super) async fn guarded(&self, url: &str, addresses: &str) -> (Engine, String) {
        let targets = |url: &str, more: &str| {
            let text = format!(
                "targets: {{ api: {{ kind: http, retry: {{ attempts: 1 }}, url: '{url}'{more} }} }}"
            );
            self.write("fanfare.yaml", &text);
            load(&self.at("fanfare.yaml"), &kinds())
        };
        let rule = format!(", addresses: {addresses}");
        let port = url.rsplit(':').next().and_then(|it| it.split('/').next()).unwrap();
        // A URL that each of the rules takes.
        let public = [format!("https://public.example:{port}/"), "https://public.example/".into()];
        let ruled = public.iter().find_map(|url| targets(url, &rule).ok()).unwrap();
        let mut config = targets(url, "").unwrap();
        config.targets[0].policy.connection = ruled.targets[0].policy.connection.clone();
        let told = targets(url, &rule).err().map(|error| error.to_string()).unwrap_or_default();
        let engine = Engine::builder().configured(&mut config).start().await.unwrap();
        (engine, told)
    }

    /// An engine with one target that is called `api`.
    pub(super) async fn one(&self, lines: String) -> Engine {
        self.start(&[("api", lines)]).await.unwrap()
    }
}

pub(super) async fn send(engine: &Engine, target: &str) -> Report {
    let broadcast = Broadcast::new(Payload::json(&json!({ "a": 1 }))).to(target);
    engine.broadcast(broadcast).await.unwrap()
}

/// `delivered: 200 body`, or how it ended and why.
pub(super) async fn sent(engine: &Engine, target: &str) -> String {
    said(&send(engine, target).await)
}

pub(super) fn said(report: &Report) -> String {
    let delivery = &report.deliveries[0];
    let outcome = delivery.outcome.unwrap().code();
    let ended = delivery.attempts.last().and_then(|it| it.ended.as_ref());
    let error = ended.and_then(|ended| ended.error.as_ref());
    if let Some(error) = error {
        return format!("{outcome}: {}: {}", error.kind.code(), error.message);
    }
    let Some(reply) = &delivery.reply else { return outcome.to_owned() };
    let body = String::from_utf8_lossy(&reply.body);
    let cut = if reply.truncated { ", truncated" } else { "" };
    format!("{outcome}: {} {body}{cut}", reply.status.unwrap())
}
