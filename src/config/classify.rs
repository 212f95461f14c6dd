//! `classify`: what replies mean, where the target's kind does not know it.

use std::{collections::BTreeMap, ops::RangeInclusive};

use fanfare_sdk::{Capture, Effect, Meaning, Profile, check};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{build::filter, document::child, issues::Issues, text::TextSetting};
use crate::mapping::{HeaderTest, Rule, Rules, Text};

/// One rule: where all its conditions hold, a reply means what it says.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleSettings {
    /// What the report calls it; else `rule` and its number, from 1.
    #[serde(default)]
    #[schemars(length(min = 1, max = 64))]
    name: Option<String>,
    /// A status, or several: `429`, `4xx`, `500-504`, a list of them.
    #[serde(default)]
    status: Option<StatusesSetting>,
    /// Headers of the reply, all of them: the text that one has to be, or a map.
    #[serde(default)]
    headers: BTreeMap<String, HeaderSetting>,
    /// A jq expression over `{status, headers, body, truncated}` of the reply that gives anything but `false` and `null`.
    #[serde(default)]
    jq: Option<String>,
    /// What the reply means.
    meaning: MeaningSetting,
    /// Whether the API may have acted. Left out, it follows from `meaning`: a success was `applied`, a refusal
    /// (`throttled`, `unauthorized`, `version_rejected`, `target_disabled`) was not, and `retry` and `permanent` are
    /// `unknown` unless the status says that nothing was done.
    #[serde(default)]
    #[schemars(extend("x-reason" = "only its owner knows that an API that says no has done nothing"))]
    effect: Option<EffectSetting>,
    /// What the report says of it: a code, or a map.
    #[serde(default)]
    reason: Option<ReasonSetting>,
    /// A jq expression over the reply: how long to wait, in seconds, or as a text like `6m0s` or a date. Without it, the
    /// headers say it.
    #[serde(default)]
    retry_after: Option<String>,
}

/// A status, or several.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum StatusesSetting {
    /// One of them.
    One(StatusSetting),
    /// Any of these.
    Several(#[schemars(length(min = 1, max = 64))] Vec<StatusSetting>),
}

/// A status, or a range.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum StatusSetting {
    /// Exactly that.
    Exactly(u16),
    /// `4xx`, `500-504`.
    Range(String),
}

/// What a header has to be.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum HeaderSetting {
    /// Exactly that.
    Equals(String),
    /// As the map says.
    Test(HeaderTestSetting),
}

/// What a header has to be, in a map.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum HeaderTestSetting {
    /// Exactly that.
    Equals(String),
    /// Matched by that regular expression, somewhere.
    Matches(String),
    /// There, or not.
    Present(bool),
}

/// What a reply means.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum MeaningSetting {
    Success,
    Retry,
    Throttled,
    Unauthorized,
    VersionRejected,
    TargetDisabled,
    Permanent,
}

/// Whether the API may have acted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum EffectSetting {
    None,
    Applied,
    Unknown,
}

/// What the report says of a reply.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum ReasonSetting {
    /// The code.
    Code(String),
    /// More than that.
    Map(ReasonMap),
}

/// What the report says of a reply, in a map.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReasonMap {
    /// In a word: text, or a jq expression over the reply.
    #[serde(default)]
    code: Option<TextSetting>,
    /// In a line: text, or a jq expression over the reply.
    #[serde(default)]
    message: Option<TextSetting>,
}

