//! Rules of `classify` that are wrong are told at once, each with what would be right.

use super::{target, wrong};

/// One rule in each line.
fn rules(lines: &[&str]) -> String {
    target(&format!("classify:\n      - {}", lines.join("\n      - ")))
}

#[test]
fn what_is_wrong_with_rules_is_told() {
    wrong(
        &rules(&[
            "{ status: [4xx, 600, 5yy], meaning: permanent }",
            "{ status: 99, meaning: retry, effect: applied }",
            "{ headers: { 'X A': b, X-B: { matches: '(' } }, meaning: success, effect: unknown }",
            "{ jq: '.body |', meaning: version_rejected }",
            "{ reason: { code: { jq: '.(' } }, retry_after: 'now', meaning: throttled }",
            "{ status: 500, meaning: retry }",
        ]),
        &[
            "6:25: targets.a.classify.0.status.1: is no status from 100 to 599: `429`, `4xx` or `500-504` would be right",
            "6:30: targets.a.classify.0.status.2: is no status from 100 to 599: `429`, `4xx` or `500-504` would be right",
            "7:19: targets.a.classify.1.status: is no status from 100 to 599: `429`, `4xx` or `500-504` would be right",
            "7:47: targets.a.classify.1.effect: cannot be `applied`: what was applied is not tried again; `permanent` would be right",
            "8:29: targets.a.classify.2.headers.X A: is not the name of a header: letters, digits and `-` would be right",
            "8:48: targets.a.classify.2.headers.X-B.matches: is not a pattern (of the crate regex)",
            "8:83: targets.a.classify.2.effect: cannot be `unknown`: a success was `applied`",
            "9:15: targets.a.classify.3.jq: is not jq: expected an expression, but the expression ends, at byte 7",
            "9:35: targets.a.classify.3.meaning: is about a version, and there are no `versions`",
            "10:33: targets.a.classify.4.reason.code.jq: is not jq: the bracket that begins here is never closed, at byte 1",
            "10:56: targets.a.classify.4.retry_after: is not jq: `now` is not available: the same payload must always give the same bytes, at byte 0",
            "11:9: targets.a.classify.5: is never asked: the rule before it fits every reply",
        ],
    );
    wrong(
        &rules(&[
            "{ status: 500, meaning: again }",
            "{ statuss: 500 }",
            "{ status: {}, meaning: retry }",
        ]),
        &[
            "6:33: targets.a.classify.0.meaning: is not one of `success`, `retry`, `throttled`, `unauthorized`, `version_rejected`, `target_disabled` or `permanent`",
            "7:9: targets.a.classify.1.meaning: is missing",
            "7:11: targets.a.classify.1.statuss: is not a known key: did you mean `status`?",
            "8:19: targets.a.classify.2.status: is a map: a whole number, text or a list would be right",
        ],
    );
    wrong(
        &target("capture_bytes_max: 0\n    classify: [{ jq: .body.error, meaning: permanent }]"),
        &["6:22: targets.a.classify.0.jq: looks at a body of which nothing is kept"],
    );
    let huge = format!(
        "{{ headers: {{ a: {{ matches: '{}' }} }}, meaning: retry }}",
        "\\\\w{99}".repeat(40)
    );
    wrong(
        &rules(&[huge.replace("\\\\", "\\").as_str()]),
        &["6:36: targets.a.classify.0.headers.a.matches: is too large a pattern"],
    );
}

#[test]
fn what_is_wrong_with_parts_and_versions_is_told() {
    wrong(
        &target(
            "body: { multipart: [ { name: a }, { name: b, text: .b, bytes: .c }, { name: c, json: '.(', content_type: png } ] }",
        ),
        &[
            "5:26: targets.a.body.multipart.0: has nothing in it: `text`, `json` or `bytes` would be right",
            "5:67: targets.a.body.multipart.1.bytes: stands beside `text`: keep one of them",
            "5:90: targets.a.body.multipart.2.json: is not jq: the bracket that begins here is never closed, at byte 1",
            "5:110: targets.a.body.multipart.2.content_type: is no media type: `image/png` would be right",
        ],
    );
    wrong(
        &target(
            "version_in: { header: X-V }\n    versions: [ { name: '2', body: '.(', headers: { 'X A': b, X-B: { jq: '.(' } }, query: { api_key: a }, classify: [ { jq: '.(', meaning: retry } ] } ]",
        ),
        &[
            "6:36: targets.a.versions.0.body: is not jq: the bracket that begins here is never closed, at byte 1",
            "6:60: targets.a.versions.0.headers.X A: is not the name of a header: letters, digits and `-` would be right",
            "6:74: targets.a.versions.0.headers.X-B.jq: is not jq: the bracket that begins here is never closed, at byte 1",
            "6:102: targets.a.versions.0.query.api_key: looks like a secret's key: use `auth` (api_key), which keeps it secret",
            "6:125: targets.a.versions.0.classify.0.jq: is not jq: the bracket that begins here is never closed, at byte 1",
        ],
    );
}

#[test]
fn what_is_wrong_with_events_is_told() {
    wrong(
        &target(
            "cloudevents: { source: 'a b', type: '', subject: { jq: '.(' }, time: today, extensions: { Region: eu, data: x } }",
        ),
        &[
            "5:28: targets.a.cloudevents.source: is no URI reference: `https://shop.example/orders` or `/orders` would be right",
            "5:41: targets.a.cloudevents.type: is empty",
            "5:60: targets.a.cloudevents.subject.jq: is not jq: the bracket that begins here is never closed, at byte 1",
            "5:74: targets.a.cloudevents.time: is no time: `2026-01-31T12:00:00Z` would be right",
            "5:103: targets.a.cloudevents.extensions.Region: is no name of an attribute: small letters and digits would be",
            "5:113: targets.a.cloudevents.extensions.data: is no extension: CloudEvents has an attribute of that name",
        ],
    );
    wrong(
        &target("cloudevents: { mode: batch, source: /a, type: t }"),
        &["5:26: targets.a.cloudevents.mode: is not right: `binary` or `structured` would be"],
    );
    let right = "is not right: `binary`, `structured` or a map would be";
    wrong(&target("cloudevents: batch"), &[&format!("5:18: targets.a.cloudevents: {right}")]);
    wrong(
        &target("cloudevents: {}"),
        &[
            "5:5: targets.a.cloudevents.source: is missing",
            "5:5: targets.a.cloudevents.type: is missing",
        ],
    );
}
