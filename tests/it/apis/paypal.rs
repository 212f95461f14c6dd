//! PayPal: a token that is fetched, and a key under a name of its own.

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

const ORIGIN: &str = "https://api-m.paypal.com";

/// Tokens given out by all of them: no two are the same, as tokens are kept for all who ask the same endpoint.
static TOKENS: AtomicU32 = AtomicU32::new(0);

/// The token that it has taken back, and orders by key.
#[derive(Default)]
struct PayPal {
    /// Whether the first token that it sees is taken back.
    revokes: bool,
    revoked: Mutex<Option<String>>,
    orders: Mutex<BTreeMap<String, Value>>,
    forgets: bool,
}

impl PayPal {
    fn answer(&self, ask: &Ask<'_>) -> Scripted {
        match ask.line().strip_prefix(&format!("POST {ORIGIN}")) {
            Some("/v1/oauth2/token") => self.token(ask),
            Some("/v2/checkout/orders") => self.order(ask),
            _ => ask::json(404, &json!({ "name": "RESOURCE_NOT_FOUND" })),
        }
    }

    /// <https://developer.paypal.com/api/rest/authentication/>
    fn token(&self, ask: &Ask<'_>) -> Scripted {
        // https://developer.paypal.com/api/rest/authentication/: Basic, and a form.
        if ask.basic()
            != format!("{}:{}", standin("PAYPAL_CLIENT_ID"), standin("PAYPAL_CLIENT_SECRET"))
        {
            return ask::json(401, &json!({ "error": "invalid_client" }));
        }
        if ask.form().get("grant_type").map(String::as_str) != Some("client_credentials") {
            return ask::json(400, &json!({ "error": "unsupported_grant_type" }));
        }
        let token = format!("A21AA-{}", TOKENS.fetch_add(1, Ordering::Relaxed));
        ask::json(
            200,
            &json!({ "access_token": token, "token_type": "Bearer", "expires_in": 32_400 }),
        )
    }

    /// <https://developer.paypal.com/docs/api/orders/v2/#orders_create>
    fn order(&self, ask: &Ask<'_>) -> Scripted {
        // https://developer.paypal.com/api/rest/responses/: a token of ours, and one that is good still.
        let mut revoked = self.revoked.lock().unwrap();
        if self.revokes && revoked.is_none() {
            *revoked = Some(ask.bearer().to_owned());
        }
        if !ask.bearer().starts_with("A21AA-") || revoked.as_deref() == Some(ask.bearer()) {
            return ask::json(401, &json!({ "error": "invalid_token" }));
        }
        let refused = |status, issue: &str| {
            ask::json(
                status,
                &json!({ "name": "INVALID_REQUEST", "details": [{ "issue": issue }] }),
            )
        };
        // https://developer.paypal.com/docs/api/orders/v2/#orders_create: what for, and how much as a decimal text.
        let order = ask.json();
        if !["CAPTURE", "AUTHORIZE"].map(Value::from).contains(&order["intent"]) {
            return refused(400, "MISSING_REQUIRED_PARAMETER");
        }
        let amount = &order["purchase_units"][0]["amount"];
        let value = amount["value"].as_str().unwrap_or_default();
        if value.parse::<f64>().is_err()
            || amount["currency_code"].as_str().is_none_or(|it| it.len() != 3)
        {
            return refused(400, "INVALID_PARAMETER_VALUE");
        }
        if value.split_once('.').is_some_and(|(_, decimals)| decimals.len() > 2) {
            return refused(422, "DECIMAL_PRECISION");
        }
        // https://developer.paypal.com/reference/guidelines/idempotency: the same key, the same order.
        let mut orders = self.orders.lock().unwrap();
        let (key, count) = (ask.header("paypal-request-id").to_owned(), orders.len());
        let key = if key.is_empty() { format!("none-{count}") } else { key };
        let known = orders.contains_key(&key);
        let id = json!(format!("order-{}", count + 1));
        let id = orders.entry(key).or_insert(id).clone();
        if self.forgets && !known && count == 0 {
            return Scripted::reset_after();
        }
        ask::json(if known { 200 } else { 201 }, &json!({ "id": id, "status": "CREATED" }))
    }
}

fn paypal() -> Mock {
    let paypal = PayPal::default();
    Box::new(move |ask| paypal.answer(ask))
}

/// The order is made, and its answer lost.
fn forgetful() -> Mock {
    let paypal = PayPal { forgets: true, ..PayPal::default() };
    Box::new(move |ask| paypal.answer(ask))
}

/// The token is taken back before it is used.
fn revoking() -> Mock {
    let paypal = PayPal { revokes: true, ..PayPal::default() };
    Box::new(move |ask| paypal.answer(ask))
}

pub(super) fn example() -> Example {
    let payload = json!({ "order": { "id": "o-7", "cents": 1999, "currency": "EUR" } });
    Example::new("paypal.yaml", payload, paypal, r#"delivered [201] id: "order-1""#)
}

#[tokio::test(start_paused = true)]
async fn an_order_is_made_once() {
    let example = example();
    example.stands().await;
    example.at(revoking, r#"delivered [401 201] id: "order-1""#).await;
    example.at(forgetful, r#"delivered [- 200] id: "order-1""#).await;
    let other = ("header: PayPal-Request-Id", "header: Request-Id");
    example.broken_at(forgetful, other, r#"delivered [- 201] id: "order-2""#).await;
}

#[tokio::test(start_paused = true)]
async fn what_it_refuses() {
    let example = example();
    let refused =
        |status, code| format!("failed (refused by the API) [{status}] error: \"{code}\"");
    example.broken("intent:", "intend:", &refused(400, "MISSING_REQUIRED_PARAMETER")).await;
    example
        .broken(
            "(.order.cents / 100 | tostring)",
            ".order.cents",
            &refused(400, "INVALID_PARAMETER_VALUE"),
        )
        .await;
    let precise = json!({ "order": { "id": "o-7", "cents": 1999.5, "currency": "EUR" } });
    example.sending(precise, &refused(422, "DECIMAL_PRECISION")).await;
    example.broken("${env:PAYPAL_CLIENT_SECRET}", "other", "failed (not authorised) [-]").await;
}
