//! What a kind owes to the configuration: a schema, and messages instead of panics.

use std::{panic::AssertUnwindSafe, sync::Arc};

use fanfare_sdk::{ApiTarget, RESERVED_KEYS, SettingError, TargetKind};
use serde_json::{Value, json};

use super::{
    Conformance, Line,
    check::{Checked, Unfit, failed},
};

/// Stands in settings that are written wrongly, to find it in messages.
const VALUE: &str = "conformance-value-9d12";
/// A key that no kind has.
const UNKNOWN: &str = "conformance_unknown";

/// A kind, and settings that are right.
struct Subject<'a> {
    kind: &'a dyn TargetKind,
    right: &'a Value,
}

struct Check {
    must: &'static str,
    name: &'static str,
    mend: &'static str,
    run: fn(&Subject<'_>) -> Checked,
}

const CHECKS: &[Check] = &[
    Check {
        must: "T44",
        name: "the kind's name is one word",
        mend: "use small letters, digits and `_`, a letter first: people write it behind `kind:`",
        run: name,
    },
    Check {
        must: "T45",
        name: "the schema is closed, described, and keeps off the engine's keys",
        mend: "derive it by `schemars` with `deny_unknown_fields`, with a comment at the type and at each field, and \
               rename fields that are in `RESERVED_KEYS`",
        run: schema,
    },
    Check {
        must: "T46",
        name: "right settings make the same target each time",
        mend: "build from the settings alone; give the suite settings that are right",
        run: right,
    },
    Check {
        must: "T47",
        name: "an unknown key is refused by its name",
        mend: "annotate the settings with `#[serde(deny_unknown_fields)]`, and read them by `fanfare_sdk::check::settings`",
        run: unknown,
    },
    Check {
        must: "T48",
        name: "a wrong setting is named, whatever stands there",
        mend: "read the settings by `fanfare_sdk::check::settings`, and push what is wrong with its key into `SettingErrors`",
        run: wrong,
    },
    Check {
        must: "T49",
        name: "no message repeats a value",
        mend: "say what would be right, not what was written: it may be a secret",
        run: silent,
    },
];

impl Conformance {
    /// Checks a kind, with settings of it that are right. Any settings that its targets need to be told apart do.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use fanfare_sdk::{ApiTarget, Attempt, Reply, SendError, SettingError, TargetKind, async_trait};
    /// # use serde_json::{Value, json};
    /// # #[derive(Debug)]
    /// # struct Mine;
    /// # #[async_trait]
    /// # impl ApiTarget for Mine {
    /// #     async fn send(&self, _: Attempt) -> Result<Reply, SendError> { Ok(Reply::accepted("")) }
    /// # }
    /// # #[derive(Debug)]
    /// # struct MineKind;
    /// # impl TargetKind for MineKind {
    /// #     fn kind(&self) -> &str { "mine" }
    /// #     fn schema(&self) -> Value {
    /// #         json!({ "type": "object", "description": "Mine.", "properties": {}, "additionalProperties": false })
    /// #     }
    /// #     fn build(&self, settings: Value) -> Result<Arc<dyn ApiTarget>, Vec<SettingError>> {
    /// #         let wrong = |pointer: String| SettingError::new(pointer, "is not known");
    /// #         match settings.as_object() {
    /// #             Some(keys) if keys.is_empty() => Ok(Arc::new(Mine)),
    /// #             Some(keys) => Err(keys.keys().map(|key| wrong(format!("/{key}"))).collect()),
    /// #             None => Err(vec![wrong(String::new())]),
    /// #         }
    /// #     }
    /// # }
    /// fanfare_testkit::Conformance::of_kind(&MineKind, &json!({})).assert();
    /// ```
    pub fn of_kind(kind: &dyn TargetKind, right: &Value) -> Self {
        let subject = Subject { kind, right };
        let line = |check: &Check| {
            let checked = std::panic::catch_unwind(AssertUnwindSafe(|| (check.run)(&subject)));
            let finding = checked.unwrap_or_else(|_| failed("it panicked")).into();
            Line { must: check.must, name: check.name, finding, mend: check.mend }
        };
        Self::of(CHECKS.iter().map(line).collect())
    }
}

// === impl Subject ===

impl Subject<'_> {
    fn build(&self, written: Value) -> Result<Arc<dyn ApiTarget>, Vec<SettingError>> {
        self.kind.build(written)
    }

