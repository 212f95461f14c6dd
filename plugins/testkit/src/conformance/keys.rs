//! What tells an API that two requests are the same one, or are not.

use std::{collections::BTreeSet, slice::from_ref, time::Duration};

use fanfare_sdk::Repeat;

use super::{
    check::{Check, Checked, failed, skipped},
    subject::{
        DELIVERY, KEY, OTHER_DELIVERY, OTHER_KEY, Subject, difference, other as other_delivery,
    },
};
use crate::Received;

/// Headers that hold an idempotency key at most APIs that take one.
const KEY_HEADERS: &[&str] = &[
    "idempotency-key",
    "x-idempotency-key",
    "paypal-request-id",
    "i-twilio-idempotency-token",
    "webhook-id",
];

pub(super) const CHECKS: &[Check] = &[
    Check {
        must: "T13",
        name: "a repeat carries the same key",
        mend: "send `Call::idempotency_key` or `Call::delivery_id` as it is, and nothing else as a key",
        run: |subject| Box::pin(same(subject)),
    },
    Check {
        must: "T14",
        name: "another delivery carries another key",
        mend: "make the key of `Call::idempotency_key` or `Call::delivery_id`: with a key that is always the same, \
               the API drops the second broadcast as a repeat of the first",
        run: |subject| Box::pin(other(subject)),
    },
    Check {
        must: "T15",
        name: "a promise that a repeat does no harm rests on something",
        mend: "send a key, or declare `Repeat::Never`; where the API recognises a repeat by something else, say so by \
               `ConformanceBuilder::recognised_by`",
        run: |subject| Box::pin(promise(subject)),
    },
];

async fn same(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    let first = subject.call(&target.profile());
    let mut second = first.clone();
    second.number = 2;
    second.now = first.now.after(Duration::from_secs(300));
    second.nonce = [9; 16];
    let first = keys(&subject.prepared(&*target, first).await?.received);
    let second = keys(&subject.prepared(&*target, second).await?.received);
    unchanged(&first, &second)
}

/// The keys of a request and of its repeat.
pub(super) fn unchanged(first: &Keys, second: &Keys) -> Checked {
    if first.is_empty() && second.is_empty() {
        return skipped("no key is to be seen in the request");
    }
    match first.symmetric_difference(second).next() {
        None => Ok(()),
        Some((place, _)) => failed(format!("another key in the {place}")),
    }
}

async fn other(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    let call = subject.call(&target.profile());
    let first = keys(&subject.prepared(&*target, call.clone()).await?.received);
    let second = keys(&subject.prepared(&*target, other_delivery(call)).await?.received);
    if first.is_empty() && second.is_empty() {
        return skipped("no key is to be seen in the request");
    }
    match first.intersection(&second).next() {
        None => Ok(()),
        Some((place, _)) => failed(format!("the same key in the {place}")),
    }
}

async fn promise(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    let profile = target.profile();
    if profile.repeat == Repeat::Never {
        return skipped("it makes no such promise");
    }
    if let Some(what) = &subject.recognised_by {
        return skipped(format!("the API recognises a repeat by {what}"));
    }
    let call = subject.call(&profile);
    let first = subject.prepared(&*target, call.clone()).await?.received;
    let second = subject.prepared(&*target, other_delivery(call)).await?.received;
    // What is made of the key may be anything; but then another key makes another request.
    let rests = |(one, other): (&Received, &Received)| {
        one.method.is_idempotent() || difference(from_ref(one), from_ref(other)).is_some()
    };
    match first.iter().zip(&second).find(|pair| !rests(*pair)) {
        None => Ok(()),
        Some((request, _)) => {
            let method = &request.method;
            failed(format!("`{:?}` is declared, and a {method} carries no key", profile.repeat))
        }
    }
}

/// Keys that can be seen, each with its place.
pub(super) type Keys = BTreeSet<(String, String)>;

/// Every key that can be seen: whatever stands in a known header, and whatever holds a marker.
pub(super) fn keys(received: &[Received]) -> Keys {
    let mut keys = Keys::new();
    let markers = [KEY, DELIVERY, OTHER_KEY, OTHER_DELIVERY];
    for (number, request) in received.iter().enumerate() {
        let mut places =
            vec![("URL".to_owned(), request.uri.to_string()), ("body".to_owned(), request.text())];
        for (name, value) in &request.headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            let place = format!("header `{name}`");
            if KEY_HEADERS.contains(&name.as_str()) {
                keys.insert((format!("{place} of request {number}"), value));
            } else {
                places.push((place, value));
            }
        }
        for (place, text) in places {
            let tokens = text.split(|c: char| !(c.is_ascii_alphanumeric() || "-_.:".contains(c)));
            let marked = tokens.filter(|token| markers.iter().any(|marker| token.contains(marker)));
            keys.extend(marked.map(|t| (format!("{place} of request {number}"), t.to_owned())));
        }
    }
    keys
}
