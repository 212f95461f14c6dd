//! A document as it was written: values with the places where they stand.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::{DuplicateKeyPolicy, Location, MergeKeyPolicy, Options, Spanned};

use super::problem::{Place, Problem};

/// Bytes of one configuration file: thousands of targets fit, a mistaken file does not.
pub(super) const FILE_BYTES_MAX: usize = 4 << 20;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Tree,
}

/// A value whose parts know where they stand.
#[derive(Clone, Debug)]
pub(super) enum Tree {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Place, Node)>),
}

/// Where everything of a document stands, by JSON pointer (RFC 6901).
#[derive(Debug, Default)]
pub(super) struct Places {
    stands: BTreeMap<String, Stands>,
    /// The values that came by a reference: not even a part of them is told.
    pub(super) foreign: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug)]
struct Stands {
    /// The key, or the item of a list.
    key: Place,
    value: Place,
}

/// Reads YAML, or the part of it that is JSON.
pub(super) fn parse(text: &str) -> Result<Node, Problem> {
    if text.len() > FILE_BYTES_MAX {
        let says = format!("has {} bytes: at most {FILE_BYTES_MAX} are read", text.len());
        return Err(Problem::new(Place::default(), "", says));
    }
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::Merge,
        strict_booleans: true,
        // A tag that nobody heeds would let a secret be taken for its name: `!vault crm`.
        reject_unsupported_tags: true,
        // As YAML 1.2 has it: `1_000` is text.
        underscored_numbers_as_strings: true,
    };
    serde_saphyr::from_str_with_options::<Spanned<Raw>>(text, quiet(options)).map(node).map_err(
        |error| {
            let place = error.location().map_or(Place::default(), place);
            let says = error.without_snippet().to_string();
            let says = says.lines().next().unwrap_or_default();
            let says = says.split(" at line ").next().unwrap_or_default();
            Problem::new(place, "", in_our_words(says))
        },
    )
}

/// What the parser says to programmers, said to whoever has written the document.
fn in_our_words(says: &str) -> String {
    if says.starts_with("multiple YAML documents") {
        return "a second document begins here: one is read".to_owned();
    }
    if says.contains("null into string") || says.contains("expected string scalar") {
        return "has a key here that is not text".to_owned();
    }
    if says.starts_with("budget breached") || says.starts_with("recursion limit") {
        return "is nested too deeply, or too large once its anchors are written out".to_owned();
    }
    if says.starts_with("recursive references") {
        return "has an anchor here that contains itself".to_owned();
    }
    if says.starts_with("non-finite float") {
        return "has a number here that JSON does not have: neither infinity nor NaN can be sent"
            .to_owned();
    }
    if says.starts_with("unsupported tag") {
        return "has a tag here (`!…`), and none is known: `${env:NAME}` or `${file:PATH}` brings in what stands elsewhere"
            .to_owned();
    }
    if says.starts_with("while parsing a flow") {
        return format!(
            "is not YAML: {says}; what has `[`, `{{`, `,` or `: ` in it needs quotes there"
        );
    }
    format!("is not YAML: {says}")
}

/// Without excerpts of the document in messages: they may be secrets.
fn quiet(mut options: Options) -> Options {
    options.with_snippet = false;
    options
}

fn place(location: Location) -> Place {
    let small = |number| u32::try_from(number).unwrap_or(u32::MAX);
    Place { line: small(location.line()), column: small(location.column()) }
}

fn node(spanned: Spanned<Raw>) -> Node {
    let place = place(spanned.referenced);
    let value = match spanned.value {
        Raw::Null => Tree::Null,
        Raw::Bool(it) => Tree::Bool(it),
        Raw::Number(it) => Tree::Number(it),
        Raw::Text(it) => Tree::Text(it),
        Raw::List(items) => Tree::List(items.into_iter().map(node).collect()),
        Raw::Map(entries) => Tree::Map(
            entries
                .into_iter()
                .map(|(key, value)| (key.value, self::place(key.referenced), node(value)))
                .collect(),
        ),
    };
    Node { place, value }
}

/// The same as [`Tree`], with the parser's own places.
#[derive(Debug)]
enum Raw {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Spanned<Self>>),
    Map(Vec<(Spanned<String>, Spanned<Self>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Raw::deserialize(deserializer)
    }

    fn visit_bool<E>(self, it: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(it))
    }

    fn visit_i64<E>(self, it: i64) -> Result<Raw, E> {
        Ok(Raw::Number(it.into()))
    }

    fn visit_u64<E>(self, it: u64) -> Result<Raw, E> {
        Ok(Raw::Number(it.into()))
    }

    fn visit_f64<E>(self, it: f64) -> Result<Raw, E> {
        Ok(Number::from_f64(it).map_or_else(|| Raw::Text(it.to_string()), Raw::Number))
    }

    fn visit_str<E>(self, it: &str) -> Result<Raw, E> {
        Ok(Raw::Text(it.to_owned()))
    }

    fn visit_string<E>(self, it: String) -> Result<Raw, E> {
        Ok(Raw::Text(it))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Raw::Map(map))
    }
}

// === impl Node ===

impl Node {
    /// As JSON, with the places beside it. Of a key that stands twice the first one counts, and each other one is
    /// a problem.
    pub(super) fn settle(self, problems: &mut Vec<Problem>) -> (Value, Places) {
        let mut places = Places::default();
        let value = self.walk("", None, &mut places, problems);
        (value, places)
    }

    fn walk(
        self,
        pointer: &str,
        key: Option<Place>,
        places: &mut Places,
        problems: &mut Vec<Problem>,
    ) -> Value {
        let stands = Stands { key: key.unwrap_or(self.place), value: self.place };
        places.stands.insert(pointer.to_owned(), stands);
        match self.value {
            Tree::Null => Value::Null,
            Tree::Bool(it) => Value::Bool(it),
            Tree::Number(it) => Value::Number(it),
            Tree::Text(it) => Value::String(it),
            Tree::List(items) => {
                let item = |(at, node): (usize, Self)| {
                    node.walk(&format!("{pointer}/{at}"), None, places, problems)
                };
                Value::Array(items.into_iter().enumerate().map(item).collect())
            }
            Tree::Map(entries) => {
                let mut map = Map::new();
                for (key, at, node) in entries {
                    let below = child(pointer, &key);
                    if map.contains_key(&key) {
                        let first = places.key(&below).line;
                        let says = format!("is given twice: the first one stands in line {first}");
                        problems.push(Problem::new(at, &below, says));
                        continue;
                    }
                    let value = node.walk(&below, Some(at), places, problems);
                    map.insert(key, value);
                }
                Value::Object(map)
            }
        }
    }
}

// === impl Places ===

impl Places {
    /// Where the key stands; for what is not there, where it would belong.
    pub(super) fn key(&self, pointer: &str) -> Place {
        self.nearest(pointer).map_or(Place::default(), |stands| stands.key)
    }

    /// Where the value stands.
    pub(super) fn value(&self, pointer: &str) -> Place {
        self.nearest(pointer).map_or(Place::default(), |stands| stands.value)
    }

    fn nearest(&self, mut pointer: &str) -> Option<Stands> {
        loop {
            if let Some(stands) = self.stands.get(pointer) {
                return Some(*stands);
            }
            pointer = &pointer[..pointer.rfind('/')?];
        }
    }
}

/// The pointer of a member (RFC 6901 section 3).
pub(super) fn child(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// The last part of a pointer, as it was typed.
pub(super) fn last(pointer: &str) -> String {
    let part = pointer.rsplit('/').next().unwrap_or_default();
    part.replace("~1", "/").replace("~0", "~")
}
