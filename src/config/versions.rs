//! `versions`: what a target speaks, and what its owner knows of each: since when it is old, when it ends, what follows.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use fanfare_sdk::{Profile, Timestamp, Version, check};
use jiff::{civil::Date, tz::TimeZone};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{
    body::BodySetting,
    classify::{self, RuleSettings},
    document::child,
    issues::Issues,
    text::TextSetting,
};
use crate::{
    mapping::{Dialect, Text},
    report::Notice,
};

/// What a moment looks like, as a regular expression (RFC 3339).
pub(super) const MOMENT_PATTERN: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2}))?$";

/// What would be right.
pub(super) const MOMENT_RIGHT: &str =
    "`2027-06-30` or `2027-06-30T12:00:00Z` (RFC 3339) would be right";

/// A version: its name, or a map where more is known of it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a name or a map with `name`")]
pub(super) enum VersionSetting {
    /// Its name.
    Name(#[schemars(length(min = 1, max = 256))] String),
    /// What is known of it.
    Known(Box<VersionMap>),
}

/// What is known of a version.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VersionMap {
    /// The version as it is sent.
    #[schemars(length(min = 1, max = 256))]
    pub(super) name: String,
    /// Since when it is deprecated, or from when on. A date is the beginning of that day in UTC.
    #[serde(default)]
    pub(super) deprecated: Option<Moment>,
    /// When it is likely to be gone.
    #[serde(default)]
    pub(super) sunset: Option<Moment>,
    /// The version that follows, or where it is.
    #[serde(default)]
    #[schemars(length(min = 1, max = 2_000))]
    pub(super) successor: Option<String>,
    /// The URL of what there is to read about the change.
    #[serde(default)]
    pub(super) guide: Option<String>,
    /// What its requests carry, in place of the target's `body`.
    #[serde(default)]
    pub(super) body: Option<BodySetting>,
    /// Headers of its requests: text, or a jq expression over the payload. They take the place of those of the same names.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, TextSetting>,
    /// Added to the query of its requests, percent-encoded: text, or a jq expression over the payload.
    #[serde(default)]
    pub(super) query: BTreeMap<String, TextSetting>,
    /// What its replies mean: asked before the target's `classify`.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub(super) classify: Vec<RuleSettings>,
}

/// A date or a date-time as people write it (RFC 3339), not checked yet.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct Moment(String);

// === impl VersionSetting ===

impl VersionSetting {
    /// Its name.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Known(map) => &map.name,
        }
    }

    /// The names, in their order.
    pub(super) fn names(all: &[Self]) -> Vec<Version> {
        all.iter().map(|setting| setting.name().into()).collect()
    }

    /// What is said differently to some of them; `issues` stands at the target.
    pub(super) fn dialects(
        all: &[Self],
        profile: Option<&Profile>,
        issues: &mut Issues<'_>,
    ) -> Vec<(Version, Dialect)> {
        let mut issues = issues.at("versions");
        let dialect = |(at, setting): (usize, &Self)| match setting {
            Self::Name(_) => None,
            Self::Known(map) => {
                let dialect = map.dialect(profile, &mut issues.at(&at.to_string()))?;
                Some((map.name.as_str().into(), dialect))
            }
        };
        all.iter().enumerate().filter_map(dialect).collect()
    }

    /// What is known of them beyond their names. Says where a name stands twice, and which dates make no sense.
    pub(super) fn known(all: &[Self], issues: &mut Issues<'_>) -> BTreeMap<Version, Arc<Notice>> {
        let mut known = BTreeMap::new();
        for (at, setting) in all.iter().enumerate() {
            let name = setting.name();
            let key = if matches!(setting, Self::Name(_)) { "" } else { "/name" };
            let pointer = format!("{}{key}", child(&issues.pointer, &at.to_string()));
            if name.chars().any(char::is_control) || name.trim() != name {
                issues.push_at(
                    &pointer,
                    "is no version: it begins or ends with a space, or has a control character",
                );
            } else if matches!(name, "." | "..") {
                issues.push_at(&pointer, "is no version: in a path it would lead elsewhere");
            }
            let twice = all[..at].iter().any(|other| other.name() == name);
            let notice = match setting {
                Self::Name(_) if twice => {
                    issues.push(&at.to_string(), "stands there twice");
                    continue;
                }
                Self::Name(_) => continue,
                Self::Known(map) => {
                    let mut here = issues.at(&at.to_string());
                    if twice {
                        here.push("name", "stands there twice");
                    }
                    map.check_successor(all, &mut here);
                    map.notice(&mut here)
                }
            };
            if let Some(notice) = notice {
                known.insert(name.into(), Arc::new(notice));
            }
        }
        known
    }
}

