//! Linear: GraphQL, where throttled is a 400.

use std::time::{Duration, SystemTime};

use fanfare_testkit::Scripted;
use serde_json::json;

use super::{
    ask::{self, Ask},
    stage::{Example, Mock},
    standins::standin,
    throttle::Throttle,
};

fn error(status: u16, code: &str, message: &str) -> Scripted {
    let error = json!({ "message": message, "extensions": { "code": code } });
    ask::json(status, &json!({ "errors": [error] }))
}

fn answer(ask: &Ask<'_>) -> Scripted {
    assert_eq!(ask.line(), "POST https://api.linear.app/graphql");
    // https://linear.app/developers/graphql#authentication: a personal key without `Bearer`.
    if ask.header("authorization") != standin("LINEAR_API_KEY") {
        return error(401, "AUTHENTICATION_ERROR", "Authentication required, not authenticated");
    }
    let asked = ask.json();
    if asked["query"].as_str().is_none_or(|query| !query.contains("issueCreate")) {
        return error(400, "GRAPHQL_VALIDATION_FAILED", "Cannot query field");
    }
    // https://linear.app/developers/graphql#creating-and-editing-issues: the team and a title.
    let input = &asked["variables"]["input"];
    if !input["teamId"].is_string() || input["title"].as_str().is_none_or(str::is_empty) {
        // https://linear.app/developers/graphql#error-handling: also with 200.
        return error(200, "INPUT_ERROR", "Argument Validation Error");
    }
    let created = json!({ "success": true, "issue": { "identifier": "OPS-7" } });
    ask::json(200, &json!({ "data": { "issueCreate": created } }))
}

fn linear() -> Mock {
    Box::new(answer)
}

#[expect(clippy::disallowed_methods, reason = "an API has a clock of its own")]
fn busy() -> Mock {
    let wait = Duration::from_secs(90);
    let over = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() + wait;
    // Their clocks agree to a second.
    let throttle = Throttle::new(wait - Duration::from_secs(1));
    Box::new(move |ask| {
        // https://linear.app/developers/rate-limiting: a 400, and milliseconds since 1970.
        let limited = || {
            error(400, "RATELIMITED", "Rate limit exceeded")
                .header("x-ratelimit-requests-remaining", "0")
                .header("x-ratelimit-requests-reset", &over.as_millis().to_string())
        };
        if throttle.refuses() { limited() } else { answer(ask) }
    })
}

pub(super) fn example() -> Example {
    let payload = json!({ "incident": { "title": "The disk of db-7 is full" } });
    Example::new("linear.yaml", payload, linear, r#"delivered [200] issue: "OPS-7""#)
}

#[tokio::test(start_paused = true)]
async fn an_issue_is_made() {
    let example = example();
    example.stands().await;
    example.at(busy, r#"delivered [400 200] issue: "OPS-7""#).await;
    let missed = "failed (refused by the API) [400] <refused: RATELIMITED: Rate limit exceeded>";
    example.broken_at(busy, ("code == \"RATELIMITED\"", "code == \"429\""), missed).await;
}

#[tokio::test(start_paused = true)]
async fn what_it_refuses() {
    let example = example();
    let bearer = ("api_key: { in: { header: Authorization }, value:", "bearer: { token:");
    example.broken(bearer.0, bearer.1, "failed (not authorised) [401]").await;
    let invalid =
        "failed (refused by the API) [200] <refused: INPUT_ERROR: Argument Validation Error>";
    example.broken("teamId:", "team:", invalid).await;
    example.sending(json!({ "incident": {} }), invalid).await;
    let unknown = "failed (refused by the API) [400] <refused: GRAPHQL_VALIDATION_FAILED: Cannot query field>";
    example.broken("{ issueCreate(", "{ createIssue(", unknown).await;
}
