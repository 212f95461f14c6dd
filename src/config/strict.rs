//! Other files than the configuration that are read as strictly: JSON, with a place in every message.

use fanfare_sdk::Registry;
use schemars::JsonSchema;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::{
    ConfigError, Place, Problem,
    document::{FILE_BYTES_MAX, Places, parse},
    load::Loader,
    reference::{Resolved, Surroundings},
    schema::of,
    validate::Shape,
};

/// A file, and what is wrong with it so far.
#[derive(Debug)]
pub(crate) struct Document {
    file: String,
    places: Places,
    problems: Vec<Problem>,
}

impl Document {
    /// Reads a text. `file` is what messages call it. Without a value there is something wrong.
    pub(crate) fn read<T: DeserializeOwned + JsonSchema>(
        file: &str,
        text: &str,
    ) -> (Self, Option<T>) {
        let mut read =
            Self { file: file.to_owned(), places: Places::default(), problems: Vec::new() };
        if text.len() > FILE_BYTES_MAX {
            read.say("", format!("has more than {FILE_BYTES_MAX} bytes"));
            return (read, None);
        }
        if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
            let small = |number| u32::try_from(number).unwrap_or(u32::MAX);
            let place = Place { line: small(error.line()), column: small(error.column()) };
            let says = error.to_string();
            let says = says.split(" at line ").next().unwrap_or_default();
            read.problems.push(Problem::new(place, "", format!("is not JSON: {says}")));
            return (read, None);
        }
        // What is JSON is YAML too, but for tabs; and there a parser tells places.
        let node = match parse(&text.replace('\t', " ")) {
            Ok(node) => node,
            Err(problem) => {
                read.problems.push(problem);
                return (read, None);
            }
        };
        let (value, places) = node.settle(&mut read.problems);
        read.places = places;
        let kinds = Registry::default();
        let here = Surroundings::new("");
        let mut loader =
            Loader::new((&kinds, &here), &read.places, Resolved::default(), &mut read.problems);
        let (value, whole) = loader.checked("", &Shape::new(of::<T>()), value);
        let value = loader.read("", value, whole);
        (read, value)
    }

    /// That something is wrong there, at that JSON pointer.
    pub(crate) fn say(&mut self, pointer: &str, says: impl Into<String>) {
        self.problems.push(Problem::new(self.places.value(pointer), pointer, says));
    }

    /// What was made of it, or everything that is wrong with it.
    pub(crate) fn end<T>(mut self, made: Option<T>) -> Result<T, ConfigError> {
        self.problems.sort();
        self.problems.dedup();
        match made {
            Some(made) if self.problems.is_empty() => Ok(made),
            _ => Err(ConfigError { file: self.file, problems: self.problems }),
        }
    }
}
