//! What does not fit a schema, in words of our own: with the schema's values where they help, never with those of the
//! payload.

use std::fmt;

use jsonschema::{
    ErrorIterator, ValidationError,
    error::{TypeKind, ValidationErrorKind as Kind},
};
use serde_json::Value;

use super::{
    document::child,
    validate::{kind_of, plain, type_word},
};

/// Violations that are listed: what somebody reads. The rest is counted.
pub(super) const VIOLATIONS_MAX: usize = 50;

/// Characters of a pointer, and of a sentence: both may hold names as long as a payload.
const CHARS_MAX: usize = 400;

/// Forms within forms that are looked into.
const DEPTH_MAX: u8 = 8;

/// Something in a payload that does not fit its schema.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Violation {
    /// Where it stands in the payload: a JSON pointer (RFC 6901).
    pub pointer: String,
    /// What is wrong. Never a value of the payload.
    pub says: String,
}

/// What in a payload does not fit its schema.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Violations {
    /// The first ones; at least one.
    pub listed: Vec<Violation>,
    /// How many more there are; none where that was not looked for.
    pub more: Option<usize>,
}

/// Of a payload: all that is listed.
pub(super) fn listed(errors: ErrorIterator<'_>) -> Violations {
    let all = told(errors);
    let more = Some(all.len().saturating_sub(VIOLATIONS_MAX));
    Violations { listed: all.into_iter().take(VIOLATIONS_MAX).collect(), more }
}

/// Of a large payload: the first.
pub(super) fn one(error: &ValidationError<'_>) -> Violations {
    let mut listed = Vec::new();
    tell(error, 0, &mut listed);
    listed.truncate(1);
    Violations { listed, more: None }
}

/// Of a schema.
pub(super) fn meta_mistakes(schema: &Value) -> Vec<Violation> {
    told(jsonschema::draft202012::meta::validator().iter_errors(schema))
}

/// Each once: a schema may demand the same thing twice.
fn told(errors: ErrorIterator<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    errors.for_each(|error| tell(&error, 0, &mut found));
    let mut seen = std::collections::HashSet::new();
    found.retain(|it: &Violation| seen.insert((it.pointer.clone(), it.says.clone())));
    found
}

fn tell(error: &ValidationError<'_>, depth: u8, found: &mut Vec<Violation>) {
    let at = error.instance_path().as_str();
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let each =
                unexpected.iter().map(|key| Violation::new(&child(at, key), "is not allowed"));
            found.extend(each);
        }
        Kind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            found.push(Violation::new(&child(at, key), "is missing"));
        }
        Kind::PropertyNames { error } => {
            let key = error.instance().as_str().unwrap_or_default();
            let mut inner = Vec::new();
            if depth < DEPTH_MAX {
                tell(error, depth + 1, &mut inner);
            }
            let says = inner.first().map_or("", |it| it.says.as_str());
            found.push(Violation::new(&child(at, key), format!("is no right key: {says}")));
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            let meant = only(context, |error| is_of_another_form(error, at));
            let meant = meant.or_else(|| only(context, |error| is_of_another_type(error, at)));
            match meant {
                Some(branch) if depth < DEPTH_MAX => {
                    branch.iter().for_each(|error| tell(error, depth + 1, found));
                }
                Some(_) | None => {
                    let says = "is not right: it fits none of the forms that are allowed";
                    found.push(Violation::new(at, says));
                }
            }
        }
        kind => found.push(Violation::new(at, says(kind, error.instance()))),
    }
}

/// The one form that is meant; none where there are several.
fn only<'c>(
    context: &'c [Vec<ValidationError<'static>>],
    rules_out: impl Fn(&ValidationError<'static>) -> bool,
) -> Option<&'c Vec<ValidationError<'static>>> {
    let mut meant = context.iter().filter(|branch| !branch.iter().any(&rules_out));
    meant.next().filter(|_| meant.next().is_none())
}

fn is_of_another_type(error: &ValidationError<'_>, at: &str) -> bool {
    matches!(error.kind(), Kind::Type { .. }) && error.instance_path().as_str() == at
}

/// Or has another word where a word says which form is meant.
fn is_of_another_form(error: &ValidationError<'_>, at: &str) -> bool {
    let place = error.instance_path().as_str();
    let is_near = place.strip_prefix(at).is_some_and(|below| below.matches('/').count() <= 1);
    let is_word = matches!(error.kind(), Kind::Constant { .. } | Kind::Enum { .. });
    (is_word && is_near) || is_of_another_type(error, at)
}

fn says(kind: &Kind, instance: &Value) -> String {
    match kind {
        Kind::Type { kind: wanted } => {
            let wanted: Vec<_> = match wanted {
                TypeKind::Single(one) => vec![type_word(one.as_str()).to_owned()],
                TypeKind::Multiple(some) => {
                    some.iter().map(|one| type_word(one.as_str()).to_owned()).collect()
                }
            };
            let found = if instance.is_null() { "null" } else { kind_of(instance) };
            format!("is {found}: {} would be right", wanted.join(" or "))
        }
        Kind::FalseSchema => "is not allowed".to_owned(),
        Kind::Not { .. } => "is what it must not be".to_owned(),
        Kind::Contains => "has no item as it is to have one".to_owned(),
        Kind::UnevaluatedItems { .. } | Kind::AdditionalItems { .. } => {
            "has more items than are allowed".to_owned()
        }
        Kind::MultipleOf { multiple_of } => format!("is not a multiple of {multiple_of}"),
        Kind::ExclusiveMinimum { limit } => format!("is not more than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("is not less than {limit}"),
        Kind::MinProperties { limit } => format!("has less than {limit} keys"),
        kind => plain(kind),
    }
}

// === impl Violation ===

impl Violation {
    pub(super) fn new(pointer: &str, says: impl Into<String>) -> Self {
        Self { pointer: short(pointer.to_owned()), says: short(says.into()) }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.pointer, self.says)
    }
}

// === impl Violations ===

impl Violations {
    pub(super) fn only(violation: Violation) -> Self {
        Self { listed: vec![violation], more: Some(0) }
    }

    /// That these are not all; none where they are.
    #[must_use]
    pub fn more(&self) -> Option<String> {
        match self.more {
            Some(0) => None,
            Some(count) => Some(format!("{count} more are not listed")),
            None => Some("it is too large for more to be looked for".to_owned()),
        }
    }
}

impl fmt::Display for Violations {
    /// A line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, violation) in self.listed.iter().enumerate() {
            write!(f, "{}{violation}", if place == 0 { "" } else { "\n" })?;
        }
        self.more().map_or(Ok(()), |more| write!(f, "\n{more}"))
    }
}

fn short(text: String) -> String {
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
