//! Standard Webhooks: a receiver that verifies as the specification says, with a library of its own.

use std::time::{Duration, SystemTime};

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_STANDARD};
use fanfare_testkit::Scripted;
use serde_json::json;

use super::{
    ask::Ask,
    stage::{Example, Mock},
    standins::standin,
    throttle::Throttle,
};

#[expect(clippy::disallowed_methods, reason = "a receiver has a clock of its own")]
fn seconds_now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

/// Verifies by one secret.
fn answer(ask: &Ask<'_>, secret: &str) -> Scripted {
    assert_eq!(ask.line(), "POST https://receiver.example/hooks");
    // https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    // The time is one of the last minutes, so that a recording is of no use.
    let (id, time) = (ask.header("webhook-id"), ask.header("webhook-timestamp"));
    if id.is_empty() || time.parse::<u64>().map_or(true, |it| it.abs_diff(seconds_now()) > 5 * 60) {
        return Scripted::status(400);
    }
    // `id.timestamp.body` by HMAC-SHA256 with the secret's bytes; one of the signatures has to be right.
    let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let signed = [format!("{id}.{time}.").as_bytes(), ask.body()].concat();
    let is_right = |signature: &str| {
        let coded = signature.strip_prefix("v1,").unwrap_or_default();
        let bytes = BASE64_STANDARD.decode(coded).unwrap_or_default();
        hmac::verify(&key, &signed, &bytes).is_ok()
    };
    match ask.header("webhook-signature").split(' ').any(is_right) {
        true => Scripted::status(204),
        false => Scripted::status(401),
    }
}

fn receiver() -> Mock {
    Box::new(|ask| answer(ask, standin("WEBHOOK_SECRET")))
}

/// One that has not taken the new secret over yet.
fn receiver_before() -> Mock {
    Box::new(|ask| answer(ask, standin("WEBHOOK_SECRET_BEFORE")))
}

fn busy() -> Mock {
    let throttle = Throttle::new(Duration::from_secs(30));
    Box::new(move |ask| {
        // 502 and 504 are heard as "too much for me", and so is 429.
        if throttle.refuses() {
            Scripted::status(429).header("retry-after", "30")
        } else {
            answer(ask, standin("WEBHOOK_SECRET"))
        }
    })
}

pub(super) fn example() -> Example {
    let payload = json!({ "type": "order.paid", "data": { "id": "o-7" } });
    Example::new("standard-webhooks.yaml", payload, receiver, "delivered [204]")
}

#[tokio::test(start_paused = true)]
async fn a_receiver_believes_it() {
    let example = example();
    example.stands().await;
    example.at(receiver_before, "delivered [204]").await;
    example.at(busy, "delivered [429 204]").await;
}

#[tokio::test(start_paused = true)]
async fn what_it_refuses() {
    let (example, refused) = (example(), "failed (not authorised) [401]");
    let new = ("\"${env:WEBHOOK_SECRET}\", ", "");
    example.broken(new.0, new.1, refused).await;
    let before = (", \"${env:WEBHOOK_SECRET_BEFORE}\"", "");
    example.broken_at(receiver_before, before, refused).await;
}

#[tokio::test(start_paused = true)]
async fn one_that_wants_no_more_is_left_alone() {
    // https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md: 410 is the end.
    let gone = || -> Mock { Box::new(|_| Scripted::status(410)) };
    example().at(gone, "failed (the target asked not to be called again) [410]").await;
}
