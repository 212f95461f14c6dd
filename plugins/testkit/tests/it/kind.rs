//! The conformance suite for kinds: a right one passes, and every check finds one that is wrong.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use fanfare_sdk::{ApiTarget, Attempt, Reply, SendError, SettingError, TargetKind, async_trait};
use fanfare_testkit::Conformance;
use serde_json::{Value, json};

/// The one thing that is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wrong {
    Nothing,
    Named,
    Open,
    Undescribed,
    KeyUndescribed,
    Reserved,
    Refuses,
    Counts,
    UnknownTaken,
    UnknownUnnamed,
    ListTaken,
    Panics,
    Unnamed,
    Says,
}

const WRONG: &[(Wrong, &[&str])] = &[
    (Wrong::Nothing, &[]),
    (Wrong::Named, &["T44"]),
    (Wrong::Open, &["T45"]),
    (Wrong::Undescribed, &["T45"]),
    (Wrong::KeyUndescribed, &["T45"]),
    (Wrong::Reserved, &["T45"]),
    (Wrong::Refuses, &["T46", "T47"]),
    (Wrong::Counts, &["T46"]),
    (Wrong::UnknownTaken, &["T47"]),
    (Wrong::UnknownUnnamed, &["T47"]),
    (Wrong::ListTaken, &["T48"]),
    (Wrong::Panics, &["T48"]),
    (Wrong::Unnamed, &["T48"]),
    (Wrong::Says, &["T49"]),
];

/// A kind with one setting, `city`, and what is wrong with it.
#[derive(Debug)]
struct Demo(Wrong, AtomicU32);

#[derive(Debug)]
#[expect(dead_code, reason = "it tells one from another")]
struct Target(String, u32);

#[async_trait]
impl ApiTarget for Target {
    async fn send(&self, _: Attempt) -> Result<Reply, SendError> {
        Ok(Reply::accepted(""))
    }
}

impl TargetKind for Demo {
    fn kind(&self) -> &str {
        if self.0 == Wrong::Named { "My-Kind" } else { "demo_2" }
    }

    fn schema(&self) -> Value {
        let says = |right: bool| if right { "What it is." } else { "" };
        let key = if self.0 == Wrong::Reserved { "timeout" } else { "city" };
        json!({
            "type": "object",
            "description": says(self.0 != Wrong::Undescribed),
            "properties": {
                key: { "type": "string", "description": says(self.0 != Wrong::KeyUndescribed) },
            },
            "additionalProperties": self.0 == Wrong::Open,
        })
    }

    fn build(&self, settings: Value) -> Result<Arc<dyn ApiTarget>, Vec<SettingError>> {
        let wrong = |pointer: &str, message: &str| vec![SettingError::new(pointer, message)];
        let Some(settings) = settings.as_object() else {
            return match self.0 {
                Wrong::ListTaken => Ok(Arc::new(Target(String::new(), 0))),
                _ => Err(wrong("", "is not a map")),
            };
        };
        if self.0 == Wrong::Refuses {
            return Err(wrong("/city", "is not liked"));
        }
        let known = |key: &&String| ["city", "timeout"].contains(&key.as_str());
        match settings.keys().find(|key| !known(key)) {
            Some(_) if self.0 == Wrong::UnknownUnnamed => return Err(wrong("", "has too much")),
            Some(key) if self.0 != Wrong::UnknownTaken => {
                return Err(wrong(&format!("/{key}"), "is not known"));
            }
            Some(_) | None => {}
        }
        let count =
            if self.0 == Wrong::Counts { self.1.fetch_add(1, Ordering::Relaxed) } else { 0 };
        match settings.get("city").and_then(Value::as_str) {
            Some(city) if city.len() < 50 => Ok(Arc::new(Target(city.to_owned(), count))),
            Some(_) if self.0 == Wrong::Panics => panic!("too long"),
            Some(_) | None if self.0 == Wrong::Unnamed => Err(wrong("", "is not right")),
            Some(_) | None if self.0 == Wrong::Says => {
                Err(wrong("/city", &format!("is not right: {settings:?}")))
            }
            Some(_) | None => Err(wrong("/city", "is not right")),
        }
    }
}

#[test]
fn every_check_finds_what_is_wrong_and_nothing_else() {
    let mut surprises = Vec::new();
    for (wrong, expected) in WRONG {
        let kind = Demo(*wrong, AtomicU32::new(0));
        let report = Conformance::of_kind(&kind, &json!({ "city": "Ghent" }));
        let found: Vec<_> = report.failures().map(|line| line.must).collect();
        if found != *expected {
            surprises.push(format!("{wrong:?}:\n{report}"));
        }
        for line in report.lines() {
            let proved = WRONG.iter().any(|(_, musts)| musts.contains(&line.must));
            assert!(proved, "{} finds nothing", line.must);
        }
    }
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}
