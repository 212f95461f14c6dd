//! SendGrid: an envelope for each mail, and 202 for what is queued.

use fanfare_testkit::Scripted;
use serde_json::{Value, json};

use super::{
    ask::{self, Ask},
    stage::{Example, Mock},
    standins::standin,
};

fn error(status: u16, field: &str) -> Scripted {
    ask::json(status, &json!({ "errors": [{ "message": "…", "field": field, "help": null }] }))
}

fn answer(ask: &Ask<'_>) -> Scripted {
    assert_eq!(ask.line(), "POST https://api.sendgrid.com/v3/mail/send");
    // https://www.twilio.com/docs/sendgrid/for-developers/sending-email/authentication
    if ask.bearer() != standin("SENDGRID_API_KEY") {
        return error(401, "");
    }
    // https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors: each with the field that it is about.
    let mail = ask.json();
    let envelopes = mail["personalizations"].as_array().map_or(&[][..], Vec::as_slice);
    if !(1..=1000).contains(&envelopes.len()) {
        return error(400, "personalizations");
    }
    let is_address = |it: &Value| it["email"].as_str().is_some_and(|it| it.contains('@'));
    for (at, envelope) in envelopes.iter().enumerate() {
        let to = envelope["to"].as_array().map_or(&[][..], Vec::as_slice);
        if to.is_empty() || !to.iter().all(is_address) {
            return error(400, &format!("personalizations.{at}.to"));
        }
    }
    if !is_address(&mail["from"]) {
        return error(400, "from.email");
    }
    if mail["template_id"].is_null() && mail["content"].is_null() {
        return error(400, "content");
    }
    // https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send: 202 without a body.
    Scripted::status(202).header("x-message-id", "14c5d75ce93.dfd.64b469")
}

fn sendgrid() -> Mock {
    Box::new(answer)
}

pub(super) fn example() -> Example {
    let payload = json!({ "customer": { "name": "Ada", "email": "ada@example.com" } });
    Example::new(
        "sendgrid.yaml",
        payload,
        sendgrid,
        r#"delivered [202] id: "14c5d75ce93.dfd.64b469""#,
    )
}

#[tokio::test(start_paused = true)]
async fn a_mail_is_queued() {
    let example = example();
    example.stands().await;
}

#[tokio::test(start_paused = true)]
async fn what_it_refuses() {
    let example = example();
    let refused = |field| format!("failed (refused by the API) [400] error: \"{field}\"");
    example.broken("personalizations:", "people:", &refused("personalizations")).await;
    example.broken("template_id:", "template:", &refused("content")).await;
    example
        .broken(
            "{ token: \"${env:SENDGRID_API_KEY}\" }",
            "{ token: other }",
            r#"failed (not authorised) [401] error: """#,
        )
        .await;
    example
        .sending(json!({ "customer": { "name": "Ada" } }), &refused("personalizations.0.to"))
        .await;
}
