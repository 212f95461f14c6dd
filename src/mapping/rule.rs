//! What a reply means, by rules that were written down for its target: status, headers, and jq over the whole of it.

use std::{fmt, ops::RangeInclusive};

use fanfare_mapping::{Filter, Limits, RunError};
use fanfare_sdk::{
    Classification, Effect, Judgement, Meaning, Reply, RetryAfter, quota_used_up, retry_after,
    retry_after_of,
};
use http::{HeaderMap, HeaderName};
use regex::{Regex, RegexBuilder};

use super::{Text, reply_input::ReplyInput};

/// Bytes of a compiled pattern: a pattern, not a program.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// Bytes of the code that a reply gives for what is wrong: a word.
const CODE_BYTES_MAX: usize = 100;

/// Bytes of what a reply says about it: a line, not a page.
const MESSAGE_BYTES_MAX: usize = 300;

/// Bytes of the text that says how long to wait.
const WAIT_BYTES_MAX: usize = 100;

/// The code of a reply whose meaning cannot be known.
const UNCLEAR: &str = "unclear";

/// One rule: where all its conditions hold, the reply means what it says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rule {
    /// What the report calls it.
    pub name: String,
    /// One of these statuses; empty is any, or none.
    pub statuses: Vec<RangeInclusive<u16>>,
    /// All of these headers.
    pub headers: Vec<(HeaderName, HeaderTest)>,
    /// An expression over `{status, headers, body, truncated}` that gives anything but `false` and `null`.
    pub when: Option<Filter>,
    /// What it means.
    pub meaning: Meaning,
    /// Whether the API may have acted; none is what the meaning says of it.
    pub effect: Option<Effect>,
    /// What the API calls it.
    pub code: Option<Text>,
    /// What the API says about it.
    pub message: Option<Text>,
    /// How long to wait: seconds, or a text that says so.
    pub retry_after: Option<Filter>,
}

/// What a header has to be. Its `Debug` does not show it.
#[derive(Clone)]
pub enum HeaderTest {
    /// There.
    Present,
    /// Not there.
    Absent,
    /// Exactly that, in one of its lines.
    Equals(String),
    /// Matched by that, somewhere in one of its lines.
    Matches(Regex),
}

/// Rules in their order: the first that fits says what a reply means.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    rules: Vec<Rule>,
    /// Bytes of a reply that are kept: what is cut there is cut again the next time.
    reply_bytes_max: usize,
}

/// Whether a rule fits a reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fit {
    Yes,
    No,
    /// What it looks at was cut off, or takes too long.
    Unclear,
}

// === impl HeaderTest ===

impl HeaderTest {
    /// Matched by that pattern.
    ///
    /// # Errors
    /// When it is no pattern, or too large a one.
    pub fn matches(pattern: &str) -> Result<Self, String> {
        let built = RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).build();
        built.map(Self::Matches).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "is too large a pattern".to_owned(),
            _ => "is not a pattern (of the crate regex)".to_owned(),
        })
    }

    fn holds(&self, headers: &HeaderMap, name: &HeaderName) -> bool {
        let mut lines =
            headers.get_all(name).iter().map(|it| String::from_utf8_lossy(it.as_bytes()));
        match self {
            Self::Present => lines.next().is_some(),
            Self::Absent => lines.next().is_none(),
            Self::Equals(text) => lines.any(|line| line.trim() == text),
            Self::Matches(pattern) => lines.any(|line| pattern.is_match(&line)),
        }
    }
}

impl fmt::Debug for HeaderTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeaderTest").finish_non_exhaustive()
    }
}

// === impl Rules ===

