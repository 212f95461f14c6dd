//! Problem details in a reply (RFC 9457): a guest's words, taken for what they are.

use fanfare_sdk::{Reply, ReplyHead};
use http::{Uri, header};
use serde_json::Value;

use crate::report::{ProblemDetails, line};

/// Bytes of a reply that is looked at: problems are short.
const REPLY_BYTES_MAX: usize = 64 << 10;

/// Bytes of a type or a title that are kept: a line, not a page.
const TEXT_BYTES_MAX: usize = 300;

/// The type of a problem that says none.
const BLANK: &str = "about:blank";

/// What a reply says of a problem; none where it is no `application/problem+json`.
///
/// A member of the wrong type is ignored, and unknown ones are. `detail` is for people, and stands in the reply. A type
/// that is relative to the origin of `requested` is resolved; one that is relative to its path stays as it is, since
/// that path may be a secret.
#[must_use]
pub fn problem_details(reply: &Reply, requested: Option<&Uri>) -> Option<ProblemDetails> {
    let bytes = reply.body.bytes();
    if !is_problem(&reply.head) || bytes.len() > REPLY_BYTES_MAX {
        return None;
    }
    let Ok(Value::Object(members)) = serde_json::from_slice(bytes) else { return None };
    let text = |name: &str| line(members.get(name)?.as_str()?, TEXT_BYTES_MAX);
    let kind = text("type").map_or_else(|| BLANK.to_owned(), |kind| resolved(kind, requested));
    Some(ProblemDetails { kind, title: text("title"), status: reply.head.status })
}

fn is_problem(head: &ReplyHead) -> bool {
    let written = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = written.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/problem+json")
}

fn resolved(kind: String, requested: Option<&Uri>) -> String {
    let Some((scheme, authority)) = requested.and_then(|uri| uri.scheme_str().zip(uri.authority()))
    else {
        return kind;
    };
    // The host alone: user info is nobody's business.
    let host = authority.as_str().rsplit('@').next().unwrap_or_default();
    match kind.strip_prefix("//") {
        Some(_) => format!("{scheme}:{kind}"),
        None if kind.starts_with('/') => format!("{scheme}://{host}{kind}"),
        None => kind,
    }
}

#[cfg(test)]
mod tests {
    use fanfare_sdk::Reply;
    use http::{HeaderMap, HeaderValue, header};
    use serde_json::{Value, json};

    use super::problem_details;

    fn reply(content_type: &'static str, body: &Value) -> Reply {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Reply::http(400, headers, body.to_string())
    }

    #[track_caller]
    fn check(body: &Value, expected: Option<&str>) {
        let uri = "https://api.example:8443/a/s3cret?key=s3cret".parse().unwrap();
        let found = problem_details(&reply("application/problem+json", body), Some(&uri));
        let found = found.map(|it| {
            format!("{} {} {}", it.kind, it.title.unwrap_or_default(), it.status.unwrap())
        });
        assert_eq!(found.as_deref(), expected, "{body}");
    }

    #[test]
    fn problems_are_read_as_rfc_9457_has_it() {
        let kind = "https://example.com/probs/out-of-credit";
        check(
            &json!({ "type": kind, "title": "Out of credit", "detail": "30 < 50", "balance": 30 }),
            Some("https://example.com/probs/out-of-credit Out of credit 400"),
        );
        check(&json!({}), Some("about:blank  400"));
        // The status of the reply counts; a member of the wrong type is ignored.
        check(&json!({ "status": 500, "title": "x" }), Some("about:blank x 400"));
        check(&json!({ "type": 17, "title": ["x"], "status": "400" }), Some("about:blank  400"));
        check(&json!({ "type": "/probs/x" }), Some("https://api.example:8443/probs/x  400"));
        check(&json!({ "type": "//b.example/x" }), Some("https://b.example/x  400"));
        check(&json!({ "type": "probs/x" }), Some("probs/x  400"));
        check(&json!({ "title": "a\nb\u{1b}[2J" }), Some("about:blank a b [2J 400"));
        check(&json!([]), None);
        let long = "x".repeat(1_000);
        check(&json!({ "title": long }), Some(&format!("about:blank {} 400", "x".repeat(300))));
    }

    #[test]
    fn known_problems_are_what_they_are() {
        // RFC 9457, and cases near its rules.
        let vectors: Value =
            serde_json::from_str(include_str!("vectors/problem_details.json")).unwrap();
        for case in vectors["cases"].as_array().unwrap() {
            let media_type = HeaderValue::from_static("application/problem+json");
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, media_type)]);
            let status = u16::try_from(case["http_status"].as_u64().unwrap()).unwrap();
            let uri = case["request_url"].as_str().map(|url| url.parse().unwrap());
            let body = &case["body"];
            let reply = Reply::http(status, headers, body.to_string());
            let found = problem_details(&reply, uri.as_ref()).unwrap();
            // Relative to a path that may be a secret, it stays as it is.
            let relative = case.get("type_resolved").map(|_| &body["type"]);
            let kind = relative.or(case.get("type")).unwrap_or(&body["type"]);
            let kind = kind.as_str().unwrap_or("about:blank");
            let is_ignored = |name: &str| {
                case["ignored_members"].as_array().is_some_and(|all| all.contains(&json!(name)))
            };
            let title = body["title"].as_str().filter(|_| !is_ignored("title"));
            assert_eq!(found.kind, kind, "{case}");
            assert_eq!((found.title.as_deref(), found.status), (title, Some(status)), "{case}");
        }
    }

    #[test]
    fn what_is_no_problem_is_not_taken_for_one() {
        let body = json!({ "title": "x" });
        for other in ["application/json", "application/problem+xml", "text/html"] {
            assert_eq!(problem_details(&reply(other, &body), None), None);
        }
        let odd = reply("Application/Problem+JSON; charset=utf-8", &body);
        assert!(problem_details(&odd, None).is_some());
        let mut headers = HeaderMap::new();
        let media_type = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, media_type);
        let huge = format!("{{\"title\":\"{}\"}}", "x".repeat(70_000));
        for body in ["no json", &huge] {
            let reply = Reply::http(400, headers.clone(), body.to_owned());
            assert_eq!(problem_details(&reply, None), None);
        }
    }
}
