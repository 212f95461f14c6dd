//! HubSpot: a conflict that is a success, and two quotas that are both called 429.

use std::{collections::BTreeSet, sync::Mutex, time::Duration};

use fanfare_testkit::Scripted;
use serde_json::json;

use super::{
    ask::{self, Ask},
    stage::{Example, Mock},
    standins::standin,
    throttle::Throttle,
};

/// E-mail addresses of contacts.
type Contacts = BTreeSet<String>;

fn error(status: u16, category: &str, message: &str) -> Scripted {
    ask::json(status, &json!({ "status": "error", "message": message, "category": category }))
}

fn answer(ask: &Ask<'_>, contacts: &mut Contacts) -> Scripted {
    // https://developers.hubspot.com/docs/api-reference/latest/overview: the version is a date in the path.
    if ask.line() != "POST https://api.hubapi.com/crm/objects/2026-03/contacts" {
        return error(404, "OBJECT_NOT_FOUND", "resource not found");
    }
    // https://developers.hubspot.com/docs/api-reference/error-handling
    if ask.bearer() != standin("HUBSPOT_TOKEN") {
        return error(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.");
    }
    // https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide: one contact an address.
    let contact = ask.json();
    let email = contact["properties"]["email"].as_str().unwrap_or_default();
    if !email.contains('@') {
        return error(400, "VALIDATION_ERROR", "Property values were not valid");
    }
    if !contacts.insert(email.to_owned()) {
        return error(409, "CONFLICT", "Contact already exists. Existing ID: 151");
    }
    ask::json(201, &json!({ "id": "151", "properties": { "email": email } }))
}

fn hubspot() -> Mock {
    let contacts = Mutex::<Contacts>::default();
    Box::new(move |ask| answer(ask, &mut contacts.lock().unwrap()))
}

/// The contact is made, and the answer lost.
fn forgetful() -> Mock {
    let contacts = Mutex::<Contacts>::default();
    Box::new(move |ask| {
        let mut contacts = contacts.lock().unwrap();
        let first = contacts.is_empty();
        let answer = answer(ask, &mut contacts);
        if first { Scripted::reset_after() } else { answer }
    })
}

/// Beyond a quota. https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
fn limited(policy: &str) -> Scripted {
    let says = json!({
        "status": "error", "errorType": "RATE_LIMIT", "policyName": policy,
        "message": "You have reached your limit.",
    });
    ask::json(429, &says)
}

fn busy() -> Mock {
    let throttle = Throttle::new(Duration::from_millis(500));
    let contacts = Mutex::<Contacts>::default();
    Box::new(move |ask| match throttle.refuses() {
        true => limited("TEN_SECONDLY_ROLLING"),
        false => answer(ask, &mut contacts.lock().unwrap()),
    })
}

fn done_for_today() -> Mock {
    Box::new(|_| limited("DAILY"))
}

pub(super) fn example() -> Example {
    let payload = json!({ "customer": { "name": "Ada", "email": "ada@example.com" } });
    Example::new("hubspot.yaml", payload, hubspot, r#"delivered [201] id: "151""#)
}

#[tokio::test(start_paused = true)]
async fn a_contact_is_there() {
    let example = example();
    example.stands().await;
    example.at(busy, r#"delivered [429 201] id: "151""#).await;
    let conflict = r#"delivered [- 409] <it is there> error: "CONFLICT", id: "151""#;
    example.at(forgetful, conflict).await;
    // Without the rule, what was delivered would be called failed.
    let failed = r#"indeterminate (refused by the API) [- 409] error: "CONFLICT", id: "151""#;
    example.broken_at(forgetful, ("status: 409", "status: 418"), failed).await;
}

#[tokio::test(start_paused = true)]
async fn what_it_refuses() {
    let example = example();
    let refused =
        |status, code| format!("failed (refused by the API) [{status}] error: \"{code}\"");
    example
        .at(done_for_today, "failed (refused by the API) [429] <the day's quota: daily_limit>")
        .await;
    example.broken("2026-03", "v3", &refused(404, "OBJECT_NOT_FOUND")).await;
    example.broken("email:", "mail:", &refused(400, "VALIDATION_ERROR")).await;
    example
        .broken(
            "${env:HUBSPOT_TOKEN}",
            "other",
            r#"failed (not authorised) [401] error: "INVALID_AUTHENTICATION""#,
        )
        .await;
}
