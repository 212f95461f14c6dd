//! GitHub: a user agent that it asks for, versions by date, and two kinds of limits that are both called 403.

use std::time::{Duration, SystemTime};

use fanfare_testkit::Scripted;
use serde_json::json;

use super::{
    ask::{self, Ask},
    stage::{Example, Mock},
    standins::standin,
    throttle::Throttle,
};

fn error(status: u16, message: &str) -> Scripted {
    let url = "https://docs.github.com/rest";
    ask::json(status, &json!({ "message": message, "documentation_url": url }))
}

/// As far as it speaks these versions.
fn answer(ask: &Ask<'_>, versions: &[&str]) -> Scripted {
    // https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api#user-agent
    if ask.header("user-agent").is_empty() {
        return error(403, "Request forbidden by administrative rules.");
    }
    // https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api
    if ask.bearer() != standin("GITHUB_TOKEN") {
        return error(401, "Bad credentials");
    }
    // https://docs.github.com/en/rest/about-the-rest-api/api-versions: 400 for one that is no longer spoken.
    if !versions.contains(&ask.header("x-github-api-version")) {
        return error(400, "The API version in the X-GitHub-Api-Version header is not supported.");
    }
    // https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#404-not-found-for-an-existing-resource
    if ask.line() != "POST https://api.github.com/repos/octo/hello/dispatches" {
        return error(404, "Not Found");
    }
    // https://docs.github.com/en/rest/repos/repos#create-a-repository-dispatch-event
    let event = ask.json();
    let is_named = event["event_type"].as_str().is_some_and(|it| (1..=100).contains(&it.len()));
    if !is_named || event["client_payload"].as_object().is_none_or(|it| it.len() > 10) {
        return error(422, "Invalid request.");
    }
    Scripted::status(204)
}

fn github() -> Mock {
    Box::new(|ask| answer(ask, &["2026-03-10", "2022-11-28"]))
}

fn older() -> Mock {
    Box::new(|ask| answer(ask, &["2022-11-28"]))
}

/// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
fn secondary() -> Mock {
    let throttle = Throttle::new(Duration::from_secs(60));
    Box::new(move |ask| {
        let says = "You have exceeded a secondary rate limit.";
        if throttle.refuses() {
            error(403, says).header("retry-after", "60")
        } else {
            answer(ask, &["2026-03-10"])
        }
    })
}

#[expect(clippy::disallowed_methods, reason = "an API has a clock of its own")]
fn primary() -> Mock {
    let wait = Duration::from_secs(100);
    let over = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() + wait;
    // Their clocks agree to two seconds.
    let throttle = Throttle::new(wait - Duration::from_secs(2));
    Box::new(move |ask| {
        if throttle.refuses() {
            error(403, "API rate limit exceeded")
                .header("x-ratelimit-remaining", "0")
                .header("x-ratelimit-reset", &over.as_secs().to_string())
        } else {
            answer(ask, &["2026-03-10"])
        }
    })
}

pub(super) fn example() -> Example {
    let payload = json!({ "order": { "id": "o-7", "customer": "Ada" } });
    Example::new("github.yaml", payload, github, "delivered [204]")
}

#[tokio::test(start_paused = true)]
async fn an_event_is_taken() {
    let example = example();
    example.stands().await;
    example.at(older, "delivered [400 204]").await;
    example.at(secondary, "delivered [403 204]").await;
    example.at(primary, "delivered [403 204]").await;
}

#[tokio::test(start_paused = true)]
async fn what_it_refuses() {
    let example = example();
    example.broken("${env:GITHUB_TOKEN}", "other", "failed (not authorised) [401]").await;
    example.broken("octo/hello", "octo/other", "failed (refused by the API) [404]").await;
    let one = ("[\"2026-03-10\", \"2022-11-28\"]", "[\"2026-03-10\"]");
    example.broken_at(older, one, "failed (no version left that the API speaks) [400]").await;
}
