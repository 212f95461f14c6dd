//! A chat of one's own: an HTTP API described, made a kind for configurations, and judged by the conformance suite.
//!
//! `cargo run --example chat_target`, and `cargo test --example chat_target`

use std::{
    error::Error,
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use bytes::Bytes;
use fanfare::{
    Broadcast, Engine,
    config::{Surroundings, load_str},
    sdk::{
        ApiTarget, Call, Classification, Effect, Http, HttpApi, Meaning, Payload, PrepareError,
        Profile, Registry, Repeat, Reply, SettingError, SettingErrors, TargetKind, check,
    },
    targets::{http::HttpKind, webhook::WebhookKind},
};
use fanfare_testkit::{MockApi, Scripted};
use http::{Request, header::CONTENT_TYPE};
use schemars::{JsonSchema, schema_for};
use serde::Deserialize;
use serde_json::{Value, json};

/// A chat that answers 200 to everything, and says in the body whether it took it.
#[derive(Debug)]
struct Chat {
    url: String,
    channel: String,
}

impl HttpApi for Chat {
    fn profile(&self) -> Profile {
        let mut profile = Profile::default();
        // It recognises a message by its `client_msg_id`.
        profile.repeat = Repeat::SameEndpoint;
        profile
    }

    fn request(&self, call: &Call, payload: &Payload) -> Result<Request<Bytes>, PrepareError> {
        let text = payload.as_json().and_then(|payload| payload["text"].as_str());
        let text = text.ok_or_else(|| PrepareError("the payload has no `text`".to_owned()))?;
        let key = call.idempotency_key.as_str();
        let message = json!({ "channel": self.channel, "text": text, "client_msg_id": key });
        let url = call.endpoint.as_ref().map_or(&*self.url, |endpoint| endpoint.as_str());
        Request::post(url)
            .header(CONTENT_TYPE, "application/json")
            .body(message.to_string().into())
            .map_err(|error| PrepareError(error.to_string()))
    }

    fn classify(&self, call: &Call, reply: &Reply) -> Classification {
        let by_status = Classification::by_status(call, reply);
        let said: Value = serde_json::from_slice(reply.body.bytes()).unwrap_or_default();
        if by_status.meaning != Meaning::Success || said["ok"] != json!(false) {
            return by_status;
        }
        let (meaning, effect) = match said["error"].as_str() {
            Some("duplicate_message") => (Meaning::Success, Effect::Applied),
            Some("rate_limited") => (Meaning::Throttled, Effect::None),
            Some("internal_error") => (Meaning::Retry, Effect::Unknown),
            Some(_) | None => (Meaning::Permanent, Effect::None),
        };
        Classification { meaning, effect, ..by_status }
    }

    fn probe(&self, _: &Call) -> Result<Option<Request<Bytes>>, PrepareError> {
        let request = Request::head(&self.url).body(Bytes::new());
        request.map(Some).map_err(|error| PrepareError(error.to_string()))
    }
}

/// What people write about a chat.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map of settings")]
struct ChatSettings {
    /// Where messages are posted to.
    url: String,
    /// The channel, with its `#`.
    channel: String,
}

impl Chat {
    /// Checks the settings: all that is wrong is said at once.
    fn try_new(settings: ChatSettings) -> Result<Self, SettingErrors> {
        let ChatSettings { url, channel } = settings;
        let mut wrong = SettingErrors::default();
        wrong.take_all(&["url"], check::url(&url));
        if !channel.starts_with('#') {
            wrong.push(&["channel"], "is not a channel: `#` and its name would be right");
        }
        wrong.or(Some(Self { url, channel }))
    }
}

/// What stands behind `kind: chat`.
#[derive(Debug)]
struct ChatKind;

impl TargetKind for ChatKind {
    fn kind(&self) -> &str {
        "chat"
    }

    fn schema(&self) -> Value {
        schema_for!(ChatSettings).into()
    }

    fn build(&self, settings: Value) -> Result<Arc<dyn ApiTarget>, Vec<SettingError>> {
        Ok(Arc::new(Http(Chat::try_new(check::settings(settings)?)?)))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let busy = Scripted::status(200).body(r#"{"ok":false,"error":"rate_limited"}"#);
    let api = MockApi::start([busy, Scripted::status(200).body(r#"{"ok":true}"#)]).await;
    let text = format!(
        "targets:\n  ops: {{ kind: chat, url: '{}', channel: '#ops', timeout: 5s }}\n\
         routes:\n  alarm: {{ to: [ops] }}\n",
        api.url("/messages")
    );

    let mut kinds = Registry::default();
    kinds.register(HttpKind)?;
    kinds.register(WebhookKind)?;
    kinds.register(ChatKind)?;
    let mut config = load_str("chat.yaml", &text, &kinds, &Surroundings::new(Path::new("")))?;
    let engine = Engine::builder().configured(&mut config).start().await?;

    let payload = Payload::json(&json!({ "text": "the disk is full" }));
    let broadcast = Broadcast::along("alarm", &config.routes["alarm"], &payload);
    let report = engine.broadcast(broadcast.map_err(|wrong| wrong[0].clone())?).await?;
    for delivery in &report.deliveries {
        let attempts = delivery.attempts.len();
        writeln!(io::stdout(), "{}: {:?}, {attempts} attempts", delivery.target, delivery.outcome)?;
    }
    engine.shutdown().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fanfare::sdk::{ApiTarget, Http, Payload, TargetKind};
    use fanfare_testkit::{Conformance, Scripted};
    use serde_json::json;

    use super::{Chat, ChatKind};

    #[tokio::test(start_paused = true)]
    async fn it_keeps_the_contract() {
        let chat = || Chat { url: "https://chat.example/m".into(), channel: "#ops".into() };
        Conformance::builder()
            .payload(Payload::json(&json!({ "text": "hello" })))
            .accepting(|_| Scripted::status(200).body(r#"{"ok":true}"#))
            .run(|| -> Arc<dyn ApiTarget> { Arc::new(Http(chat())) })
            .await
            .assert();
    }

    #[test]
    fn its_kind_keeps_the_contract() {
        let right = json!({ "url": "https://chat.example/m", "channel": "#ops" });
        Conformance::of_kind(&ChatKind, &right).assert();
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let wrong = ChatKind.build(json!({ "url": "chat.example", "channel": "ops" }));
        let wrong: Vec<_> = wrong.unwrap_err().into_iter().map(|it| it.pointer).collect();
        assert_eq!(wrong, ["/url", "/channel"]);
    }
}
