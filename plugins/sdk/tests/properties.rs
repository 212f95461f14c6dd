//! What comes from outside, or from whoever writes settings: nothing makes the contract's readers panic.

use std::time::Duration;

use fanfare_sdk::{RetryAfter, check, quota_used_up, retry_after};
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::{
    prelude::{Strategy, any},
    prop_assert, prop_assert_eq, prop_oneof, proptest,
};

const NAMES: &[&str] = &[
    "retry-after",
    "retry-after-ms",
    "date",
    "age",
    "ratelimit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-ratelimit-reset-after",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-tokens",
];

/// What is left, and when it begins anew.
const RESETS: &[(&str, &str)] = &[
    ("ratelimit-remaining", "ratelimit-reset"),
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
    ("x-ratelimit-remaining", "x-ratelimit-reset-after"),
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
];

/// What such headers hold, nearly, and anything.
fn value() -> impl Strategy<Value = HeaderValue> {
    let near = prop_oneof![
        "[0-9]{0,25}",
        "-?[0-9]{1,4}(\\.[0-9]{1,9})?(e[0-9]{1,3})?",
        "(\"[a-z]*\";r=[0-9]{1,3};t=-?[0-9]{1,20},? ?){1,3}",
        "(limit|remaining|reset)=[0-9]{1,20}(, ?(remaining|reset)=[0-9]{1,3}){0,2}",
        "([0-9]{1,25}(h|m|s|ms|us|ns|µs)){1,4}",
        "(Sun|Mon), [0-9]{1,2} (Jan|Feb|Nov) [0-9]{1,4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT",
        "(Sunday), [0-9]{2}-Nov-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT",
        "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z",
        "inf|NaN|-0|1e999|\\PC{0,20}",
    ];
    let bytes = prop_oneof![
        4 => near.prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..40),
    ];
    bytes.prop_filter_map("no header", |bytes| HeaderValue::from_bytes(&bytes).ok())
}

fn headers() -> impl Strategy<Value = HeaderMap> {
    let header = (0..NAMES.len(), value());
    proptest::collection::vec(header, 0..6).prop_map(|all| {
        all.into_iter().fold(HeaderMap::new(), |mut headers, (name, value)| {
            headers.append(HeaderName::from_static(NAMES[name]), value);
            headers
        })
    })
}

proptest! {
    #[test]
    fn no_header_makes_it_panic(headers in headers()) {
        let found = (retry_after(&headers), quota_used_up(&headers));
        prop_assert_eq!(found, (retry_after(&headers), quota_used_up(&headers)));
    }

    #[test]
    fn no_end_of_a_quota_makes_it_panic(pair in 0..RESETS.len(), reset in value()) {
        let name = HeaderName::from_static;
        let (left, until) = RESETS[pair];
        let zero = HeaderValue::from_static("0");
        let headers = HeaderMap::from_iter([(name(left), zero), (name(until), reset)]);
        let found = quota_used_up(&headers);
        prop_assert_eq!(found, quota_used_up(&headers));
    }

    #[test]
    fn seconds_are_read_as_they_are_written(secs: u64) {
        let value = HeaderValue::try_from(secs.to_string()).unwrap();
        let headers = HeaderMap::from_iter([(http::header::RETRY_AFTER, value)]);
        prop_assert_eq!(retry_after(&headers), Some(RetryAfter::For(Duration::from_secs(secs))));
    }

    #[test]
    fn a_quota_of_which_something_is_left_holds_nobody_back(left in 1_u32.., reset in value()) {
        let left = HeaderValue::try_from(left.to_string()).unwrap();
        let name = HeaderName::from_static;
        let headers = [(name("x-ratelimit-remaining"), left), (name("x-ratelimit-reset"), reset)];
        prop_assert_eq!(quota_used_up(&HeaderMap::from_iter(headers)), None);
    }

    #[test]
    fn a_url_that_is_right_is_one(text in "(https?|ftp|[a-z]{0,5})?(://)?[a-z@:.\\[\\]0-9%]{0,20}(/[ -~]{0,20})?|\\PC{0,60}") {
        let Ok(uri) = check::url(&text) else { return Ok(()) };
        prop_assert!(matches!(uri.scheme_str(), Some("http" | "https")), "{}", text);
        prop_assert!(uri.host().is_some_and(|host| !host.is_empty()), "{}", text);
        prop_assert!(!uri.authority().is_some_and(|it| it.as_str().contains('@')), "{}", text);
    }

    #[test]
    fn what_is_shown_of_a_url_is_its_origin(
        user in "[A-Z]{0,9}",
        path in "[A-Z/?#&=@:]{0,30}",
    ) {
        let shown = check::masked_url(&format!("https://{user}@a.example/{path}"));
        prop_assert_eq!(shown, "https://a.example/…");
    }

    #[test]
    fn a_header_that_is_right_is_visible_ascii(name in "\\PC{0,20}", value in "\\PC{0,20}|[\\x00-\\x7f]{0,20}") {
        let Ok(name) = check::header_name(&name) else { return Ok(()) };
        if let Ok(checked) = check::header_value(&name, &value) {
            prop_assert!(checked.to_str().is_ok_and(|text| text == value));
        }
    }

    #[test]
    fn what_is_encoded_is_decoded_again(text: String) {
        let encoded = check::percent_encode(&text);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte);
        prop_assert!(encoded.bytes().all(plain));
        let decoded = percent_encoding::percent_decode_str(&encoded).decode_utf8();
        prop_assert_eq!(&*decoded.unwrap(), text.as_str());
    }
}
