//! What is wrong with a configuration, and where.

use std::fmt;

/// A line and a column, both from 1; 0 where nothing can be said.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
}

/// Something that is wrong with a configuration. Never repeats a value: it may be a secret.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Problem {
    /// Where it stands.
    pub place: Place,
    /// The key as it was typed, with those above it: `targets.crm.retry.attempts`. Empty for the document itself.
    pub key: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// A configuration that cannot be used. Names everything that is wrong with it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    /// The file as it was named.
    pub file: String,
    /// In the order of their places; at least one.
    pub problems: Vec<Problem>,
}

impl Problem {
    /// A problem of what stands at that JSON pointer.
    pub(super) fn new(place: Place, pointer: &str, message: impl Into<String>) -> Self {
        Self { place, key: on_one_line(key(pointer)), message: on_one_line(message.into()) }
    }

    /// Whether it is about what stands at that JSON pointer, or below it.
    pub(super) fn is_below(&self, pointer: &str) -> bool {
        let rest = self.key.strip_prefix(&on_one_line(key(pointer)));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

/// Nothing in it begins a line of its own, or is obeyed by a terminal.
fn on_one_line(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
    }
    line
}

/// What stands at that JSON pointer, as it was typed.
pub(super) fn key(pointer: &str) -> String {
    let part = |part: &str| part.replace("~1", "/").replace("~0", "~");
    pointer.split('/').skip(1).map(part).collect::<Vec<_>>().join(".")
}

impl fmt::Display for ConfigError {
    /// A line each: `fanfare.yaml:12:5: targets.crm.url: …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Problem { place, key, message }) in self.problems.iter().enumerate() {
            let end = if at == 0 { "" } else { "\n" };
            write!(f, "{end}{}", self.file)?;
            if place.line > 0 {
                write!(f, ":{}:{}", place.line, place.column)?;
            }
            let colon = if key.is_empty() { "" } else { ": " };
            write!(f, ": {key}{colon}{message}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