impl VersionMap {
    /// What follows may be a version that is not spoken yet: but not itself, and none that differs by its letters only.
    fn check_successor(&self, all: &[VersionSetting], issues: &mut Issues<'_>) {
        let Some(successor) = &self.successor else { return };
        let mut names = all.iter().map(VersionSetting::name);
        if *successor == self.name {
            issues.push("successor", "follows itself: another version would be right");
        } else if !names.clone().any(|name| name == successor)
            && let Some(meant) = names.find(|name| name.eq_ignore_ascii_case(successor))
        {
            let says = format!("is none of these `versions`: did you mean `{meant}`?");
            issues.push("successor", says);
        }
    }

    /// What is said differently to it; none where nothing is.
    fn dialect(&self, profile: Option<&Profile>, issues: &mut Issues<'_>) -> Option<Dialect> {
        let Self { body, headers, query, classify, .. } = self;
        if body.is_none() && headers.is_empty() && query.is_empty() && classify.is_empty() {
            return None;
        }
        let mut dialect = Dialect {
            body: body.as_ref().and_then(|body| body.body(issues)),
            rules: classify::rules(classify, (profile, true), &mut issues.at("classify")),
            ..Dialect::default()
        };
        let mut here = issues.at("headers");
        for (typed, setting) in headers {
            let name = here.take(typed, check::header_name(typed));
            if name.as_ref().is_some_and(|name| dialect.headers.iter().any(|(it, _)| it == name)) {
                here.push(typed, "is there twice: names of headers ignore case");
            }
            let text = setting.text(typed, &mut here);
            if let (Some(name), Some(Text::Fixed(value))) = (&name, &text) {
                here.take(typed, check::header_value(name, value));
            }
            dialect.headers.extend(name.zip(text));
        }
        let mut here = issues.at("query");
        for (key, setting) in query {
            if check::is_secret_query_key(key) {
                let says = "looks like a secret's key: use `auth` (api_key), which keeps it secret";
                here.push(key, says);
            }
            dialect.query.extend(setting.text(key, &mut here).map(|text| (key.clone(), text)));
        }
        Some(dialect)
    }

    /// What is known of it; none where that is only its name.
    fn notice(&self, issues: &mut Issues<'_>) -> Option<Notice> {
        let mut read = |key: &str, moment: &Option<Moment>| {
            let moment = moment.as_ref()?;
            issues.take(key, moment.read())
        };
        let mut notice = Notice::default();
        notice.deprecated_at = read("deprecated", &self.deprecated);
        notice.deprecated = notice.deprecated_at.is_some();
        notice.sunset = read("sunset", &self.sunset);
        if notice.deprecated_at.zip(notice.sunset).is_some_and(|(from, to)| to < from) {
            issues.push("sunset", "is before `deprecated`: a version ends after it is deprecated");
        }
        notice.successor = self.successor.as_ref().and_then(|successor| {
            let is_url = successor.contains("://");
            let checked = if is_url { shown(successor).map(drop) } else { Ok(()) };
            let plain = !successor.chars().any(char::is_control);
            let checked = checked.and(plain.then_some(()).ok_or("has a control character"));
            issues.take("successor", checked.map(|()| successor.clone()))
        });
        notice.documentation =
            self.guide.as_ref().and_then(|guide| issues.take("guide", shown(guide)));
        (notice != Notice::default()).then_some(notice)
    }
}

/// A URL that people are shown: it has no secret in its beginning.
fn shown(text: &str) -> Result<String, &'static str> {
    let url = url::Url::parse(text).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.ok_or("is no URL: `https://…` would be right")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has user info, which would be shown: leave it out");
    }
    Ok(url.into())
}

// === impl Moment ===

impl Moment {
    fn read(&self) -> Result<Timestamp, String> {
        let text = self.0.as_str();
        let at = match text.parse::<jiff::Timestamp>() {
            Ok(at) => Some(at),
            Err(_) if text.len() == "2027-06-30".len() => text
                .parse::<Date>()
                .ok()
                .and_then(|day| Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())),
            Err(_) => None,
        };
        at.map(|at| Timestamp::from_secs(at.as_second()))
            .ok_or_else(|| format!("is not in the calendar: {MOMENT_RIGHT}"))
    }
}

impl JsonSchema for Moment {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Moment".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": MOMENT_PATTERN })
    }
}
