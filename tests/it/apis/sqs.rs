//! Amazon SQS: requests that are signed, and a FIFO queue that takes no message twice.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use fanfare_testkit::Scripted;
use serde_json::{Value, json};

use super::{
    ask::{self, Ask},
    sigv4::{self, Wrong},
    stage::{Example, Mock},
    standins::standin,
    throttle::Throttle,
};

/// Bodies by deduplication id.
type Queue = BTreeMap<String, String>;

fn error(status: u16, kind: &str) -> Scripted {
    let kind = format!("com.amazonaws.sqs#{kind}");
    ask::json(status, &json!({ "__type": kind, "message": "…" }))
}

fn answer(ask: &Ask<'_>, queue: &mut Queue) -> Scripted {
    assert_eq!(ask.line(), "POST https://sqs.eu-central-1.amazonaws.com/");
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
    let key = (standin("AWS_ACCESS_KEY_ID"), standin("AWS_SECRET_ACCESS_KEY"));
    match sigv4::verify(ask.request(), key, "eu-central-1/sqs") {
        Ok(()) => {}
        // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
        Err(Wrong::Missing) => return error(403, "MissingAuthenticationTokenException"),
        Err(Wrong::UnknownKey) => return error(403, "UnrecognizedClientException"),
        Err(Wrong::Mismatch) => return error(403, "InvalidSignatureException"),
    }
    // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-json.html
    if ask.header("content-type") != "application/x-amz-json-1.0" {
        return Scripted::status(404);
    }
    if ask.header("x-amz-target") != "AmazonSQS.SendMessage" {
        return error(400, "UnknownOperationException");
    }
    // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html: a FIFO queue wants
    // a group, and knows messages again by their deduplication id.
    let message: Value = serde_json::from_slice(ask.body()).unwrap();
    let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
    if !text("QueueUrl").ends_with("/orders.fifo") {
        return error(400, "QueueDoesNotExist");
    }
    if text("MessageGroupId").is_empty() || text("MessageBody").is_empty() {
        return error(400, "MissingRequiredParameterException");
    }
    queue.entry(text("MessageDeduplicationId")).or_insert_with(|| text("MessageBody"));
    ask::json(
        200,
        &json!({ "MessageId": format!("m{}", queue.len()), "SequenceNumber": "18849496460467696128" }),
    )
}

fn sqs() -> Mock {
    let queue = Mutex::<Queue>::default();
    Box::new(move |ask| answer(ask, &mut queue.lock().unwrap()))
}

fn forgetful() -> Mock {
    let queue = Mutex::<Queue>::default();
    Box::new(move |ask| {
        let mut queue = queue.lock().unwrap();
        let first = queue.is_empty();
        let answer = answer(ask, &mut queue);
        if first { Scripted::reset_after() } else { answer }
    })
}

fn busy() -> Mock {
    let (queue, throttle) = (Mutex::<Queue>::default(), Throttle::new(Duration::from_millis(800)));
    Box::new(move |ask| match throttle.refuses() {
        // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html: with a 400.
        true => error(400, "ThrottlingException"),
        false => answer(ask, &mut queue.lock().unwrap()),
    })
}

pub(super) fn example() -> Example {
    let payload = json!({ "order": { "id": "o-7", "customer": "c-3", "cents": 1999 } });
    Example::new("sqs.yaml", payload, sqs, r#"delivered [200] id: "m1""#)
}

#[tokio::test(start_paused = true)]
async fn a_message_is_queued_once() {
    let example = example();
    example.stands().await;
    example.at(forgetful, r#"delivered [- 200] id: "m1""#).await;
    example.at(busy, r#"delivered [400 200] id: "m1""#).await;
}

#[tokio::test(start_paused = true)]
async fn what_it_refuses() {
    let example = example();
    let refused =
        |status, code| format!("failed (refused by the API) [{status}] error: \"{code}\"");
    example
        .broken("${env:AWS_SECRET_ACCESS_KEY}", "other", &refused(403, "InvalidSignatureException"))
        .await;
    example
        .broken("${env:AWS_ACCESS_KEY_ID}", "other", &refused(403, "UnrecognizedClientException"))
        .await;
    example
        .broken("service: sqs", "service: sns", &refused(403, "InvalidSignatureException"))
        .await;
    example
        .broken(
            "region: eu-central-1",
            "region: us-east-1",
            &refused(403, "InvalidSignatureException"),
        )
        .await;
    let unsigned = (
        "auth: { aws: { region: eu-central-1, service: sqs,",
        "auth: { basic: { user: a, password: b } } #",
    );
    example
        .broken(unsigned.0, unsigned.1, &refused(403, "MissingAuthenticationTokenException"))
        .await;
    example
        .broken(
            "AmazonSQS.SendMessage",
            "AmazonSQS.Send",
            &refused(400, "UnknownOperationException"),
        )
        .await;
    example
        .broken("MessageGroupId:", "Group:", &refused(400, "MissingRequiredParameterException"))
        .await;
}
