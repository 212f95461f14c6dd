//! `fallback`: what is done when a way has failed for good, for which failures, and how patiently.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use fanfare_sdk::{Endpoint, Span, TargetKind};
use http::{HeaderMap, HeaderName, HeaderValue};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{document::child, issues::Issues, retry::RetrySettings};
use crate::{
    policy::{Condition, FallbackRule, FallbackTo, Park},
    report::CapturedReply,
};

/// Bytes of a canned reply: it stands in every report that it is in.
const REPLY_BYTES_MAX: usize = 64 << 10;

/// One fallback: the word `version`, or a map with more to say.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged, expecting = "`version` or a map")]
pub(super) enum FallbackSetting {
    /// The next version, when the API rejects one.
    Version(VersionWord),
    /// With more to say.
    Detailed(Box<FallbackMap>),
}

/// The word `version`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum VersionWord {
    /// The next version.
    Version,
}

/// The word `next`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum NextWord {
    /// The next version.
    Next,
}

/// One of `version`, `endpoint`, `target`, `reply` and `park`, and when it is taken.
#[derive(Clone, PartialEq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FallbackMap {
    /// The next version: `next`.
    #[serde(default)]
    pub(super) version: Option<NextWord>,
    /// Another endpoint of the same API.
    #[serde(default)]
    pub(super) endpoint: Option<String>,
    /// Another target stands in.
    #[serde(default)]
    pub(super) target: Option<String>,
    /// This reply stands in: the outcome is `substituted`. It counts as a success on routes that say so.
    #[serde(default)]
    pub(super) reply: Option<ReplySettings>,
    /// Later: a dead letter that a daemon sends again by itself.
    #[serde(default)]
    pub(super) park: Option<ParkSettings>,
    /// The failures that it is for: codes of reasons, meanings and errors as in reports, statuses, or classes like `5xx`. All
    /// against which it may help unless set.
    #[serde(default)]
    #[schemars(length(min = 1, max = 64))]
    pub(super) on: Option<Vec<ConditionWord>>,
    /// How often and how patiently that way is tried; as the target is unless set.
    #[serde(default)]
    pub(super) retry: Option<RetrySettings>,
    /// How long one attempt on that way may take; as at the target unless set.
    #[serde(default)]
    pub(super) timeout: Option<Span>,
}

/// A reply that stands in.
#[derive(Clone, PartialEq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ReplySettings {
    /// Its status.
    #[schemars(range(min = 100, max = 599))]
    pub(super) status: Option<u16>,
    /// Its headers.
    pub(super) headers: BTreeMap<String, String>,
    /// Its body, as JSON.
    pub(super) body: Option<Value>,
}

/// When a dead letter is sent again.
#[derive(Clone, PartialEq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ParkSettings {
    /// After that time.
    pub(super) r#for: Span,
    /// How often at most; then it is a dead letter like any other.
    #[serde(default = "once")]
    #[schemars(range(min = 1, max = 1_000), extend("x-reason" = "what fails twice needs somebody who looks at it"))]
    pub(super) times: u32,
}

fn once() -> u32 {
    1
}

/// A failure: a code, a status, or a class of them. A status may be written as a number.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub(super) enum ConditionWord {
    Status(u16),
    Word(String),
}

// === impl FallbackSetting ===

impl FallbackSetting {
    /// With all there is to say.
    pub(super) fn detailed(&self) -> Cow<'_, FallbackMap> {
        match self {
            Self::Version(VersionWord::Version) => {
                Cow::Owned(FallbackMap { version: Some(NextWord::Next), ..FallbackMap::default() })
            }
            Self::Detailed(map) => Cow::Borrowed(map),
        }
    }

    /// The stand-in.
    pub(super) fn target(&self) -> Option<&String> {
        match self {
            Self::Version(_) => None,
            Self::Detailed(map) => map.target.as_ref(),
        }
    }

    /// The rules of all of them, and what is wrong with them.
    pub(super) fn rules(
        all: &[Self],
        (written, whole): (&Value, bool),
        kind: &dyn TargetKind,
        issues: &mut Issues<'_>,
    ) -> Vec<FallbackRule> {
        let mut rules: Vec<FallbackRule> = Vec::new();
        let mut ends = None;
        for (at, setting) in all.iter().enumerate() {
            let mut here = issues.at(&at.to_string());
            let pointer = here.pointer.clone();
            let map = setting.detailed();
            // What was taken out has its message already.
            if !whole && map.names_nothing() {
                continue;
            }
            let Some(rule) = map.rule((&written[at], kind), &mut here) else { continue };
            if let Some(first) = ends {
                let says = format!("is never reached: `fallback.{first}` always ends the delivery");
                issues.push_at(&pointer, says);
            } else if rules.iter().any(|other| other.to == rule.to) {
                issues.push_at(&pointer, "stands there twice");
            }
            let is_end = matches!(rule.to, FallbackTo::Reply(_) | FallbackTo::Park(_))
                && !issues.is_wrong(&child(&pointer, "on"));
            ends = ends.or((is_end && rule.on.is_empty()).then_some(at));
            rules.push(rule);
        }
        rules
    }
}

