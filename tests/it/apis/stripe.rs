//! Stripe: forms, a version by date, and answers that are kept by idempotency key.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use fanfare_testkit::Scripted;
use serde_json::{Value, json};

use super::{
    ask::{self, Ask},
    stage::{Example, Mock},
    standins::standin,
};

/// What has been paid, by key: what was asked, and what was answered.
#[derive(Default)]
struct Ledger {
    by_key: BTreeMap<String, (BTreeMap<String, String>, Value)>,
    paid: u32,
}

fn error(status: u16, kind: &str, code: &str) -> Scripted {
    ask::json(status, &json!({ "error": { "type": kind, "code": code } }))
}

fn answer(ask: &Ask<'_>, ledger: &mut Ledger) -> Scripted {
    assert_eq!(ask.line(), "POST https://api.stripe.com/v1/payment_intents");
    // https://docs.stripe.com/api/authentication: a bearer, or the user of Basic.
    let key = standin("STRIPE_SECRET_KEY");
    if ask.bearer() != key && (ask.bearer(), ask.basic()) != ("", format!("{key}:")) {
        return error(401, "invalid_request_error", "");
    }
    // https://docs.stripe.com/api/versioning: a version that there is. Named by nobody, it is the account's own.
    if !["", "2026-08-26.dahlia", "2026-03-25.dahlia"].contains(&ask.header("stripe-version")) {
        return error(400, "invalid_request_error", "");
    }
    // https://docs.stripe.com/api: bodies are forms; what is not one has no parameters.
    let form = ask.form();
    // https://docs.stripe.com/api/idempotent_requests: up to 255 characters; the same key gets the same answer, and
    // other parameters with it are an error.
    let key = ask.header("idempotency-key").to_owned();
    assert!(key.len() <= 255);
    if let Some((asked, answered)) = ledger.by_key.get(&key) {
        if *asked != form {
            return error(400, "idempotency_error", "");
        }
        return ask::json(200, answered).header("idempotent-replayed", "true");
    }
    // https://docs.stripe.com/api/payment_intents/create: a whole number in the smallest unit, three letters.
    let amount = form.get("amount").and_then(|it| it.parse::<u64>().ok());
    let currency = form.get("currency").filter(|it| it.len() == 3);
    let (Some(amount), Some(currency)) = (amount, currency) else {
        let code = if form.contains_key("amount") {
            "parameter_invalid_integer"
        } else {
            "parameter_missing"
        };
        return error(400, "invalid_request_error", code);
    };
    ledger.paid += 1;
    let id = format!("pi_{}", ledger.paid);
    let intent = json!({ "id": id, "amount": amount, "currency": currency });
    if !key.is_empty() {
        ledger.by_key.insert(key, (form, intent.clone()));
    }
    ask::json(200, &intent)
}

fn stripe() -> Mock {
    let ledger = Mutex::<Ledger>::default();
    Box::new(move |ask| answer(ask, &mut ledger.lock().unwrap()))
}

/// The first payment is made, and its answer lost.
fn forgetful() -> Mock {
    let ledger = Mutex::<Ledger>::default();
    Box::new(move |ask| {
        let mut ledger = ledger.lock().unwrap();
        let first = ledger.paid == 0;
        let answer = answer(ask, &mut ledger);
        if first { Scripted::reset_after() } else { answer }
    })
}

/// Still at work with the same key.
fn at_work() -> Mock {
    let (ledger, asked) = (Mutex::<Ledger>::default(), AtomicU32::default());
    Box::new(move |ask| match asked.fetch_add(1, Ordering::Relaxed) {
        // https://docs.stripe.com/api/idempotent_requests: one that runs at the same time can be tried again.
        0 => error(409, "idempotency_error", "idempotency_key_in_use"),
        _ => answer(ask, &mut ledger.lock().unwrap()),
    })
}

pub(super) fn example() -> Example {
    let payload = json!({ "order": { "id": "o-7", "cents": 1999, "currency": "eur" } });
    Example::new("stripe.yaml", payload, stripe, r#"delivered [200] id: "pi_1""#)
}

#[tokio::test(start_paused = true)]
async fn one_pays_once() {
    let example = example();
    example.stands().await;
    example.at(forgetful, r#"delivered [- 200] id: "pi_1""#).await;
    example.at(at_work, r#"delivered [409 200] id: "pi_1""#).await;
    // Without the key the repeat that the file allows makes a second payment.
    let without = ("repeat:", "idempotency_key: { send: false }\n    repeat:");
    example.broken_at(forgetful, without, r#"delivered [- 200] id: "pi_2""#).await;
    example
        .broken_at(
            forgetful,
            ("same_endpoint", "never"),
            "indeterminate (a repeat is not known to be safe) [-]",
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_it_refuses() {
    let example = example();
    let refused = |code| format!("failed (refused by the API) [400] error: \"{code}\"");
    example.broken("{ form: ", "{ json: ", &refused("parameter_missing")).await;
    example.broken("2026-08-26.dahlia", "2026-08-26", &refused("")).await;
    example
        .broken("${env:STRIPE_SECRET_KEY}", "other", r#"failed (not authorised) [401] error: """#)
        .await;
    let cents = json!({ "order": { "id": "o-7", "cents": "19.99", "currency": "eur" } });
    example.sending(cents, &refused("parameter_invalid_integer")).await;
}
