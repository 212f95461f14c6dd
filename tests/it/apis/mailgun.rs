//! Mailgun: files in a form.

use fanfare_testkit::Scripted;
use serde_json::json;

use super::{
    ask::{self, Ask},
    stage::{Example, Mock},
    standins::standin,
};

/// The parts of a form: the heads of each, and what is in it. https://www.rfc-editor.org/rfc/rfc7578
fn parts(ask: &Ask<'_>) -> Vec<(String, Vec<u8>)> {
    let boundary = ask.header("content-type").split_once("multipart/form-data; boundary=");
    let Some((_, boundary)) = boundary else { return Vec::new() };
    let body = String::from_utf8_lossy(ask.body()).into_owned();
    let line = format!("--{}", boundary.trim_matches('"'));
    let parts = body.split(&line);
    let part = |part: &str| {
        let (head, content) = part.strip_prefix("\r\n")?.split_once("\r\n\r\n")?;
        Some((head.to_owned(), content.strip_suffix("\r\n")?.as_bytes().to_vec()))
    };
    parts.filter_map(part).collect()
}

fn error(status: u16, message: &str) -> Scripted {
    ask::json(status, &json!({ "message": message }))
}

fn answer(ask: &Ask<'_>) -> Scripted {
    assert_eq!(ask.line(), "POST https://api.mailgun.net/v3/mg.example.com/messages");
    // https://documentation.mailgun.com/docs/mailgun/api-reference/mg-auth
    if ask.basic() != format!("api:{}", standin("MAILGUN_API_KEY")) {
        return Scripted::status(401).body("Forbidden");
    }
    // https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages/post-v3--domain-name--messages
    let parts = parts(ask);
    let field = |name: &str| {
        let named = format!("name=\"{name}\"");
        parts.iter().find(|(head, _)| head.contains(&named))
    };
    for name in ["from", "to", "subject"] {
        if field(name).is_none_or(|(_, content)| content.is_empty()) {
            return error(400, &format!("{name} parameter is missing"));
        }
    }
    if field("text").is_none() && field("html").is_none() && field("template").is_none() {
        return error(400, "Need at least one of 'text' or 'html' parameters specified");
    }
    // An attachment is a file, whole.
    if let Some((head, content)) = field("attachment") {
        let is_file = head.contains("filename=\"o-7.pdf\"")
            && head.to_lowercase().contains("content-type: application/pdf");
        assert!(is_file && content == b"%PDF-1.7", "{head}");
    }
    ask::json(200, &json!({ "id": "<20260101.1@mg.example.com>", "message": "Queued. Thank you." }))
}

fn mailgun() -> Mock {
    Box::new(answer)
}

pub(super) fn example() -> Example {
    let customer = json!({ "name": "Ada", "email": "ada@example.com" });
    let payload =
        json!({ "customer": customer, "order": { "id": "o-7" }, "invoice": "JVBERi0xLjc=" });
    let expected =
        r#"delivered [200] id: "<20260101.1@mg.example.com>", says: "Queued. Thank you.""#;
    Example::new("mailgun.yaml", payload, mailgun, expected)
}

#[tokio::test(start_paused = true)]
async fn a_mail_is_queued() {
    example().stands().await;
}

#[tokio::test(start_paused = true)]
async fn what_it_refuses() {
    let example = example();
    let refused = |message| format!("failed (refused by the API) [400] says: \"{message}\"");
    example.broken("name: to,", "name: recipient,", &refused("to parameter is missing")).await;
    example
        .broken(
            "name: text,",
            "name: words,",
            &refused("Need at least one of 'text' or 'html' parameters specified"),
        )
        .await;
    example.broken("${env:MAILGUN_API_KEY}", "other", "failed (not authorised) [401]").await;
    let odd = json!({ "customer": { "name": "Ada" }, "order": { "id": "o-7" }, "invoice": "JVBERi0xLjc=" });
    example.sending(odd, &refused("to parameter is missing")).await;
}
