//! The cases of AWS' own test suite (awslabs/aws-c-auth, Apache-2.0), and some that botocore has signed.

use std::time::Duration;

use bytes::Bytes;
use fanfare_sdk::{Authorizer, Call, Secret, Stamp, Timestamp};
use futures_util::FutureExt;
use http::{HeaderName, Request};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value;

use super::{AwsSettings, AwsSigner, Rules};

const VECTORS: &str = include_str!("../../tests/vectors/aws-sigv4.json");
const BOTOCORE: &str = include_str!("../../tests/vectors/aws-botocore.json");
/// What a client encodes before it sends.
const UNSENT: &AsciiSet = &CONTROLS.add(b' ');

fn request(text: &str) -> Request<Bytes> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let first = lines.next().expect("there is a first line");
    let (method, rest) = first.split_once(' ').expect("there is a method");
    let target = rest.strip_suffix(" HTTP/1.1").expect("it is of HTTP/1.1");
    let target = utf8_percent_encode(target, UNSENT);
    let uri = format!("https://example.amazonaws.com{target}");
    let body = Bytes::copy_from_slice(body.as_bytes());
    let mut request = Request::builder().method(method).uri(uri).body(body).expect("it is right");
    for line in lines {
        let (name, value) = line.split_once(':').expect("it is a header");
        let name: HeaderName = name.parse().expect("it is a name");
        request.headers_mut().append(name, value.trim().parse().expect("it is a value"));
    }
    request
}

#[track_caller]
fn check(case: &Value) {
    let (name, context) = (case["name"].as_str(), &case["context"]);
    let text = |value: &Value| value.as_str().map(str::to_owned).expect("it is text");
    let credentials = &context["credentials"];
    let settings = AwsSettings {
        region: text(&context["region"]),
        service: text(&context["service"]),
        access_key: Secret::new(text(&credentials["access_key_id"])),
        secret_key: Secret::new(text(&credentials["secret_access_key"])),
        session_token: credentials["token"].as_str().map(Secret::new),
        content_sha256: context["sign_body"] == true,
    };
    let mut signer = AwsSigner::try_new(&settings).expect("the settings are right");
    // A path that the suite writes as nobody sends it is encoded for the first time when it is signed.
    let encodes_twice = !text(&case["request"]).contains("example space");
    let normalizes = context["normalize"] == true;
    signer.rules = Rules { encodes_twice, normalizes, ..signer.rules };
    let at = httpdate::parse_http_date("Sun, 30 Aug 2015 12:36:00 GMT").expect("it is a date");
    let at = at.duration_since(std::time::UNIX_EPOCH).expect("it is after 1970").as_secs();
    let now = Timestamp::from_secs(i64::try_from(at).expect("it fits"));
    assert_eq!(text(&context["timestamp"]), "2015-08-30T12:36:00Z");
    let call = Call::new("a".into(), "k".into(), now, Duration::ZERO);
    let mut request = request(&text(&case["request"]));
    let done = signer.authorize(Stamp::default(), &call, &mut request).now_or_never();
    done.expect("it does not wait").expect("it signs");
    let expected = text(&case["header_signed_request"]);
    let line = |wanted: &str| {
        let mut lines = expected.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.to_owned())
    };
    for wanted in ["authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"] {
        let got = request.headers().get(wanted).map(|it| it.to_str().expect("ASCII"));
        // AWS' own suite writes its parts without the spaces in some cases.
        let plain = |text: &str| text.replace(", ", ",");
        assert_eq!(got.map(plain), line(wanted).as_deref().map(plain), "{name:?} {wanted}");
    }
    assert!(request.headers()["authorization"].is_sensitive());
}

#[track_caller]
fn check_all(vectors: &str, count: usize) {
    let vectors: Value = serde_json::from_str(vectors).expect("it is JSON");
    let cases = vectors["cases"].as_array().expect("there are cases");
    assert_eq!(cases.len(), count);
    cases.iter().for_each(check);
}

#[test]
fn signatures_are_those_of_the_test_suite() {
    check_all(VECTORS, 19);
}

#[test]
fn queries_are_sorted_and_values_trimmed_as_by_botocore() {
    check_all(BOTOCORE, 3);
}