impl Rules {
    /// These rules in their order, for replies of which so many bytes are kept.
    #[must_use]
    pub fn new(rules: Vec<Rule>, reply_bytes_max: usize) -> Self {
        Self { rules, reply_bytes_max }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What the reply means by the first rule that fits; none where none does.
    ///
    /// Where a rule cannot be decided and the API may have acted, nobody knows what the reply means: a doubt is called
    /// a doubt, and rules behind it are not asked.
    pub(super) fn judge(&self, reply: &Reply, by_kind: Classification) -> Option<Judgement> {
        let input = ReplyInput::of(reply);
        for rule in &self.rules {
            match rule.fits(reply, &input) {
                Fit::Yes => return Some(rule.judgement(reply, &input, by_kind)),
                Fit::Unclear if by_kind.effect != Effect::None => {
                    return Some(self.unclear(rule, reply));
                }
                Fit::Unclear | Fit::No => {}
            }
        }
        None
    }

    /// Another attempt would be cut at the same place where it was the limit that cut it.
    fn unclear(&self, rule: &Rule, reply: &Reply) -> Judgement {
        let body = &reply.body;
        let again = body.is_truncated() && body.bytes().len() < self.reply_bytes_max;
        let meaning = if again { Meaning::Retry } else { Meaning::Permanent };
        Judgement {
            classification: Classification::new(meaning, Effect::Unknown),
            rule: rule.name.clone(),
            code: Some(UNCLEAR.to_owned()),
            message: Some("what this rule looks at was cut off, or is too much".to_owned()),
        }
    }
}

// === impl Rule ===

impl Rule {
    /// Without conditions: every reply means that.
    #[must_use]
    pub fn new(name: impl Into<String>, meaning: Meaning) -> Self {
        Self {
            name: name.into(),
            statuses: Vec::new(),
            headers: Vec::new(),
            when: None,
            meaning,
            effect: None,
            code: None,
            message: None,
            retry_after: None,
        }
    }

    fn fits(&self, reply: &Reply, input: &ReplyInput<'_>) -> Fit {
        let status = |status: u16| self.statuses.iter().any(|range| range.contains(&status));
        if !self.statuses.is_empty() && !reply.head.status.is_some_and(status) {
            return Fit::No;
        }
        let headers = &reply.head.headers;
        if !self.headers.iter().all(|(name, test)| test.holds(headers, name)) {
            return Fit::No;
        }
        let Some(when) = &self.when else { return Fit::Yes };
        match when.test(input.value(), Limits::default()) {
            Ok(true) => Fit::Yes,
            Ok(false) | Err(_) if reply.body.is_truncated() => Fit::Unclear,
            // `.body.error` of a text: what it looks for is not there.
            Ok(false) | Err(RunError::Failed(_) | RunError::NoOutput) => Fit::No,
            Err(_) => Fit::Unclear,
        }
    }

    fn judgement(
        &self,
        reply: &Reply,
        input: &ReplyInput<'_>,
        by_kind: Classification,
    ) -> Judgement {
        let effect = self.effect.unwrap_or_else(|| usual_effect(self.meaning, by_kind.effect));
        let mut classification = Classification::new(self.meaning, effect);
        let headers = &reply.head.headers;
        classification.retry_after = match self.meaning {
            Meaning::Success => quota_used_up(headers),
            _ => self
                .asked(input)
                .or_else(|| retry_after(headers))
                .or_else(|| quota_used_up(headers)),
        };
        let text =
            |text: &Option<Text>, bytes_max| text.as_ref()?.of_reply(input.value(), bytes_max);
        Judgement {
            classification,
            rule: self.name.clone(),
            code: text(&self.code, CODE_BYTES_MAX),
            message: text(&self.message, MESSAGE_BYTES_MAX),
        }
    }

    /// How long it asks to be left alone, in its body.
    fn asked(&self, input: &ReplyInput<'_>) -> Option<RetryAfter> {
        let limits = Limits { output_bytes_max: WAIT_BYTES_MAX, ..Limits::default() };
        retry_after_of(&self.retry_after.as_ref()?.run_text(input.value(), limits).ok()??)
    }
}

/// Whether the API may have acted, where a rule does not say. A refusal is one; whatever else is not a success is
/// only where the status says so already.
fn usual_effect(meaning: Meaning, by_kind: Effect) -> Effect {
    match (meaning, by_kind) {
        (Meaning::Success, _) => Effect::Applied,
        (
            Meaning::Throttled
            | Meaning::Unauthorized
            | Meaning::VersionRejected
            | Meaning::TargetDisabled,
            _,
        )
        | (Meaning::Retry | Meaning::Permanent, Effect::None) => Effect::None,
        (Meaning::Retry | Meaning::Permanent, Effect::Applied | Effect::Unknown) => Effect::Unknown,
    }
}
