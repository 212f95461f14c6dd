//! A part of the document against its schema: every mistake, in words of our own, without the values.

use fanfare_sdk::Span;
use jsonschema::{ValidationError, Validator, error::ValidationErrorKind};
use serde_json::{Map, Value};

use super::{
    document::{Places, child},
    nearest::nearest,
    problem::Problem,
    versions::{MOMENT_PATTERN, MOMENT_RIGHT},
};

/// One mistake.
#[derive(Debug)]
pub(super) struct Mistake {
    /// Where, counted from the root of what was validated.
    pub(super) pointer: String,
    pub(super) says: String,
    /// Whether it is the key that is wrong, and not its value.
    pub(super) of_key: bool,
    /// A key that is missing.
    pub(super) missing: bool,
    /// The value has another type than it should: a reference may stand in for it as text.
    pub(super) wrong_type: Option<Wanted>,
}

/// A type that text can be read as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wanted {
    Number,
    Boolean,
}

/// A schema, compiled: many values are held against the same.
#[derive(Debug)]
pub(super) struct Shape {
    schema: Value,
    /// Or why it cannot be: the schema of a plugin; those of our own are tested.
    validator: Result<Validator, String>,
}

impl Shape {
    pub(super) fn new(schema: Value) -> Self {
        let validator = jsonschema::options()
            .with_format(Span::FORMAT, Span::is_within_a_year)
            .should_validate_formats(true)
            .build(&schema)
            .map_err(|error| format!("its kind has no right schema: {error}"));
        Self { schema, validator }
    }

    /// All mistakes of `instance`.
    pub(super) fn mistakes(&self, instance: &Value) -> Vec<Mistake> {
        let validator = match &self.validator {
            Ok(validator) => validator,
            Err(says) => return vec![Mistake::of("", says.clone())],
        };
        let mut found = Vec::new();
        for error in validator.iter_errors(instance) {
            tell(&error, &self.schema, &mut found);
        }
        found
    }
}

/// What a mistake says, with where the document has it.
pub(super) fn problem(mistake: &Mistake, above: &str, places: &Places) -> Problem {
    let pointer = format!("{above}{}", mistake.pointer);
    let place = if mistake.of_key { places.key(&pointer) } else { places.value(&pointer) };
    Problem::new(place, &pointer, mistake.says.clone())
}

fn tell(error: &ValidationError<'_>, schema: &Value, found: &mut Vec<Mistake>) {
    let at = error.instance_path().as_str().to_owned();
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let known = known_keys(schema, error.schema_path().as_str());
            for key in unexpected {
                let says = unknown(key, &known);
                found.push(Mistake { of_key: true, ..Mistake::of(&child(&at, key), says) });
            }
        }
        ValidationErrorKind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            let says = "is missing".to_owned();
            found.push(Mistake {
                missing: true,
                of_key: true,
                ..Mistake::of(&child(&at, key), says)
            });
        }
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            one_of(error, context, schema, found);
        }
        ValidationErrorKind::PropertyNames { error } => {
            let name = error.instance().as_str().unwrap_or_default().to_owned();
            let says = "is not a name: letters, digits, `_`, `.` and `-` would be, 64 at the most";
            found
                .push(Mistake { of_key: true, ..Mistake::of(&child(&at, &name), says.to_owned()) });
        }
        ValidationErrorKind::Type { .. } => {
            let wanted = wanted(schema, error);
            let text = error.instance().as_str().is_some();
            let says = format!(
                "is {}: {} would be right",
                kind_of(error.instance()),
                expected(schema, error)
            );
            found.push(Mistake { wrong_type: wanted.filter(|_| text), ..Mistake::of(&at, says) });
        }
        kind => found.push(Mistake::of(&at, plain(kind))),
    }
}

