//! Shopify: GraphQL, where 200 may be a refusal, and a bucket of points that fills up again.

use std::time::Duration;

use fanfare_testkit::Scripted;
use serde_json::{Value, json};

use super::{
    ask::{self, Ask},
    stage::{Example, Mock},
    standins::standin,
    throttle::Throttle,
};

/// What the query costs, and what the bucket gets back each second.
const COST: f64 = 752.0;
const RESTORED: f64 = 50.0;

fn cost(available: f64) -> Value {
    let bucket = json!({ "maximumAvailable": 1000.0, "currentlyAvailable": available, "restoreRate": RESTORED });
    json!({ "cost": { "requestedQueryCost": COST, "actualQueryCost": null, "throttleStatus": bucket } })
}

fn answer(ask: &Ask<'_>) -> Scripted {
    let line = ask.line();
    let shop = standin("SHOPIFY_SHOP");
    let before = format!("POST https://{shop}.myshopify.com/admin/api/");
    let version = line.strip_prefix(&before).and_then(|it| it.strip_suffix("/graphql.json"));
    // https://shopify.dev/docs/api/usage/versioning: a version that is gone is answered by the oldest that there is;
    // one that never was is not found.
    let spoken = match version {
        Some("2026-01" | "2026-04" | "2026-07" | "2026-10") => version.unwrap_or_default(),
        Some(gone) if gone.len() == 7 && gone < "2026-01" => "2026-01",
        _ => return ask::json(404, &json!({ "errors": "Not Found" })),
    };
    // https://shopify.dev/docs/api/admin-graphql#authentication: the errors are a text then.
    if ask.header("x-shopify-access-token") != standin("SHOPIFY_ACCESS_TOKEN") {
        let says = "[API] Invalid API key or access token (unrecognized login or wrong password)";
        return ask::json(401, &json!({ "errors": says }));
    }
    // https://shopify.dev/docs/api/admin-graphql#status-and-error-codes: what is wrong is told with 200.
    let asked = ask.json();
    let input = &asked["variables"]["input"];
    let reply = if asked["query"].as_str().is_none_or(|query| !query.contains("customerCreate")) {
        json!({ "errors": [{ "message": "query is missing", "extensions": { "code": "parseError" } }] })
    } else if !input.is_object() {
        json!({ "errors": [{ "message": "Variable $input of type CustomerInput! was provided invalid value" }] })
    // https://shopify.dev/docs/api/admin-graphql/latest/mutations/customerCreate: what the shop refuses.
    } else if input["email"].as_str().is_none_or(|email| !email.contains('@')) {
        let wrong = json!([{ "field": ["email"], "message": "Email is invalid" }]);
        json!({ "data": { "customerCreate": { "customer": null, "userErrors": wrong } } })
    } else {
        let customer = json!({ "id": "gid://shopify/Customer/7" });
        json!({ "data": { "customerCreate": { "customer": customer, "userErrors": [] } }, "extensions": cost(248.0) })
    };
    ask::json(200, &reply).header("x-shopify-api-version", spoken)
}

fn shopify() -> Mock {
    Box::new(answer)
}

fn empty() -> Mock {
    // https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits: until the bucket holds what it costs again.
    let available = 252.0;
    let throttle = Throttle::new(Duration::from_secs_f64((COST - available) / RESTORED));
    Box::new(move |ask| {
        let error = json!({ "message": "Throttled", "extensions": { "code": "THROTTLED" } });
        let says = || ask::json(200, &json!({ "errors": [error], "extensions": cost(available) }));
        if throttle.refuses() { says() } else { answer(ask) }
    })
}

pub(super) fn example() -> Example {
    let payload = json!({ "customer": { "name": "Ada", "email": "ada@example.com" } });
    let expected = r#"delivered [200] id: "gid://shopify/Customer/7", spoken: "2026-10""#;
    Example::new("shopify.yaml", payload, shopify, expected)
}

#[tokio::test(start_paused = true)]
async fn a_customer_is_made() {
    let example = example();
    example.stands().await;
    let delivered = r#"id: "gid://shopify/Customer/7", spoken: "2026-10""#;
    example.at(empty, &format!("delivered [200 200] {delivered}")).await;
    // Without the rule it would be taken for made.
    example
        .broken_at(
            empty,
            ("THROTTLED", "SLOW"),
            r#"failed (refused by the API) [200] <refused: Throttled>"#,
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_it_refuses() {
    let example = example();
    let fell_forward = r#"delivered [200] id: "gid://shopify/Customer/7", spoken: "2026-01""#;
    example.broken("2026-10\"", "2025-10\"", fell_forward).await;
    example.broken("2026-10\"", "2027\"", "failed (refused by the API) [404]").await;
    example
        .broken(
            "value: \"${env:SHOPIFY_ACCESS_TOKEN}\"",
            "value: other",
            "failed (not authorised) [401]",
        )
        .await;
    example.broken("variables:", "vars:", "failed (refused by the API) [200] <refused: Variable $input of type CustomerInput! was provided invalid value> spoken: \"2026-10\"").await;
    let odd = json!({ "customer": { "name": "Ada", "email": "ada" } });
    example.sending(odd, r#"failed (refused by the API) [200] <refused by the shop: Email is invalid> spoken: "2026-10""#).await;
}
