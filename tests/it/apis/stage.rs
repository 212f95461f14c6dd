//! Sends a payload along the route of a file, to a mock.

use std::{fs, path::Path, sync::Arc};

use fanfare::{Broadcast, Engine, config::load_str, sdk::Payload, wire};
use fanfare_testkit::{Scripted, ScriptedTransport};
use serde_json::Value;

use super::{ask::Ask, standins::Standins};
use crate::config::kinds;

/// An API that is not there: what it answers.
pub(super) type Mock = Box<dyn Fn(&Ask<'_>) -> Scripted + Send + Sync>;

/// A file, what is sent along its route, and the API that gets it. Each run has a mock of its own.
pub(super) struct Example {
    pub(super) file: &'static str,
    pub(super) payload: Value,
    pub(super) mock: fn() -> Mock,
    pub(super) expected: &'static str,
}

/// Where the files are.
pub(super) const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/apis");

impl Example {
    pub(super) fn new(
        file: &'static str,
        payload: Value,
        mock: fn() -> Mock,
        expected: &'static str,
    ) -> Self {
        Self { file, payload, mock, expected }
    }

    /// The file as it stands ends as it should.
    pub(super) async fn stands(&self) {
        let found = run(&self.text(), &self.payload, (self.mock)()).await;
        assert_eq!(found, self.expected, "{}", self.file);
    }

    /// With another payload.
    pub(super) async fn sending(&self, payload: Value, expected: &str) {
        let found = run(&self.text(), &payload, (self.mock)()).await;
        assert_eq!(found, expected, "{}: {payload}", self.file);
    }

    /// With another API behind it.
    pub(super) async fn at(&self, mock: fn() -> Mock, expected: &str) {
        let found = run(&self.text(), &self.payload, mock()).await;
        assert_eq!(found, expected, "{}", self.file);
    }

    /// With `from` replaced by `to` in it.
    pub(super) async fn broken(&self, from: &str, to: &str, expected: &str) {
        self.broken_at(self.mock, (from, to), expected).await;
    }

    /// Both.
    pub(super) async fn broken_at(&self, mock: fn() -> Mock, edit: (&str, &str), expected: &str) {
        self.edited_at(mock, &[edit], expected).await;
    }

    /// With several edits.
    pub(super) async fn edited_at(
        &self,
        mock: fn() -> Mock,
        edits: &[(&str, &str)],
        expected: &str,
    ) {
        let text = edits.iter().fold(self.text(), |text, (from, to)| {
            assert!(text.contains(from), "{}: there is no `{from}` to break", self.file);
            text.replace(from, to)
        });
        let found = run(&text, &self.payload, mock()).await;
        assert_eq!(found, expected, "{}: {edits:?}", self.file);
    }

    pub(super) fn text(&self) -> String {
        let file = Path::new(FOLDER).join(self.file);
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }
}

/// Outcome and reason, the status of each attempt (`-` where none came), what was said, and what was captured.
async fn run(text: &str, payload: &Value, mock: Mock) -> String {
    let mut config = load_str("f.yaml", text, &kinds(), &Standins).unwrap();
    let apis = Arc::new(ScriptedTransport::new(move |request| mock(&Ask(request))));
    let engine = Engine::builder().transport(apis).configured(&mut config).start().await.unwrap();
    let (name, route) = config.routes.iter().next().unwrap();
    let broadcast = Broadcast::along(name.as_str(), route, &Payload::json(payload)).unwrap();
    told(wire::Report::from(&engine.broadcast(broadcast).await.unwrap()))
}

pub(super) fn told(mut report: wire::Report) -> String {
    let delivery = report.deliveries.remove(0);
    let outcome = delivery.outcome.unwrap();
    let reason = delivery.reason.map(|it| format!(" ({})", it.message)).unwrap_or_default();
    // What the API said of the last attempt, by the rules of the file.
    let said = delivery.attempts.last().and_then(|it| it.said.as_ref());
    let said = said.map(|it| [&it.rule, &it.code, &it.message].map(|it| it.as_deref()));
    let said: Vec<_> = said.into_iter().flatten().flatten().collect();
    let said = if said.is_empty() { String::new() } else { format!(" <{}>", said.join(": ")) };
    let status = |it: Option<u16>| it.map_or_else(|| "-".to_owned(), |status| status.to_string());
    let statuses: Vec<_> = delivery.attempts.iter().map(|it| status(it.status)).collect();
    let captured = delivery.reply.map(|it| it.captured).unwrap_or_default();
    let captured = captured.iter().filter(|it| !it.1.is_null());
    let captured: Vec<_> = captured.map(|(name, value)| format!("{name}: {value}")).collect();
    let line = format!("{outcome}{reason} [{}]{said} {}", statuses.join(" "), captured.join(", "));
    line.trim_end().to_owned()
}