/// None of several forms fits. The one that comes nearest says what is wrong.
fn one_of(
    error: &ValidationError<'_>,
    context: &[Vec<ValidationError<'static>>],
    schema: &Value,
    found: &mut Vec<Mistake>,
) {
    let here = error.instance_path().as_str();
    let of_this_type = |branch: &Vec<ValidationError<'static>>| {
        !branch.iter().any(|e| {
            e.instance_path().as_str() == here
                && matches!(
                    e.kind(),
                    ValidationErrorKind::Type { .. }
                        | ValidationErrorKind::Constant { .. }
                        | ValidationErrorKind::Enum { .. }
                )
        })
    };
    // A map that names one of several keys is meant as the form of that key.
    let names_it = |branch: &Vec<ValidationError<'static>>| {
        !branch.iter().any(|e| {
            e.instance_path().as_str() == here
                && matches!(e.kind(), ValidationErrorKind::Required { .. })
        })
    };
    let mut leaves = Vec::new();
    collect_branches(context, here, &mut leaves);
    let fitting: Vec<_> = leaves.into_iter().filter(|branch| of_this_type(branch)).collect();
    let named = fitting
        .iter()
        .find(|branch| names_it(branch))
        .or(fitting.first().filter(|_| fitting.len() == 1));
    if let Some(branch) = named {
        branch.iter().for_each(|error| tell(error, schema, found));
        return;
    }
    let here_of = at_path(schema, error.schema_path().as_str());
    if unknown_choice(error.instance(), (here, here_of), found) {
        return;
    }
    let forms = forms(here_of);
    let text = error.instance().is_string();
    let says = match kind_of(error.instance()) {
        // The type may be right, and the word is not.
        _ if text && forms.contains('`') => format!("is not right: {forms} would be"),
        kind => format!("is {kind}: {forms} would be right"),
    };
    let numeric = context.iter().flatten().any(|e| wanted(schema, e) == Some(Wanted::Number));
    let boolean = context.iter().flatten().any(|e| wanted(schema, e) == Some(Wanted::Boolean));
    let wrong_type =
        if numeric { Some(Wanted::Number) } else { boolean.then_some(Wanted::Boolean) };
    let wrong_type = wrong_type.filter(|_| text);
    found.push(Mistake { wrong_type, ..Mistake::of(here, says) });
}

/// A map that names none of the keys that one could be: each of its own is none of them. Says whether it is one.
fn unknown_choice(
    instance: &Value,
    (here, schema): (&str, &Value),
    found: &mut Vec<Mistake>,
) -> bool {
    let (mut forms, mut keys) = (Vec::new(), Vec::new());
    collect(schema, &mut forms, &mut keys);
    let is_strange = |map: &&Map<String, Value>| !map.keys().any(|key| keys.contains(key));
    let map = instance.as_object().filter(|map| !map.is_empty() && keys.len() > 1);
    let Some(map) = map.filter(is_strange) else { return false };
    for key in map.keys() {
        let says = unknown(key, &keys);
        found.push(Mistake { of_key: true, ..Mistake::of(&child(here, key), says) });
    }
    true
}

/// The forms of a value, those of forms within forms beside the others.
fn collect_branches<'c>(
    context: &'c [Vec<ValidationError<'static>>],
    here: &str,
    found: &mut Vec<&'c Vec<ValidationError<'static>>>,
) {
    for branch in context {
        match branch.as_slice() {
            [one] if one.instance_path().as_str() == here => match one.kind() {
                ValidationErrorKind::AnyOf { context }
                | ValidationErrorKind::OneOfNotValid { context } => {
                    collect_branches(context, here, found);
                }
                _ => found.push(branch),
            },
            _ => found.push(branch),
        }
    }
}

/// A mistake that needs no more than its own kind to be told.
pub(super) fn plain(kind: &ValidationErrorKind) -> String {
    match kind {
        ValidationErrorKind::Pattern { pattern } if pattern == Span::PATTERN => {
            format!("is not a duration: {}", Span::RIGHT)
        }
        ValidationErrorKind::Pattern { pattern } if pattern == MOMENT_PATTERN => {
            format!("is not a date: {MOMENT_RIGHT}")
        }
        ValidationErrorKind::Format { format } if format == Span::FORMAT => {
            "is longer than a year".to_owned()
        }
        ValidationErrorKind::Pattern { .. } => "does not have the right form".to_owned(),
        ValidationErrorKind::Enum { options } => format!("is not one of {}", words(options)),
        ValidationErrorKind::Constant { expected_value } => {
            format!("is not right: `{}` would be", bare(expected_value))
        }
        ValidationErrorKind::Minimum { limit } => format!("is less than {limit}"),
        ValidationErrorKind::Maximum { limit } => format!("is more than {limit}"),
        ValidationErrorKind::MinItems { limit } => {
            format!("has less than {limit} {}", items(*limit))
        }
        ValidationErrorKind::MaxItems { limit } => {
            format!("has more than {limit} {}", items(*limit))
        }
        ValidationErrorKind::MaxProperties { limit } => format!("has more than {limit} keys"),
        ValidationErrorKind::MinLength { limit: 1 } => "is empty".to_owned(),
        ValidationErrorKind::MinLength { limit } => format!("has less than {limit} characters"),
        ValidationErrorKind::MaxLength { limit } => format!("has more than {limit} characters"),
        ValidationErrorKind::UniqueItems => "has an item twice".to_owned(),
        ValidationErrorKind::OneOfMultipleValid { .. } => {
            "fits several forms at once: keep one".to_owned()
        }
        other => format!("does not fit its schema ({})", other.keyword()),
    }
}