/// The rules below the key at which `issues` stands.
pub(super) fn rules(
    settings: &[RuleSettings],
    (profile, has_versions): (Option<&Profile>, bool),
    issues: &mut Issues<'_>,
) -> Rules {
    let unknown = Profile::default();
    let capture = profile.unwrap_or(&unknown).capture;
    let mut rules = Vec::with_capacity(settings.len());
    for (at, setting) in settings.iter().enumerate() {
        let mut here = issues.at(&at.to_string());
        if at > 0 && settings[at - 1].is_unconditional() {
            let pointer = here.pointer.clone();
            here.push_at(&pointer, "is never asked: the rule before it fits every reply");
        }
        if capture == Capture::Head && setting.jq.as_ref().is_some_and(|jq| jq.contains("body")) {
            here.push("jq", "looks at a body of which nothing is kept");
        }
        if setting.meaning == MeaningSetting::VersionRejected && !has_versions {
            here.push("meaning", "is about a version, and there are no `versions`");
        }
        rules.push(setting.rule(at, &mut here));
    }
    let reply_bytes_max = match capture {
        Capture::Head => 0,
        Capture::Whole { bytes_max } => bytes_max,
    };
    Rules::new(rules, reply_bytes_max)
}

// === impl RuleSettings ===

impl RuleSettings {
    fn rule(&self, at: usize, issues: &mut Issues<'_>) -> Rule {
        let name = self.name.clone().unwrap_or_else(|| format!("rule {}", at + 1));
        let mut rule = Rule::new(name, self.meaning.into());
        rule.statuses = self.statuses(issues);
        rule.headers = self.headers(&mut issues.at("headers"));
        rule.when = self.jq(self.jq.as_ref(), "jq", issues);
        rule.retry_after = self.jq(self.retry_after.as_ref(), "retry_after", issues);
        rule.effect = self.effect.map(Effect::from);
        (rule.code, rule.message) = self.reason(issues);
        if let (Some(effect), Some(says)) = (self.effect, self.wrong_effect()) {
            issues.push("effect", format!("cannot be `{}`: {says}", effect.code()));
        }
        rule
    }

    fn is_unconditional(&self) -> bool {
        self.status.is_none() && self.headers.is_empty() && self.jq.is_none()
    }

    fn wrong_effect(&self) -> Option<&'static str> {
        use EffectSetting as E;
        use MeaningSetting as M;
        match (self.meaning, self.effect?) {
            (M::Success, E::None | E::Unknown) => Some("a success was `applied`"),
            (M::Retry | M::Throttled | M::Unauthorized | M::VersionRejected, E::Applied) => {
                Some("what was applied is not tried again; `permanent` would be right")
            }
            (M::Success, E::Applied)
            | (_, E::None | E::Unknown)
            | (M::TargetDisabled | M::Permanent, E::Applied) => None,
        }
    }

    fn jq(
        &self,
        source: Option<&String>,
        key: &str,
        issues: &mut Issues<'_>,
    ) -> Option<crate::mapping::Filter> {
        let pointer = child(&issues.pointer, key);
        filter(source?, &pointer, issues)
    }

    fn statuses(&self, issues: &mut Issues<'_>) -> Vec<RangeInclusive<u16>> {
        let (all, is_list) = match &self.status {
            None => return Vec::new(),
            Some(StatusesSetting::One(one)) => (std::slice::from_ref(one), false),
            Some(StatusesSetting::Several(all)) => (all.as_slice(), true),
        };
        let status = child(&issues.pointer, "status");
        let range = |(at, written): (usize, &StatusSetting)| {
            let range = written.range();
            if range.is_none() {
                let pointer =
                    if is_list { child(&status, &at.to_string()) } else { status.clone() };
                let right = "`429`, `4xx` or `500-504` would be right";
                issues.push_at(&pointer, format!("is no status from 100 to 599: {right}"));
            }
            range
        };
        all.iter().enumerate().filter_map(range).collect()
    }

    fn headers(&self, issues: &mut Issues<'_>) -> Vec<(http::HeaderName, HeaderTest)> {
        let mut headers = Vec::new();
        for (typed, setting) in &self.headers {
            let test = match setting {
                HeaderSetting::Equals(text)
                | HeaderSetting::Test(HeaderTestSetting::Equals(text)) => {
                    Some(HeaderTest::Equals(text.clone()))
                }
                HeaderSetting::Test(HeaderTestSetting::Matches(pattern)) => {
                    issues.at(typed).take("matches", HeaderTest::matches(pattern))
                }
                HeaderSetting::Test(HeaderTestSetting::Present(true)) => Some(HeaderTest::Present),
                HeaderSetting::Test(HeaderTestSetting::Present(false)) => Some(HeaderTest::Absent),
            };
            headers.extend(issues.take(typed, check::header_name(typed)).zip(test));
        }
        headers
    }

    fn reason(&self, issues: &mut Issues<'_>) -> (Option<Text>, Option<Text>) {
        let mut issues = issues.at("reason");
        match &self.reason {
            None => (None, None),
            Some(ReasonSetting::Code(code)) => (Some(Text::Fixed(code.clone())), None),
            Some(ReasonSetting::Map(map)) => {
                let code = map.code.as_ref().and_then(|it| it.text("code", &mut issues));
                (code, map.message.as_ref().and_then(|it| it.text("message", &mut issues)))
            }
        }
    }
}

