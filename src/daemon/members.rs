//! The members of a JSON object, each as it came: so that all that is wrong can be said at once, and what is passed on is
//! not written anew.

use std::fmt;

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, MapAccess, Visitor},
};
use serde_json::{Number, value::RawValue};

use super::{
    ProblemKind,
    problem::{Mistake, Problem, short},
};

/// More than anything here knows.
const MEMBERS_MAX: usize = 64;

/// The error of a body that has more.
const MANY: &str = "too many members";

/// The members of an object that were not asked for yet.
pub(super) struct Members<'b> {
    body: &'b Bytes,
    left: Vec<(String, &'b RawValue)>,
    pub(super) mistakes: Vec<Mistake>,
}

struct Raw<'b>(Vec<(String, &'b RawValue)>);

impl<'b> Members<'b> {
    /// Of a body; an empty one is an empty object.
    pub(super) fn of(body: &'b Bytes) -> Result<Self, Problem> {
        if body.is_empty() {
            return Ok(Self { body, left: Vec::new(), mistakes: Vec::new() });
        }
        let malformed = |error: serde_json::Error| {
            if error.is_data() {
                let says = error.to_string();
                let many =
                    says.starts_with(MANY).then(|| format!("may have {MEMBERS_MAX} members"));
                let says = many.unwrap_or_else(|| "must be an object".to_owned());
                return Problem::invalid(vec![Mistake::in_body("", says)]);
            }
            let (line, column) = (error.line(), error.column());
            let says = error.to_string();
            let says = says.split(" at line ").next().unwrap_or_default();
            Problem::new(
                ProblemKind::MalformedJson,
                format!("line {line}, column {column}: {says}"),
            )
        };
        let Raw(left) = serde_json::from_slice(body).map_err(malformed)?;
        let mut mistakes = Vec::new();
        for (place, (name, _)) in left.iter().enumerate() {
            if left[..place].iter().any(|(other, _)| other == name) {
                mistakes.push(Mistake::in_body(pointer(name), "is given twice"));
            }
        }
        Ok(Self { body, left, mistakes })
    }

    /// The bytes of a member, as they came; none where it is not there.
    pub(super) fn raw(&mut self, name: &str) -> Option<Bytes> {
        let place = self.left.iter().position(|(other, _)| other == name)?;
        let (_, raw) = self.left.remove(place);
        self.left.retain(|(other, _)| other != name);
        Some(self.body.slice_ref(raw.get().as_bytes()))
    }

    /// A member; none where it is not there, is `null`, or is not right.
    pub(super) fn take<T: DeserializeOwned>(&mut self, name: &str, expected: &str) -> Option<T> {
        let raw = self.raw(name)?;
        match serde_json::from_slice::<Option<T>>(&raw) {
            Ok(value) => value,
            Err(_) => {
                self.mistake(name, format!("must be {expected}"));
                None
            }
        }
    }

    /// Those that were not asked for, each once; they are known.
    pub(super) fn rest(&mut self) -> Vec<(String, Bytes)> {
        let mut rest: Vec<(String, Bytes)> = Vec::new();
        for (name, raw) in self.left.drain(..) {
            if !rest.iter().any(|(other, _)| *other == name) {
                rest.push((name, self.body.slice_ref(raw.get().as_bytes())));
            }
        }
        rest
    }

    /// A whole number: `3.0` is one, too (JSON Schema 2020-12 core, section 4.2.2).
    pub(super) fn whole(&mut self, name: &str, expected: &str) -> Option<u64> {
        // What is larger is no number of anything here, and not exact.
        const MAX: f64 = 9_007_199_254_740_991.0;
        let number = self.take::<Number>(name, expected)?;
        let float = number.as_f64().filter(|it| it.fract() == 0.0 && (0.0..=MAX).contains(it));
        let whole = number.as_u64().or(float.map(|it| it as u64));
        if whole.is_none() {
            self.mistake(name, format!("must be {expected}"));
        }
        whole
    }

    /// Something is wrong with a member.
    pub(super) fn mistake(&mut self, name: &str, says: impl Into<String>) {
        self.mistakes.push(Mistake::in_body(pointer(name), says));
    }

    /// What was not asked for is not known.
    pub(super) fn end(mut self, known: &str) -> Result<(), Problem> {
        for (name, _) in &self.left {
            let mistake = Mistake::in_body(pointer(name), format!("is not known: {known}"));
            if !self.mistakes.contains(&mistake) {
                self.mistakes.push(mistake);
            }
        }
        if self.mistakes.is_empty() { Ok(()) } else { Err(Problem::invalid(self.mistakes)) }
    }
}

/// RFC 6901 section 3.
fn pointer(name: &str) -> String {
    format!("/{}", short(name).replace('~', "~0").replace('/', "~1"))
}

impl<'de> Deserialize<'de> for Raw<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Raw<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    if members.len() == MEMBERS_MAX {
                        return Err(A::Error::custom(MANY));
                    }
                    members.push(member);
                }
                Ok(Raw(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}
