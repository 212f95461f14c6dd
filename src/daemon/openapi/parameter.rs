//! Parameters of the path, the query and the head of a request.

use serde_json::{Value, json};

use crate::daemon::query::OUTCOMES;

/// Something that a request may say beside its body.
#[derive(Clone, Debug)]
pub(in crate::daemon) struct Parameter {
    place: &'static str,
    name: &'static str,
    says: &'static str,
    required: bool,
    schema: Value,
}

impl Parameter {
    pub(super) fn described(&self) -> Value {
        json!({
            "in": self.place,
            "name": self.name,
            "description": self.says,
            "required": self.required,
            "schema": self.schema,
        })
    }
}

fn query(name: &'static str, says: &'static str, schema: Value) -> Parameter {
    Parameter { place: "query", name, says, required: false, schema }
}

pub(super) fn header(name: &'static str, says: &'static str, schema: Value) -> Parameter {
    Parameter { place: "header", name, says, required: false, schema }
}

/// Those of a path, by the names in braces.
pub(super) fn of_path(path: &str) -> Vec<Parameter> {
    let names = path.split('{').skip(1).filter_map(|part| part.split('}').next());
    let known = |name: &str| match name {
        "id" => ("id", "The broadcast.", json!({ "type": "string", "format": "uuid" })),
        "name" => ("name", "The target.", json!({ "type": "string" })),
        _ => ("route", "The route.", json!({ "type": "string" })),
    };
    let parameter = |name| {
        let (name, says, schema) = known(name);
        Parameter { place: "path", name, says, required: true, schema }
    };
    names.map(parameter).collect()
}

/// `Prefer`: what is not understood in it is ignored.
pub(super) fn prefer() -> Parameter {
    let says = "`wait=5` answers with the report once the verdict has fallen, within 5 seconds; 60 at most. \
                `respond-async` answers at once (RFC 7240).";
    header("Prefer", says, json!({ "type": "string" }))
}

pub(super) fn idempotency_key() -> Parameter {
    let says = "The same key and the same request again are the same broadcast. A string as RFC 9651 writes it, or the text alone; 255 bytes of it.";
    let schema = json!({ "type": "string", "minLength": 1 });
    header("Idempotency-Key", says, schema)
}

/// The caller's trace. What is malformed is ignored.
pub(super) fn trace() -> Vec<Parameter> {
    let text = || json!({ "type": "string" });
    vec![
        header("traceparent", "The caller's span (W3C Trace Context).", text()),
        header("tracestate", "What else the caller's trace carries.", text()),
    ]
}

pub(super) fn baggage() -> Parameter {
    let says = "Goes along to the targets that are told to get it (W3C Baggage).";
    header("baggage", says, json!({ "type": "string" }))
}

pub(super) fn until() -> Parameter {
    let says = "What `Prefer: wait` waits for; the verdict unless it says otherwise.";
    query("until", says, json!({ "type": "string", "enum": ["verdict", "settled"] }))
}

/// Which events.
pub(super) fn happenings() -> Vec<Parameter> {
    let text = || json!({ "type": "string" });
    vec![
        query("route", "Of broadcasts on that route.", text()),
        query("target", "Of that target, and of deliveries to it.", text()),
        query("kind", "Of these kinds, with commas between.", text()),
    ]
}

pub(super) fn last_event_id() -> Parameter {
    let says = "The id of the last event that was read: goes on behind it.";
    header("Last-Event-ID", says, json!({ "type": "string" }))
}

fn page(cursor: Value) -> [Parameter; 2] {
    let count = json!({ "type": "integer", "minimum": 1, "maximum": 1_000, "default": 100 });
    [
        query("limit", "Entries at most.", count),
        query("cursor", "`next` of the page before.", cursor),
    ]
}

fn times() -> [Parameter; 2] {
    let time = || json!({ "type": "string", "format": "date-time" });
    [query("from", "Then or later.", time()), query("until", "Before.", time())]
}

/// Which broadcasts.
pub(super) fn broadcasts() -> Vec<Parameter> {
    let text = || json!({ "type": "string" });
    let mut all = vec![
        query("route", "Sent to that route.", text()),
        query("target", "With that recipient.", text()),
        query(
            "state",
            "Where they stand.",
            json!({ "type": "string", "enum": ["open", "settled"] }),
        ),
        query(
            "verdict",
            "How they ended.",
            json!({ "type": "string", "enum": ["satisfied", "unsatisfied"] }),
        ),
    ];
    all.extend(times());
    all.extend(page(json!({ "type": "string", "format": "uuid" })));
    all
}

/// Which dead letters.
pub(super) fn dead_letters() -> Vec<Parameter> {
    let text = || json!({ "type": "string" });
    let mut all = vec![
        query("broadcast", "Of that broadcast.", json!({ "type": "string", "format": "uuid" })),
        query("target", "To that recipient.", text()),
        query("route", "Sent to that route.", text()),
        query("outcome", "How they ended.", json!({ "type": "string", "enum": OUTCOMES })),
        query("reason", "Why, by its code.", text()),
    ];
    all.extend(times());
    all.extend(page(json!({ "type": "string", "pattern": "^[0-9a-f]{1,15}-[0-9a-f]{1,16}$" })));
    all
}

/// The attributes of an event in binary mode; in structured mode they stand in the body.
pub(super) fn attributes() -> Vec<Parameter> {
    let text = || json!({ "type": "string" });
    vec![
        header("ce-specversion", "Binary mode: `1.0`.", text()),
        header("ce-id", "Binary mode: which event of its source it is.", text()),
        header("ce-source", "Binary mode: where it happened, a URI reference.", text()),
        header("ce-type", "Binary mode: what happened.", text()),
    ]
}

pub(super) fn origin() -> Parameter {
    header("WebHook-Request-Origin", "Who wants to send.", json!({ "type": "string" }))
}