impl StatusSetting {
    fn range(&self) -> Option<RangeInclusive<u16>> {
        let range = match self {
            Self::Exactly(status) => *status..=*status,
            Self::Range(text) => parse(text.trim())?,
        };
        (*range.start() >= 100 && *range.end() <= 599 && range.start() <= range.end())
            .then_some(range)
    }
}

/// `4xx`, `500-504`, `429`.
fn parse(text: &str) -> Option<RangeInclusive<u16>> {
    let number = |text: &str| {
        let digits = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|_| digits)
    };
    if let Some(hundred) = text.strip_suffix("xx").or_else(|| text.strip_suffix("XX")) {
        let first = number(&format!("{hundred}00"))?;
        return Some(first..=first + 99);
    }
    match text.split_once('-') {
        Some((from, to)) => Some(number(from.trim())?..=number(to.trim())?),
        None => number(text).map(|status| status..=status),
    }
}

impl EffectSetting {
    const fn code(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Applied => "applied",
            Self::Unknown => "unknown",
        }
    }
}

impl From<EffectSetting> for Effect {
    fn from(setting: EffectSetting) -> Self {
        match setting {
            EffectSetting::None => Self::None,
            EffectSetting::Applied => Self::Applied,
            EffectSetting::Unknown => Self::Unknown,
        }
    }
}

impl From<MeaningSetting> for Meaning {
    fn from(setting: MeaningSetting) -> Self {
        match setting {
            MeaningSetting::Success => Self::Success,
            MeaningSetting::Retry => Self::Retry,
            MeaningSetting::Throttled => Self::Throttled,
            MeaningSetting::Unauthorized => Self::Unauthorized,
            MeaningSetting::VersionRejected => Self::VersionRejected,
            MeaningSetting::TargetDisabled => Self::TargetDisabled,
            MeaningSetting::Permanent => Self::Permanent,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert_eq, proptest};

    use super::{StatusSetting, parse};

    #[test]
    fn statuses_are_read_as_people_write_them() {
        #[track_caller]
        fn check(text: &str, expected: Option<(u16, u16)>) {
            let found = StatusSetting::Range(text.to_owned()).range();
            assert_eq!(found.map(|range| (*range.start(), *range.end())), expected, "{text}");
        }
        check("4xx", Some((400, 499)));
        check("5XX", Some((500, 599)));
        check("500-504", Some((500, 504)));
        check(" 500 - 504 ", Some((500, 504)));
        check("429", Some((429, 429)));
        for wrong in
            ["", "xx", "6xx", "0xx", "44xx", "504-500", "99", "600", "4x", "4xx-5xx", "-", "+20"]
        {
            check(wrong, None);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_range_of_statuses_or_none(text in "\\PC*") {
            if let Some(range) = StatusSetting::Range(text).range() {
                assert!(*range.start() >= 100 && range.start() <= range.end() && *range.end() <= 599);
            }
        }

        #[test]
        fn a_range_is_read_as_it_was_written(from in 100_u16..600, to in 100_u16..600) {
            prop_assert_eq!(parse(&format!("{from}-{to}")), Some(from..=to));
        }
    }
}