    /// The settings with something else in the place of one key, or without it.
    fn with(&self, key: &str, value: Option<Value>) -> Value {
        let mut written = self.right.clone();
        if let Some(settings) = written.as_object_mut() {
            match value {
                Some(value) => drop(settings.insert(key.to_owned(), value)),
                None => drop(settings.remove(key)),
            }
        }
        written
    }

    /// The keys that the schema names.
    fn keys(&self) -> Vec<String> {
        let schema = self.kind.schema();
        schema["properties"].as_object().into_iter().flat_map(|keys| keys.keys().cloned()).collect()
    }
}

fn name(subject: &Subject<'_>) -> Checked {
    let name = subject.kind.kind();
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let right = name.bytes().all(fits) && name.starts_with(|c: char| c.is_ascii_lowercase());
    if right { Ok(()) } else { failed(format!("it is `{name}`")) }
}

fn schema(subject: &Subject<'_>) -> Checked {
    let schema = subject.kind.schema();
    let described = |of: &Value| of["description"].as_str().is_some_and(|says| !says.is_empty());
    if schema["additionalProperties"] != false {
        return failed("it allows keys that it does not name");
    }
    if !described(&schema) {
        return failed("it has no description");
    }
    for key in subject.keys() {
        if RESERVED_KEYS.contains(&key.as_str()) {
            return failed(format!("`{key}` is a key of the engine"));
        }
        if !described(&schema["properties"][&key]) {
            return failed(format!("`{key}` has no description"));
        }
    }
    Ok(())
}

fn right(subject: &Subject<'_>) -> Checked {
    let built = || -> Result<String, Unfit> {
        let target = subject.build(subject.right.clone());
        // The message names keys only, or the last of the checks fails.
        let target = target.or_else(|wrong| failed(format!("refused: {}", texts(&wrong))))?;
        Ok(format!("{target:?} {:?}", target.profile()))
    };
    if built()? == built()? { Ok(()) } else { failed("it is another one the second time") }
}

fn unknown(subject: &Subject<'_>) -> Checked {
    match subject.build(subject.with(UNKNOWN, Some(json!(1)))) {
        Ok(_) => failed("it is not"),
        Err(wrong) if texts(&wrong).contains(UNKNOWN) => Ok(()),
        Err(_) => failed("no message names it"),
    }
}

/// Settings that are wrong at one key, or may be.
fn written(subject: &Subject<'_>) -> Vec<(String, Value)> {
    let values = || {
        [
            json!(null),
            json!(true),
            json!(-1),
            json!(1e300),
            json!(VALUE),
            json!(""),
            json!(format!("{VALUE}\n\u{0}é{{}}")),
            json!([VALUE]),
            json!({ "a": VALUE }),
            json!([[VALUE, { "a": [VALUE, null] }]]),
            json!("a".repeat(100_000)),
        ]
    };
    let one = |key: String| {
        let with = |value| (key.clone(), subject.with(&key, value));
        let mut all: Vec<_> = values().into_iter().map(|value| with(Some(value))).collect();
        all.push(with(None));
        all
    };
    subject.keys().into_iter().flat_map(one).collect()
}

fn wrong(subject: &Subject<'_>) -> Checked {
    for whole in [json!(null), json!([]), json!(VALUE), json!(7)] {
        match subject.build(whole) {
            Ok(_) => return failed("something that is no map is built"),
            Err(wrong) if wrong.is_empty() => return failed("no message where there is no map"),
            Err(_) => {}
        }
    }
    for (key, written) in written(subject) {
        let build = std::panic::catch_unwind(AssertUnwindSafe(|| subject.build(written)));
        let Ok(built) = build else { return failed(format!("it panicked at `{key}`")) };
        let Err(wrong) = built else { continue };
        let named = |error: &SettingError| {
            error.pointer.contains(&format!("/{key}"))
                || error.message.contains(&format!("`{key}`"))
        };
        if !wrong.iter().any(named) {
            return failed(format!("`{key}` is wrong, and no message names it"));
        }
    }
    Ok(())
}

fn silent(subject: &Subject<'_>) -> Checked {
    for (key, written) in written(subject) {
        let build = std::panic::catch_unwind(AssertUnwindSafe(|| subject.build(written)));
        let Ok(Err(wrong)) = build else { continue };
        if wrong.iter().any(|error| error.message.contains(VALUE)) {
            return failed(format!("a message about `{key}` does"));
        }
    }
    Ok(())
}

fn texts(wrong: &[SettingError]) -> String {
    wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
