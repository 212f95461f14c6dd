//! From a text to a configuration, or to everything that is wrong with it.

use std::{collections::BTreeMap, io::Read as _, path::Path, rc::Rc};

use fanfare_sdk::{RESERVED_KEYS, Registry, TargetKind};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use serde_path_to_error::Segment;

use super::{
    Config, ConfigError, ConfiguredTarget, DaemonConfig, EngineConfig, Fingerprint, Fingerprints,
    JournalConfig, Lookup, Problem, Surroundings, build, check,
    daemon::DaemonSettings,
    document::{FILE_BYTES_MAX, Places, child, parse},
    engine::EngineSettings,
    issues::Issues,
    journal::JournalSettings,
    problem::Place,
    reference::{Resolved, resolve},
    route::RouteSettings,
    salvage::{StoodIn, give_up, remove},
    schema::{NAME_PATTERN, engine_schema, journal_schema, of, route_schema, target_schema},
    target::TargetSettings,
    validate::{Mistake, Shape, Wanted, list, problem, unknown},
};
use crate::policy::Masks;

/// Rounds in which items of lists are given up that lack what was wrong with them: lists stand in lists, but not deeper.
const ROUNDS_MAX: usize = 8;

/// Up to here every whole number is one of the type `f64`.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// The keys at the top of a configuration.
const TOP: [&str; 5] = ["targets", "routes", "engine", "journal", "daemon"];

/// Reads a configuration from a file. References are looked up in the environment, and beside the file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load(path: &Path, kinds: &Registry) -> Result<Config, ConfigError> {
    let directory = path.parent().unwrap_or(Path::new(""));
    load_by(path, kinds, &Surroundings::new(directory))
}

/// The same, with references looked up there.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load_by(path: &Path, kinds: &Registry, lookup: &dyn Lookup) -> Result<Config, ConfigError> {
    load_str(&path.display().to_string(), &read_text(path)?, kinds, lookup)
}

pub(super) fn read_text(path: &Path) -> Result<String, ConfigError> {
    read(path).map_err(|says| {
        let problems = vec![Problem::new(Place::default(), "", says)];
        ConfigError { file: path.display().to_string(), problems }
    })
}

