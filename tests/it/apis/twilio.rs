//! Twilio: a date in the path, Basic, a form, and no way to ask twice.

use std::time::Duration;

use fanfare_testkit::Scripted;
use serde_json::json;

use super::{
    ask::{self, Ask},
    stage::{Example, Mock},
    standins::standin,
    throttle::Throttle,
};

fn error(status: u16, code: u32) -> Scripted {
    let more_info = format!("https://www.twilio.com/docs/errors/{code}");
    ask::json(status, &json!({ "code": code, "more_info": more_info, "status": status }))
}

fn answer(ask: &Ask<'_>) -> Scripted {
    // https://www.twilio.com/docs/messaging/api/message-resource: the date is part of the path.
    let account = standin("TWILIO_ACCOUNT_SID");
    let there = format!("POST https://api.twilio.com/2010-04-01/Accounts/{account}/Messages.json");
    if ask.line() != there {
        return error(404, 20404);
    }
    // https://www.twilio.com/docs/api/errors/20003: an API key with its secret, or the account with its token.
    if ask.basic() != format!("{}:{}", standin("TWILIO_API_KEY"), standin("TWILIO_API_SECRET")) {
        return error(401, 20003);
    }
    let form = ask.form();
    // https://www.twilio.com/docs/api/errors/21604, 21211, 21602: a form with a recipient in E.164, and a body.
    let Some(to) = form.get("To") else { return error(400, 21604) };
    if !to.starts_with('+') || !to[1..].bytes().all(|b| b.is_ascii_digit()) {
        return error(400, 21211);
    }
    match form.get("Body").map(String::as_str) {
        None | Some("") => error(400, 21602),
        Some(_) => ask::json(201, &json!({ "sid": "SM0001", "status": "queued" })),
    }
}

fn twilio() -> Mock {
    Box::new(answer)
}

fn busy() -> Mock {
    let throttle = Throttle::new(Duration::from_millis(100));
    Box::new(move |ask| {
        // https://www.twilio.com/docs/api/errors/20429: not processed, and without a word on how long to wait.
        if throttle.refuses() { error(429, 20429) } else { answer(ask) }
    })
}

fn forgetful() -> Mock {
    Box::new(|_| Scripted::reset_after())
}

pub(super) fn example() -> Example {
    let payload = json!({ "to": "+4930123456", "text": "Hello" });
    Example::new("twilio.yaml", payload, twilio, r#"delivered [201] sid: "SM0001""#)
}

#[tokio::test(start_paused = true)]
async fn a_message_is_sent_once() {
    let example = example();
    example.stands().await;
    example.at(busy, r#"delivered [429 201] sid: "SM0001""#).await;
    example.at(forgetful, "indeterminate (a repeat is not known to be safe) [-]").await;
}

#[tokio::test(start_paused = true)]
async fn what_it_refuses() {
    let example = example();
    example.broken("{ form: ", "{ json: ", "failed (refused by the API) [400] error: 21604").await;
    example
        .broken(
            "basic: { user: \"${env:TWILIO_API_KEY}\", password: \"",
            "bearer: { token: \"",
            "failed (not authorised) [401] error: 20003",
        )
        .await;
    example
        .broken("2010-04-01", "2008-08-01", "failed (refused by the API) [404] error: 20404")
        .await;
    let to = json!({ "to": "030 123456", "text": "Hello" });
    example.sending(to, "failed (refused by the API) [400] error: 21211").await;
}
