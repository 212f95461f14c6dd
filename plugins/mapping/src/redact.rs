//! Says why a run failed without anything of the payload.
//!
//! jaq writes the values at fault into its errors. What is said here is put together from our own words and from texts
//! of the expression itself; jaq's text only decides which of them.

use std::fmt::{self, Write as _};

use jaq_core::{
    Error,
    load::{lex::StrPart, parse::Term},
};
use jaq_json::Val;

/// The error of `fromjson`.
pub(crate) const NO_JSON: &str = "the text is not JSON";

const MESSAGE_BYTES_MAX: usize = 200;

/// How much of jaq's text is looked at.
const LOOKED_AT_BYTES_MAX: usize = 64 * 1024;

/// How deep a value in jaq's text may be. It is written by recursion.
const LOOKED_AT_DEPTH_MAX: usize = 256;

const HIDDEN: &str =
    "an error was raised, whose text is not shown: it may hold parts of the payload";

/// Beginnings of messages that natives of jaq and ours raise as a string, and what is said instead.
const KNOWN: &[(&str, &str)] = &[
    (NO_JSON, NO_JSON),
    ("true has no length", "a boolean has no length"),
    ("false has no length", "a boolean has no length"),
    ("invalid regex flag", "a flag of a regular expression is unknown"),
    ("invalid regex", "a regular expression is invalid"),
    ("the output is larger than", "a text is larger than an output may be"),
    ("a value is nested deeper than", "a value is nested too deep"),
    ("the output has a number that is not finite", "a number is not finite, which JSON cannot say"),
    ("the output has an object with a key", "an object has a key that is not a string"),
];

/// The texts of an expression: what may be said of an error that was raised with them.
#[derive(Default)]
pub(crate) struct Words {
    /// Strings without anything interpolated. Keys, as in `.key`, are among them.
    whole: Vec<Box<str>>,
    /// The beginnings of strings with something interpolated.
    beginnings: Vec<Box<str>>,
}

/// The beginning of a text.
struct Beginning {
    text: String,
    depth: usize,
}

// === impl Words ===

impl Words {
    pub(crate) fn add(&mut self, term: &Term<&str>) {
        let Term::Str(_, parts) = term else { return };
        let mut text = String::new();
        for part in parts {
            match part {
                StrPart::Str(it) => text.push_str(it),
                StrPart::Char(it) => text.push(*it),
                StrPart::Term(_) if text.is_empty() => return,
                StrPart::Term(_) => return self.beginnings.push(text.into()),
            }
        }
        self.whole.push(text.into());
    }

    /// Adds only what is an argument of `error`: in our own definitions the rest is no text for people.
    pub(crate) fn add_raised(&mut self, term: &Term<&str>) {
        if let Term::Call("error", args) = term {
            args.iter().for_each(|it| self.add(it));
        }
    }

    /// What is said of an error.
    pub(crate) fn describe(&self, error: &Error<Val>) -> String {
        let mut beginning = Beginning { text: String::new(), depth: 0 };
        let complete = write!(beginning, "{error}").is_ok();
        let text = beginning.text.as_str();
        let mut said = if text.starts_with('"') {
            self.raised(error)
        } else if let Some(rest) = text.strip_prefix("cannot index ") {
            self.not_indexed(rest, complete)
        } else if let Some(rest) = text.strip_prefix("cannot use ") {
            not_used(rest, complete)
        } else if let Some(rest) = text.strip_prefix("cannot calculate ") {
            format!("cannot calculate with {}", kind(rest))
        } else if text.starts_with("invalid path expression") {
            "`path`, `del` or an assignment was given something that is no path".to_owned()
        } else {
            format!("{} was raised as an error", kind(text))
        };
        said.truncate(said.floor_char_boundary(MESSAGE_BYTES_MAX));
        said
    }

    /// A string that was raised, by `error` or by a native filter.
    fn raised(&self, error: &Error<Val>) -> String {
        let Val::TStr(text) = error.clone().into_val() else { return HIDDEN.to_owned() };
        let text = String::from_utf8_lossy(&text);
        if let Some(it) = self.whole.iter().find(|it| ***it == *text) {
            return it.to_string();
        }
        if let Some((_, it)) = KNOWN.iter().find(|(it, _)| text.starts_with(it)) {
            return (*it).to_owned();
        }
        let beginnings = self.beginnings.iter().filter(|it| text.starts_with(&***it));
        match beginnings.max_by_key(|it| it.len()) {
            Some(it) => format!("{it}…"),
            None => HIDDEN.to_owned(),
        }
    }

    /// `… with "key"`, where the key is one of the expression.
    fn not_indexed(&self, rest: &str, complete: bool) -> String {
        let value = kind(rest);
        let ends_with = |key: &str| {
            let key = serde_json::Value::from(key).to_string();
            rest.strip_suffix(&key).is_some_and(|it| it.ends_with(" with "))
        };
        match self.whole.iter().find(|it| complete && ends_with(it)) {
            Some(key) => format!("cannot take `{key}` of {value}"),
            None => format!("cannot take that part of {value}"),
        }
    }
}

const TYPES: &[(&str, &str)] = &[
    (" as integer", "an integer"),
    (" as number", "a number"),
    (" as string", "a string"),
    (" as array", "an array"),
    (" as iterable (array or object)", "an array or object"),
    (" as rangeable (array or string)", "an array or string"),
];

fn not_used(rest: &str, complete: bool) -> String {
    let value = kind(rest);
    match TYPES.iter().find(|(it, _)| complete && rest.ends_with(it)) {
        Some((_, wanted)) => format!("cannot take {value} for {wanted}"),
        None => format!("cannot take {value} for what is needed"),
    }
}

/// The kind of the value that a text begins with. jaq writes values much as JSON does.
fn kind(text: &str) -> &'static str {
    match text.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        Some(b'-' | b'0'..=b'9' | b'N' | b'I') => "a number",
        _ => "a value",
    }
}

// === impl Beginning ===

impl fmt::Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        match text {
            "[" | "{" => self.depth += 1,
            "]" | "}" => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        let room = LOOKED_AT_BYTES_MAX - self.text.len();
        self.text.push_str(&text[..text.floor_char_boundary(room)]);
        if text.len() > room || self.depth > LOOKED_AT_DEPTH_MAX { Err(fmt::Error) } else { Ok(()) }
    }
}