impl FallbackMap {
    /// The ways that it names: one is right.
    fn named(&self) -> Vec<&'static str> {
        let ways = [
            ("version", self.version.is_some()),
            ("endpoint", self.endpoint.is_some()),
            ("target", self.target.is_some()),
            ("reply", self.reply.is_some()),
            ("park", self.park.is_some()),
        ];
        ways.into_iter().filter(|(_, is_there)| *is_there).map(|(way, _)| way).collect()
    }

    fn names_nothing(&self) -> bool {
        self.named().is_empty()
    }

    fn rule(
        &self,
        (written, kind): (&Value, &dyn TargetKind),
        issues: &mut Issues<'_>,
    ) -> Option<FallbackRule> {
        let named = self.named();
        let pointer = issues.pointer.clone();
        let [way] = named[..] else {
            issues.push_at(&pointer, if named.is_empty() {
                "names no way: one of `version`, `endpoint`, `target`, `reply` and `park` would be right"
            } else {
                "names several ways: one of `version`, `endpoint`, `target`, `reply` and `park` would be right"
            });
            return None;
        };
        let on = self.conditions(issues);
        let mut retry = None;
        if let Some(own) = &self.retry {
            let mut issues = issues.at("retry");
            if written["retry"].get("budget").is_some() {
                issues.push("budget", "belongs to the whole target: not to a fallback");
            }
            retry = Some(own.policy(&written["retry"], &mut issues));
        }
        if self.timeout.is_some_and(|timeout| timeout.0.is_zero()) {
            issues.push("timeout", "is nothing: longer than zero would be right");
        }
        if ["reply", "park"].contains(&way) {
            for (key, is_there) in [("retry", retry.is_some()), ("timeout", self.timeout.is_some())]
            {
                if is_there {
                    issues.push(key, format!("cannot stand beside `{way}`: nothing is sent"));
                }
            }
        }
        let to = self.to(kind, issues)?;
        Some(FallbackRule { to, on, retry, timeout: self.timeout.map(|timeout| timeout.0) })
    }

    fn to(&self, kind: &dyn TargetKind, issues: &mut Issues<'_>) -> Option<FallbackTo> {
        if let Some(url) = &self.endpoint {
            let endpoint = Endpoint::from(url.as_str());
            for says in kind.check_endpoint(&endpoint).err().unwrap_or_default() {
                issues.push("endpoint", says);
            }
            return Some(FallbackTo::Endpoint(endpoint));
        }
        if let Some(name) = &self.target {
            return Some(FallbackTo::Target(name.as_str().into()));
        }
        if let Some(reply) = &self.reply {
            return reply.reply(&mut issues.at("reply")).map(FallbackTo::Reply);
        }
        if let Some(park) = &self.park {
            if park.r#for.0.is_zero() {
                issues.at("park").push("for", "is nothing: longer than zero would be right");
            }
            return Some(FallbackTo::Park(Park { wait: park.r#for.0, times: park.times }));
        }
        self.version.map(|NextWord::Next| FallbackTo::Version)
    }

    fn conditions(&self, issues: &mut Issues<'_>) -> Vec<Condition> {
        let mut conditions = Vec::new();
        for (at, word) in self.on.iter().flatten().enumerate() {
            let text = match word {
                ConditionWord::Status(status) => status.to_string(),
                ConditionWord::Word(word) => word.clone(),
            };
            match Condition::parse(&text) {
                Some(condition) if conditions.contains(&condition) => {
                    issues.at("on").push(&at.to_string(), "stands there twice");
                }
                Some(condition) => conditions.push(condition),
                None => {
                    let known: Vec<_> = Condition::codes().into_iter().map(str::to_owned).collect();
                    let meant = super::nearest::nearest(&text, &known);
                    let meant = meant.map_or_else(
                        || "`connect`, `breaker`, `503` or `5xx` would be right".to_owned(),
                        |meant| format!("did you mean `{meant}`?"),
                    );
                    issues.at("on").push(&at.to_string(), format!("is no failure: {meant}"));
                }
            }
        }
        conditions
    }
}

impl ReplySettings {
    fn reply(&self, issues: &mut Issues<'_>) -> Option<Arc<CapturedReply>> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                (Ok(name), Ok(value)) => drop(headers.insert(name, value)),
                (Err(_), _) => issues.at("headers").push(name, "is not the name of a header"),
                (_, Err(_)) => issues.at("headers").push(name, "is not the value of a header"),
            }
        }
        let body = self.body.as_ref().map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        if body.len() > REPLY_BYTES_MAX {
            issues.push("body", format!("has more than {REPLY_BYTES_MAX} bytes as JSON"));
            return None;
        }
        let status = Some(self.status.unwrap_or(200));
        Some(Arc::new(CapturedReply { status, headers, body, ..CapturedReply::default() }))
    }
}

impl JsonSchema for ConditionWord {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Condition".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer"],
            "minimum": 100,
            "maximum": 599,
            "examples": Condition::codes(),
        })
    }
}
