//! Square: an idempotency key that stands in the body.

use std::{collections::BTreeMap, sync::Mutex};

use fanfare_testkit::Scripted;
use serde_json::{Value, json};

use super::{
    ask::{self, Ask},
    stage::{Example, Mock},
    standins::standin,
};

/// What was asked with each key.
type Ledger = BTreeMap<String, Value>;

fn error(status: u16, category: &str, code: &str) -> Scripted {
    ask::json(status, &json!({ "errors": [{ "category": category, "code": code }] }))
}

fn answer(ask: &Ask<'_>, ledger: &mut Ledger) -> Scripted {
    assert_eq!(ask.line(), "POST https://connect.squareup.com/v2/payments");
    // https://developer.squareup.com/docs/build-basics/general-considerations/handling-errors
    if ask.bearer() != standin("SQUARE_ACCESS_TOKEN") {
        return error(401, "AUTHENTICATION_ERROR", "UNAUTHORIZED");
    }
    // https://developer.squareup.com/reference/square/payments-api/create-payment: 1 to 45 characters.
    let payment = ask.json();
    let wrong = |code| error(400, "INVALID_REQUEST_ERROR", code);
    let text = |name: &str| payment[name].as_str().unwrap_or_default();
    match text("idempotency_key").len() {
        0 => return wrong("MISSING_REQUIRED_PARAMETER"),
        1..=45 => {}
        _ => return wrong("VALUE_TOO_LONG"),
    }
    if text("source_id").is_empty() {
        return wrong("MISSING_REQUIRED_PARAMETER");
    }
    // https://developer.squareup.com/reference/square/payments-api/create-payment: 40 characters at the most.
    if text("reference_id").len() > 40 {
        return wrong("VALUE_TOO_LONG");
    }
    // https://developer.squareup.com/docs/build-basics/common-data-types/working-with-monetary-amounts
    let money = &payment["amount_money"];
    let currency = money["currency"].as_str().unwrap_or_default();
    if !money["amount"].is_u64() || currency.len() != 3 || currency != currency.to_uppercase() {
        return wrong("INVALID_VALUE");
    }
    // https://developer.squareup.com/docs/build-basics/common-api-patterns/idempotency: the same request with the
    // same key gets the same payment, another one an error.
    let next = ledger.len() + 1;
    let asked = ledger.entry(text("idempotency_key").to_owned()).or_insert_with(|| payment.clone());
    if *asked != payment {
        return wrong("IDEMPOTENCY_KEY_REUSED");
    }
    let id = format!("p{}", ledger.len().min(next));
    ask::json(200, &json!({ "payment": { "id": id, "status": "COMPLETED" } }))
}

fn square() -> Mock {
    let ledger = Mutex::<Ledger>::default();
    Box::new(move |ask| answer(ask, &mut ledger.lock().unwrap()))
}

fn forgetful() -> Mock {
    let ledger = Mutex::<Ledger>::default();
    Box::new(move |ask| {
        let mut ledger = ledger.lock().unwrap();
        let first = ledger.is_empty();
        let answer = answer(ask, &mut ledger);
        if first { Scripted::reset_after() } else { answer }
    })
}

/// The key of somebody else's payment.
fn taken() -> Mock {
    Box::new(|ask| {
        let key = ask.json()["idempotency_key"].as_str().unwrap_or_default().to_owned();
        answer(ask, &mut Ledger::from([(key, json!({}))]))
    })
}

pub(super) fn example() -> Example {
    let payload =
        json!({ "card": "ccof:1", "order": { "id": "o-7", "cents": 1999, "currency": "eur" } });
    Example::new("square.yaml", payload, square, r#"delivered [200] id: "p1""#)
}

#[tokio::test(start_paused = true)]
async fn one_pays_once() {
    let example = example();
    example.stands().await;
    example.at(forgetful, r#"delivered [- 200] id: "p1""#).await;
    let reused = r#"failed (refused by the API) [400] error: "IDEMPOTENCY_KEY_REUSED""#;
    example.at(taken, reused).await;
}

#[tokio::test(start_paused = true)]
async fn what_it_refuses() {
    let example = example();
    let refused = |code| format!("failed (refused by the API) [400] error: \"{code}\"");
    let missing = refused("MISSING_REQUIRED_PARAMETER");
    example.broken("{ body: idempotency_key, send: false }", "{ send: false }", &missing).await;
    example.broken("body: idempotency_key,", "body: key,", &missing).await;
    example.broken(" | ascii_upcase", "", &refused("INVALID_VALUE")).await;
    example
        .broken(
            "${env:SQUARE_ACCESS_TOKEN}",
            "other",
            r#"failed (not authorised) [401] error: "UNAUTHORIZED""#,
        )
        .await;
    let long =
        json!({ "card": "c", "order": { "id": "o".repeat(41), "cents": 1, "currency": "eur" } });
    example.sending(long, &refused("VALUE_TOO_LONG")).await;
}