fn items(count: u64) -> &'static str {
    if count == 1 { "item" } else { "items" }
}

/// `unknown key; did you mean …?`
pub(super) fn unknown(key: &str, known: &[String]) -> String {
    match (nearest(key, known), known) {
        (Some(meant), _) => format!("is not a known key: did you mean `{meant}`?"),
        (None, [only]) => format!("cannot stand beside `{only}`"),
        (None, _) => format!("is not a known key: {} would be", list(known)),
    }
}

pub(super) fn list(words: &[String]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [most @ .., end] => format!("{} or {end}", most.join(", ")),
    }
}

// === parts of a schema ===

/// The keys that the object may have whose `additionalProperties` is named by the path.
fn known_keys(schema: &Value, path: &str) -> Vec<String> {
    let properties = at_path(schema, path).get("properties").and_then(Value::as_object);
    properties.map(|map| map.keys().cloned().collect()).unwrap_or_default()
}

/// The schema whose keyword is at the end of the path.
fn at_path<'s>(schema: &'s Value, path: &str) -> &'s Value {
    let above = path.rfind('/').map_or("", |end| &path[..end]);
    schema.pointer(above).unwrap_or(schema)
}

fn wanted(schema: &Value, error: &ValidationError<'_>) -> Option<Wanted> {
    let schema = at_path(schema, error.schema_path().as_str());
    match (types(schema).as_slice(), schema.get("const")) {
        (all, _) if all.iter().any(|t| t == "integer" || t == "number") => Some(Wanted::Number),
        (all, _) if all.iter().any(|t| t == "boolean") => Some(Wanted::Boolean),
        (_, Some(Value::Bool(_))) => Some(Wanted::Boolean),
        _ => None,
    }
}

fn types(schema: &Value) -> Vec<String> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(all)) => {
            all.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        Some(_) | None => Vec::new(),
    }
}

/// What the schema wants, in words.
fn expected(schema: &Value, error: &ValidationError<'_>) -> String {
    let schema = at_path(schema, error.schema_path().as_str());
    if schema.get("pattern").and_then(Value::as_str) == Some(Span::PATTERN) {
        return "a duration like `250ms`, `5s` or `1m30s`".to_owned();
    }
    form(schema)
}

fn form(schema: &Value) -> String {
    if let Some(word) = schema.get("const") {
        return format!("`{}`", bare(word));
    }
    if let Some(words) = schema.get("enum") {
        return self::words(words);
    }
    if let Some(keys) = schema.get("required").and_then(Value::as_array)
        && let [key] = keys.as_slice()
    {
        return format!("a map with `{}`", bare(key));
    }
    let types = types(schema);
    let words: Vec<_> =
        types.iter().filter(|word| *word != "null").map(|word| type_word(word)).collect();
    if words.is_empty() { "something else".to_owned() } else { words.join(" or ") }
}

/// A type of JSON, in words.
pub(super) fn type_word(name: &str) -> &str {
    match name {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "`true` or `false`",
        "array" => "a list",
        "object" => "a map",
        other => other,
    }
}

/// All forms of an `anyOf` or `oneOf`; maps of one key are told together.
fn forms(schema: &Value) -> String {
    let (mut forms, mut keys) = (Vec::new(), Vec::new());
    collect(schema, &mut forms, &mut keys);
    if !keys.is_empty() {
        forms.push(format!("a map with {}", list(&keys)));
    }
    match forms.as_slice() {
        [most @ .., end] if !most.is_empty() => format!("{} or {end}", most.join(", ")),
        forms => forms.concat(),
    }
}

fn collect(schema: &Value, found: &mut Vec<String>, keys: &mut Vec<String>) {
    let branches = ["anyOf", "oneOf"].into_iter().find_map(|key| schema.get(key)?.as_array());
    let Some(branches) = branches else {
        match schema.get("required").and_then(Value::as_array).map(Vec::as_slice) {
            Some([key]) => keys.push(bare(key)),
            _ => {
                let form = form(schema);
                if form != "something else" && !found.contains(&form) {
                    found.push(form);
                }
            }
        }
        return;
    };
    branches.iter().for_each(|branch| collect(branch, found, keys));
}

fn words(options: &Value) -> String {
    let all: Vec<_> = options.as_array().into_iter().flatten().map(bare).collect();
    list(&all)
}

fn bare(word: &Value) -> String {
    word.as_str().map_or_else(|| word.to_string(), str::to_owned)
}

pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(true) => "`true`",
        Value::Bool(false) => "`false`",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

impl Mistake {
    fn of(pointer: &str, says: String) -> Self {
        Self { pointer: pointer.to_owned(), says, of_key: false, missing: false, wrong_type: None }
    }
}