pub(crate) fn read(path: &Path) -> Result<String, String> {
    let cannot = |error: std::io::Error| format!("cannot be read: {error}");
    // One byte more than is allowed is enough to know: not everything that is read has a size.
    let file = std::fs::File::open(path).map_err(cannot)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(format!("has more than {FILE_BYTES_MAX} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "is not text (UTF-8)".to_owned())
}

/// Reads a configuration from a text. `file` is what messages call it.
///
/// # Errors
/// Everything that is wrong with it.
pub fn load_str(
    file: &str,
    text: &str,
    kinds: &Registry,
    lookup: &dyn Lookup,
) -> Result<Config, ConfigError> {
    let (config, problems) = from_text(text, kinds, lookup);
    unless_wrong(file, config, problems)
}

/// As much as can be made of a text, and all that is wrong with it.
pub(super) fn from_text(
    text: &str,
    kinds: &Registry,
    lookup: &dyn Lookup,
) -> (Config, Vec<Problem>) {
    let mut problems = Vec::new();
    let config = match parse(text) {
        Ok(mut node) => {
            let mut resolved = Resolved::default();
            resolve(&mut node, "", lookup, &mut resolved, &mut problems);
            let (value, mut places) = node.settle(&mut problems);
            places.foreign.clone_from(&resolved.referring);
            Loader::new((kinds, lookup), &places, resolved, &mut problems).load(value)
        }
        Err(problem) => {
            problems.push(problem);
            Config::default()
        }
    };
    (config, problems)
}

/// The configuration, if nothing is wrong with it.
pub(super) fn unless_wrong(
    file: &str,
    config: Config,
    mut problems: Vec<Problem>,
) -> Result<Config, ConfigError> {
    if problems.is_empty() {
        return Ok(config);
    }
    problems.sort();
    problems.dedup();
    Err(ConfigError { file: file.to_owned(), problems })
}

pub(super) struct Loader<'a> {
    kinds: &'a Registry,
    lookup: &'a dyn Lookup,
    places: &'a Places,
    resolved: Resolved,
    problems: &'a mut Vec<Problem>,
    /// The schemas of the kinds that were met, compiled.
    shapes: BTreeMap<&'a str, Rc<Shape>>,
    /// Items of lists that are wrong, with their places in the document.
    stood_in: Vec<StoodIn>,
}

/// What is known of a target once its two halves were looked at.
pub(super) struct Read {
    pub(super) settings: TargetSettings,
    pub(super) built: Option<ConfiguredTarget>,
    /// Its method carries no body.
    pub(super) is_bodiless: bool,
}

impl<'a> Loader<'a> {
    pub(super) fn new(
        (kinds, lookup): (&'a Registry, &'a dyn Lookup),
        places: &'a Places,
        resolved: Resolved,
        problems: &'a mut Vec<Problem>,
    ) -> Self {
        let (shapes, stood_in) = (BTreeMap::new(), Vec::new());
        Self { kinds, lookup, places, resolved, problems, shapes, stood_in }
    }

    fn load(mut self, value: Value) -> Config {
        let Value::Object(mut top) = value else {
            self.say("", "is not a map: `targets` and `routes` would be its keys");
            return Config::default();
        };
        let fingerprints = fingerprints(&top, self.lookup);
        let known = TOP.map(str::to_owned);
        for key in top.keys().filter(|key| !TOP.contains(&key.as_str()) && !key.starts_with("x-")) {
            let at = child("", key);
            self.problems.push(Problem::new(self.places.key(&at), &at, unknown(key, &known)));
        }
        let is_map = top.get("targets").is_none_or(|it| it.is_object() || it.is_null());
        let written = self.map(&mut top, "targets");
        if written.is_empty() && is_map && !self.resolved.broken.contains("/targets") {
            self.say("/targets", "has no target: one at least would be right");
        }
        let mut targets = BTreeMap::new();
        for (name, value) in written {
            let read = self.target(&name, value);
            targets.insert(name, read);
        }
        let mut routes = BTreeMap::new();
        let shape = Shape::new(route_schema());
        for (name, value) in self.map(&mut top, "routes") {
            let at = child("/routes", &name);
            self.name(&at, &name);
            let (value, whole) = self.checked(&at, &shape, value);
            let settings: Option<RouteSettings> = self.read(&at, value, whole);
            routes.insert(name, settings);
        }
        let engine = self.engine(&mut top);
        let journal = self.journal(&mut top);
        let daemon = self.daemon(&mut top);
        let before = self.problems.len();
        let mut check =
            check::Check { places: self.places, problems: self.problems, lookup: self.lookup };
        let routes = check.all(&targets, routes);
        self.forget_stand_ins(before);
        let built = targets.into_values().filter_map(|read| read?.built);
        Config { targets: built.collect(), routes, engine, journal, daemon, fingerprints }
    }

    fn engine(&mut self, top: &mut Map<String, Value>) -> EngineConfig {
        let written = Value::Object(self.map(top, "engine"));
        let (value, whole) = self.checked("/engine", &Shape::new(engine_schema()), written);
        let settings: EngineSettings = self.read("/engine", value, whole).unwrap_or_default();
        settings.config(&mut Issues::new("/engine", self.places, self.problems))
    }

    fn daemon(&mut self, top: &mut Map<String, Value>) -> DaemonConfig {
        let written = Value::Object(self.map(top, "daemon"));
        let (value, whole) = self.checked("/daemon", &Shape::new(of::<DaemonSettings>()), written);
        let settings: DaemonSettings = self.read("/daemon", value, whole).unwrap_or_default();
        settings.config(&mut Issues::new("/daemon", self.places, self.problems))
    }

    fn journal(&mut self, top: &mut Map<String, Value>) -> JournalConfig {
        let written = Value::Object(self.map(top, "journal"));
        let (value, whole) = self.checked("/journal", &Shape::new(journal_schema()), written);
        let settings: Option<JournalSettings> = self.read("/journal", value, whole);
        settings.unwrap_or_default().into()
    }

    fn map(&mut self, top: &mut Map<String, Value>, key: &str) -> Map<String, Value> {
        match top.remove(key) {
            Some(Value::Object(map)) => map,
            None | Some(Value::Null) => Map::new(),
            Some(_) => {
                self.say(&child("", key), "is not a map: names and their settings would be right");
                Map::new()
            }
        }
    }

    fn target(&mut self, name: &str, value: Value) -> Option<Read> {
        let at = child("/targets", name);
        self.name(&at, name);
        let kind = self.kind(&at, &value)?;
        let shape = self.shapes.entry(kind.kind());
        let shape = shape.or_insert_with(|| Rc::new(Shape::new(target_schema(kind)))).clone();
        let (value, whole) = self.checked(&at, &shape, value);
        let secrets = self.secrets(&at, &value);
        let (engine, own) = split(value);
        let settings: TargetSettings = self.read(&at, engine.clone(), whole)?;
        let is_bodiless = matches!(own["method"].as_str(), Some("GET" | "HEAD"));
        let before = self.problems.len();
        let mut issues = Issues::new(&at, self.places, self.problems);
        let (kind, written) = ((kind, own, whole), (&settings, &engine));
        let mut built = build::target(name, kind, written, self.lookup, &mut issues);
        if let Some(built) = &mut built {
            built.policy.hide(secrets);
        }
        self.forget_stand_ins(before);
        Some(Read { settings, built, is_bodiless })
    }

    /// What came from elsewhere into that target. What was read as a number, or as `true`, keeps no secret.
    fn secrets(&self, at: &str, value: &Value) -> Masks {
        let below = self.resolved.secrets.iter().filter(|(pointer, _)| {
            let pointer = pointer.strip_prefix(at).filter(|rest| rest.starts_with('/'));
            pointer.and_then(|pointer| value.pointer(pointer)).is_some_and(Value::is_string)
        });
        Masks::new(below.flat_map(|(_, secrets)| secrets))
    }

    fn kind(&mut self, at: &str, value: &Value) -> Option<&'a dyn TargetKind> {
        let kinds: Vec<_> = self.kinds.iter().map(|kind| kind.kind().to_owned()).collect();
        let below = child(at, "kind");
        if self.resolved.broken.contains(&below) || self.resolved.broken.contains(at) {
            return None;
        }
        let Some(map) = value.as_object() else {
            self.say(at, "is not a map: `kind` and its settings would be right");
            return None;
        };
        let says = match map.get("kind") {
            None => {
                let says = format!("is missing: {} would be right", list(&kinds));
                self.problems.push(Problem::new(self.places.key(at), &below, says));
                return None;
            }
            Some(Value::String(kind)) => match self.kinds.get(kind) {
                Some(kind) => return Some(kind),
                None => format!("is not a kind of target: {} would be", list(&kinds)),
            },
            Some(_) => format!("is not text: {} would be right", list(&kinds)),
        };
        self.say(&below, says);
        None
    }

    /// Validates, and takes out what is wrong. Says also whether nothing was.
    pub(super) fn checked(&mut self, at: &str, shape: &Shape, mut value: Value) -> (Value, bool) {
        let (mut whole, mut done) = (true, Vec::new());
        for broken in self.resolved.broken.iter().filter_map(|pointer| pointer.strip_prefix(at)) {
            remove(&mut value, broken, &mut done);
            whole = false;
        }
        let mut found = shape.mistakes(&value);
        if self.reread(at, &found, &mut value) {
            found = shape.mistakes(&value);
        }
        for mistake in &found {
            whole = false;
            // What has lost a part that led nowhere is told by that part.
            let above = format!("{at}{}", mistake.pointer);
            let is_part = |pointer: &String| {
                let below = pointer.strip_prefix(&above);
                below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            let is_whole = mistake.missing || !mistake.of_key;
            if is_whole && self.resolved.broken.iter().any(is_part) {
                continue;
            }
            self.problems.push(problem(mistake, at, self.places));
            remove(&mut value, &mistake.pointer, &mut done);
        }
        // What was taken out of an item of a list may be what it needs.
        for _ in 0..ROUNDS_MAX {
            let left = if whole { Vec::new() } else { shape.mistakes(&value) };
            let mut given_up = false;
            for mistake in &left {
                given_up |= give_up(&mut value, &mistake.pointer, &mut done);
            }
            if !given_up {
                break;
            }
        }
        self.stood_in.extend(done.into_iter().map(|it| StoodIn {
            pointer: format!("{at}{}", it.pointer),
            like: format!("{at}{}", it.like),
        }));
        (value, whole)
    }

    /// What was found since then of what only stands in for something else is not true of the document.
    fn forget_stand_ins(&mut self, before: usize) {
        let is_true = |problem: &Problem| {
            !self.stood_in.iter().any(|it| {
                let twice = problem.message.contains("twice");
                problem.is_below(&it.pointer) || (twice && problem.is_below(&it.like))
            })
        };
        let found = self.problems.split_off(before);
        self.problems.extend(found.into_iter().filter(is_true));
    }

    /// Reads what was checked; none where what was taken out was needed: that has its message already.
    pub(super) fn read<T: DeserializeOwned>(
        &mut self,
        at: &str,
        mut value: Value,
        whole: bool,
    ) -> Option<T> {
        let mut is_rounded = false;
        loop {
            let error = match serde_path_to_error::deserialize::<_, T>(value.clone()) {
                Ok(read) => return Some(read),
                Err(error) => error,
            };
            // `5.0` is a whole number, as JSON Schema has it.
            if !is_rounded {
                is_rounded = true;
                round(&mut value);
                continue;
            }
            let parts = error.path().iter().filter_map(|segment| match segment {
                Segment::Map { key } => Some(key.clone()),
                Segment::Seq { index } => Some(index.to_string()),
                Segment::Enum { .. } | Segment::Unknown => None,
            });
            let parts: Vec<_> = parts.collect();
            if whole {
                let pointer = parts.iter().fold(at.to_owned(), |above, part| child(&above, part));
                self.say(&pointer, "cannot be read");
                return None;
            }
            // What lacks something goes too, so that the rest is still looked at.
            let before = value.clone();
            remove(&mut value, &child("", parts.first()?), &mut Vec::new());
            if value == before {
                return None;
            }
        }
    }

    /// A number or a `true` that came by a reference came as text.
    fn reread(&self, at: &str, found: &[Mistake], value: &mut Value) -> bool {
        let mut changed = false;
        for mistake in found {
            let Some(wanted) = mistake.wrong_type else { continue };
            if !self.resolved.referring.contains(&format!("{at}{}", mistake.pointer)) {
                continue;
            }
            let Some(place) = value.pointer_mut(&mistake.pointer) else { continue };
            let read = place.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
            let fits = |read: &Value| match wanted {
                Wanted::Number => read.is_number(),
                Wanted::Boolean => read.is_boolean(),
            };
            if let Some(read) = read.filter(fits) {
                *place = read;
                changed = true;
            }
        }
        changed
    }

    fn name(&mut self, at: &str, name: &str) {
        let right = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        let first = name.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !first || name.len() > 64 || !name.chars().all(right) {
            let says = format!(
                "is not a name: letters, digits, `_`, `.` and `-` would be ({NAME_PATTERN})"
            );
            self.problems.push(Problem::new(self.places.key(at), at, says));
        }
    }

    fn say(&mut self, pointer: &str, says: impl Into<String>) {
        self.problems.push(Problem::new(self.places.value(pointer), pointer, says));
    }
}

/// Of what was written, however wrong it is.
fn fingerprints(top: &Map<String, Value>, lookup: &dyn Lookup) -> Fingerprints {
    let each = |key: &str| {
        let map = top.get(key).and_then(Value::as_object).into_iter().flatten();
        // What stands in a file of its own belongs to it.
        let whole = |value: &Value| match value.pointer("/schema/file").and_then(Value::as_str) {
            Some(file) => Fingerprint::of(&json!([value, lookup.document(file).ok()])),
            None => Fingerprint::of(value),
        };
        map.map(|(name, value)| (name.clone(), whole(value))).collect()
    };
    let rest = top.iter().filter(|(key, _)| {
        !["targets", "routes"].contains(&key.as_str()) && !key.starts_with("x-")
    });
    let rest = rest.map(|(key, value)| (key.clone(), Fingerprint::of(value))).collect();
    Fingerprints { targets: each("targets"), routes: each("routes"), rest }
}

/// The engine's half of a target's settings, and the plugin's.
fn split(value: Value) -> (Value, Value) {
    let Value::Object(map) = value else { return (Value::Null, Value::Null) };
    let (engine, own): (Map<_, _>, Map<_, _>) = map
        .into_iter()
        .filter(|(key, _)| key != "kind")
        .partition(|(key, _)| RESERVED_KEYS.contains(&key.as_str()));
    (Value::Object(engine), Value::Object(own))
}

/// Numbers that are whole and do not look so: `5.0`, `1e3`.
fn round(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let whole = number.as_f64().filter(|_| !number.is_u64() && !number.is_i64());
            let whole = whole.filter(|it| it.fract() == 0.0 && it.abs() < WHOLE_MAX);
            if let Some(read) = whole.and_then(|it| format!("{it:.0}").parse::<i64>().ok()) {
                *value = read.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(round),
        Value::Object(map) => map.values_mut().for_each(round),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}
