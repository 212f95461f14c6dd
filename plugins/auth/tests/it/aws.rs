//! AWS Signature Version 4: what S3 differs in, clocks that are wrong, what is wrong with settings.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use fanfare_auth::AuthSettings;
use fanfare_sdk::{
    Authorizer, Call, Learn, Learned, Ready, ReplyHead, SettingErrors, Stamp, Timestamp, check,
};
use fanfare_testkit::{Scripted, ScriptedTransport};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Request};
use serde_json::{Value, json};

/// 2015-08-30T12:36:00Z.
const NOW: i64 = 1_440_938_160;

fn settings(service: &str) -> Value {
    json!({
        "region": "us-east-1", "service": service,
        "access_key": "AKIDEXAMPLE", "secret_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    })
}

fn build(aws: &Value) -> Result<Arc<dyn Authorizer>, SettingErrors> {
    check::settings::<AuthSettings>(json!({ "aws": aws })).and_then(|it| it.build())
}

fn signed(aws: &Arc<dyn Authorizer>, now: i64, uri: &str) -> HeaderMap {
    request(aws, now, uri).headers().clone()
}

fn request(aws: &Arc<dyn Authorizer>, now: i64, uri: &str) -> Request<Bytes> {
    let call = Call::new("a".into(), "k".into(), Timestamp::from_secs(now), Duration::ZERO);
    let mut request = Request::put(uri).body(Bytes::from("body")).expect("it is right");
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    request.headers_mut().insert("traceparent", HeaderValue::from_static(traceparent));
    request.headers_mut().insert("x-ours", HeaderValue::from_static("a  b"));
    let done = aws.authorize(stamp(aws), &call, &mut request).now_or_never();
    done.expect("it does not wait").expect("it signs");
    request
}

fn stamp(aws: &Arc<dyn Authorizer>) -> Stamp {
    let wire = Arc::new(ScriptedTransport::playing(Scripted::status(500))).wire();
    let ready = aws.ready(Ready::new(Timestamp::default(), [0; 16], wire)).now_or_never();
    ready.expect("it does not wait").expect("it is ready")
}

#[test]
fn a_path_is_sent_to_s3_as_it_is_signed() {
    #[track_caller]
    fn check(service: &str, path: &str, expected: &str) {
        let aws = build(&settings(service)).expect("right");
        let request = request(&aws, NOW, &format!("https://a.example{path}"));
        assert_eq!(request.uri().to_string(), format!("https://a.example{expected}"));
    }
    check("s3", "/", "/");
    check("s3", "/a%20b/c+d//%c3%a9%7E(1)?x=+", "/a%20b/c%2Bd//%C3%A9~%281%29?x=+");
    check("s3", "/a%2fb%25", "/a%2Fb%25");
    check("sqs", "/a%20b/c+d", "/a%20b/c+d");
}

#[test]
fn a_path_with_empty_parts_is_another_one_for_s3_only() {
    #[track_caller]
    fn check(service: &str, is_same: bool) {
        let aws = build(&settings(service)).expect("right");
        let [one, other] = ["https://a.example/a/b", "https://a.example/a//b"]
            .map(|uri| signed(&aws, NOW, uri)["authorization"].clone());
        assert_eq!(one == other, is_same, "{service}");
    }
    check("s3", false);
    check("execute-api", true);
}

#[test]
fn only_what_stays_is_signed_and_only_s3_gets_the_hash_of_the_body() {
    #[track_caller]
    fn check(aws: &Value, expected: &str) {
        let headers = signed(&build(aws).expect("right"), NOW, "https://a.example/b%20c");
        let authorization = headers["authorization"].to_str().expect("ASCII");
        let signed =
            authorization.split("SignedHeaders=").nth(1).and_then(|it| it.split(',').next());
        assert_eq!(signed, Some(expected));
        assert_eq!(headers.contains_key("x-amz-content-sha256"), expected.contains("sha256"));
    }
    check(&settings("execute-api"), "host;x-amz-date;x-ours");
    check(&settings("s3"), "host;x-amz-content-sha256;x-amz-date;x-ours");
    let mut with = settings("aoss");
    with["content_sha256"] = json!(true);
    check(&with, "host;x-amz-content-sha256;x-amz-date;x-ours");
    with["session_token"] = json!("token");
    check(&with, "host;x-amz-content-sha256;x-amz-date;x-amz-security-token;x-ours");
}

/// The date that the next request is signed with.
fn date(aws: &Arc<dyn Authorizer>, now: i64) -> String {
    let headers = signed(aws, now, "https://a.example/");
    headers["x-amz-date"].to_str().expect("ASCII").to_owned()
}

/// What is learned from a reply to a request that was signed then.
fn learned(aws: &Arc<dyn Authorizer>, (signed, status): (i64, u16), date: &str) -> Learned {
    learned_with(aws, (stamp(aws), signed, status), &[("date", date), ("x-amzn-requestid", "1")])
}

fn learned_with(
    aws: &Arc<dyn Authorizer>,
    (stamp, signed, status): (Stamp, i64, u16),
    fields: &[(&'static str, &str)],
) -> Learned {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.insert(*name, value.parse().expect("it is a value"));
    }
    let now = Timestamp::from_secs(signed);
    let call = Call::new("a".into(), "k".into(), now, Duration::from_secs(1));
    let (url, head) =
        ("https://a.example/".parse().expect("a URL"), ReplyHead::http(status, headers));
    aws.learn(&Learn::new((stamp, &call), &url, &head))
}

#[test]
fn a_clock_that_is_wrong_is_corrected_by_the_apis() {
    let aws = build(&settings("s3")).expect("right");
    assert_eq!(date(&aws, NOW), "20150830T123600Z");
    let at = |signed, status, date: &str| learned(&aws, (signed, status), date);
    assert_eq!(at(NOW, 403, "Sun, 30 Aug 2015 12:40:00 GMT"), Learned::Nothing, "4 minutes");
    assert_eq!(at(NOW, 500, "Sun, 30 Aug 2015 13:36:00 GMT"), Learned::Nothing);
    assert_eq!(at(NOW, 403, "yesterday"), Learned::Nothing);
    assert_eq!(date(&aws, NOW), "20150830T123600Z");
    assert_eq!(at(NOW, 403, "Sun, 30 Aug 2015 13:36:00 GMT"), Learned::TryAgain);
    assert_eq!(date(&aws, NOW + 1), "20150830T133601Z");
    assert_eq!(at(NOW + 1, 403, "Sun, 30 Aug 2015 13:36:02 GMT"), Learned::Nothing, "once");
    // By the time of its own request, however many were signed since.
    assert_eq!(date(&aws, NOW + 601), "20150830T134601Z");
    assert_eq!(at(NOW + 1, 403, "Sun, 30 Aug 2015 12:26:01 GMT"), Learned::TryAgain);
    assert_eq!(date(&aws, NOW + 61), "20150830T122701Z");
    assert_eq!(at(NOW + 61, 401, "Sun, 30 Aug 2015 12:27:01 GMT"), Learned::Hopeless);
    // One that was under way while another one has learned may try again, too.
    let fields = [("date", "Sun, 30 Aug 2015 12:26:01 GMT"), ("x-amzn-requestid", "1")];
    let late = learned_with(&aws, (Stamp::default(), NOW + 1, 403), &fields);
    assert_eq!(late, Learned::TryAgain);
}

#[test]
fn only_aws_is_believed_what_the_time_is() {
    let learns = |fields: &[(&'static str, &str)]| {
        let aws = build(&settings("execute-api")).expect("right");
        let date = ("date", "Sun, 30 Aug 2015 13:36:00 GMT");
        learned_with(&aws, (stamp(&aws), NOW, 403), &[&[date], fields].concat())
    };
    // A page of a cache, however old.
    assert_eq!(learns(&[]), Learned::Nothing);
    assert_eq!(learns(&[("x-amz-cf-id", "1")]), Learned::Nothing);
    // The code may stand in a body.
    assert_eq!(learns(&[("x-amz-request-id", "1")]), Learned::TryAgain);
    let says = |code| learns(&[("x-amzn-requestid", "1"), ("x-amzn-errortype", code)]);
    assert_eq!(says("InvalidSignatureException"), Learned::TryAgain);
    assert_eq!(says("RequestTimeTooSkewed:http://a.example/"), Learned::TryAgain);
    assert_eq!(says("AccessDeniedException"), Learned::Nothing);
}

#[test]
fn what_is_wrong_is_said_all_at_once() {
    let mut wrong = settings("s 3");
    wrong["region"] = json!("");
    wrong["access_key"] = json!("a b");
    wrong["secret_key"] = json!("");
    wrong["session_token"] = json!("a\n");
    let said = build(&wrong).map_or_else(|wrong| wrong.to_string(), |_| "right".to_owned());
    assert_eq!(
        said.split("; ").collect::<Vec<_>>(),
        [
            "/aws/region: is to be of small letters, digits and `-`",
            "/aws/service: is to be of small letters, digits and `-`",
            "/aws/access_key: contains a space, or is not ASCII",
            "/aws/secret_key: is empty: is the variable or file that it comes from empty too?",
            "/aws/session_token: contains a control character, perhaps a line break at its end: remove it",
        ]
    );
}
