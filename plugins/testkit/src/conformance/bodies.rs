//! Bodies of replies as nobody would write them: random bytes, and what the API says with one thing changed.

use bytes::Bytes;
use serde_json::{Value, json};

/// Bodies made of one that the API sends: bounds the time of the suite.
const CHANGED_MAX: usize = 400;
const RANDOM: usize = 64;
const RANDOM_BYTES_MAX: usize = 200;

/// The same ones each time.
pub(super) fn odd(accepted: &Bytes) -> Vec<Bytes> {
    let mut bodies = vec![];
    let json = [
        "null",
        "true",
        "-1",
        "1e308",
        "\"\"",
        "[]",
        "{}",
        "[[[{}]]]",
        "{\"a\":",
        "\u{feff}{}",
        r#"{"ok":false,"ok":true}"#,
        r#"{"error":{"code":1},"errors":null,"status":"ok"}"#,
    ];
    bodies.extend(json.map(Bytes::from));
    bodies.extend(cut(accepted));
    bodies.extend(changed(accepted));
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..RANDOM {
        let length = random.usize(..RANDOM_BYTES_MAX);
        bodies.push(std::iter::repeat_with(|| random.u8(..)).take(length).collect());
    }
    bodies
}

/// Its beginnings, and it with a byte that is no UTF-8 in it.
fn cut(accepted: &Bytes) -> impl Iterator<Item = Bytes> {
    let step = accepted.len() / (CHANGED_MAX / 4) + 1;
    (0..accepted.len()).step_by(step).flat_map(|at| {
        let mut broken = accepted.to_vec();
        broken[at] = 0xff;
        [accepted.slice(..at), broken.into()]
    })
}

/// Every value of a JSON document replaced by one of each other type.
fn changed(accepted: &Bytes) -> Vec<Bytes> {
    let Ok(document) = serde_json::from_slice::<Value>(accepted) else { return Vec::new() };
    let others =
        || [json!(null), json!(true), json!(-1), json!(1e308), json!(""), json!([]), json!({})];
    let mut changed = Vec::new();
    for pointer in pointers(&document) {
        for other in others() {
            let mut document = document.clone();
            if let Some(value) = document.pointer_mut(&pointer) {
                *value = other;
            }
            changed.push(document.to_string().into());
            if changed.len() == CHANGED_MAX {
                return changed;
            }
        }
    }
    changed
}

/// JSON pointers (RFC 6901) to all values, the document first.
fn pointers(document: &Value) -> Vec<String> {
    let (mut found, mut next) = (vec![String::new()], 0);
    while let Some(pointer) = found.get(next).cloned().filter(|_| found.len() < CHANGED_MAX) {
        next += 1;
        let keys: Vec<String> = match document.pointer(&pointer) {
            Some(Value::Object(map)) => {
                map.keys().map(|k| k.replace('~', "~0").replace('/', "~1")).collect()
            }
            Some(Value::Array(list)) => (0..list.len()).map(|at| at.to_string()).collect(),
            Some(_) | None => Vec::new(),
        };
        found.extend(keys.into_iter().map(|key| format!("{pointer}/{key}")));
    }
    found
}
