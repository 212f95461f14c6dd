//! What of a URL may stand in a span: `url.full` without user info, without values of the query that are secrets, and
//! without parts of the path that look like one.

use fanfare_sdk::check;

const REDACTED: &str = "REDACTED";

/// Keys whose values the semantic conventions take out, case and all.
const SIGNED_URL_KEYS: &[&str] = &[
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "AWSAccessKeyId",
    "Signature",
    "sig",
    "X-Goog-Signature",
];

/// A key with one of these in it, in whatever case, names a secret.
const SECRET_PARTS: &[&str] = &[
    "token",
    "secret",
    "passw",
    "passphrase",
    "session",
    "credential",
    "signature",
    "apikey",
    "jwt",
];

/// A key with one of these as a word of its own names a secret.
const SECRET_WORDS: &[&str] =
    &["key", "auth", "authorization", "pwd", "pass", "sid", "assertion", "hmac"];

/// A text of letters and digits of at least this length is taken for a token.
const TOKEN_LENGTH: usize = 20;

/// The URL as it may be shown.
pub(super) fn redacted(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (path, query) =
        rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
    let mut text = String::with_capacity(url.len() + 2 * REDACTED.len());
    text.extend([scheme, if scheme.is_empty() { "" } else { "://" }]);
    match authority.rsplit_once('@') {
        Some((_, host)) => text.extend([REDACTED, ":", REDACTED, "@", host]),
        None => text.push_str(authority),
    }
    for (place, part) in path.split('/').enumerate() {
        let slash = if place == 0 { "" } else { "/" };
        text.extend([slash, if looks_random(part) { REDACTED } else { part }]);
    }
    for (place, pair) in query.into_iter().flat_map(|query| query.split('&')).enumerate() {
        text.push(if place == 0 { '?' } else { '&' });
        match pair.split_once('=') {
            Some((key, value)) if is_secret(key) || looks_random(value) => {
                text.extend([key, "=", REDACTED]);
            }
            None if looks_random(pair) => text.push_str(REDACTED),
            Some(_) | None => text.push_str(pair),
        }
    }
    text
}

fn is_secret(key: &str) -> bool {
    if SIGNED_URL_KEYS.contains(&key) {
        return true;
    }
    // The conventions ask for this one in lower case only.
    if key.eq_ignore_ascii_case("sig") {
        return false;
    }
    let lower = key.to_ascii_lowercase();
    check::is_secret_query_key(key)
        // As OAuth and functions of Azure have it; what has it as a part is a code of something else.
        || lower == "code"
        || SECRET_PARTS.iter().any(|part| lower.contains(part))
        || lower
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(|word| SECRET_WORDS.contains(&word))
}

/// Long, with letters and digits in it: a token, as in the URLs of many webhooks. Dates, names and numbers are not.
fn looks_random(text: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| text.as_bytes().iter().any(kind);
    text.len() >= TOKEN_LENGTH && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
}

#[cfg(test)]
mod tests {
    use proptest::proptest;
    use serde_json::Value;

    use super::redacted;

    /// Semantic conventions 1.44.0 (Apache-2.0), restated.
    const CONVENTIONS: &str = include_str!("vectors/http_client_span_rules.json");

    #[track_caller]
    fn check(url: &str, expected: &str) {
        assert_eq!(redacted(url), expected);
    }

    #[test]
    fn a_url_is_shown_without_secrets() {
        check(
            "https://username:password@www.example.com/",
            "https://REDACTED:REDACTED@www.example.com/",
        );
        check("https://me@www.example.com", "https://REDACTED:REDACTED@www.example.com");
        check("https://a:p@ss@b/", "https://REDACTED:REDACTED@b/");
        check(
            "https://a.example/path?color=blue&sig=abc",
            "https://a.example/path?color=blue&sig=REDACTED",
        );
        check("https://a.example/path?SIG=abc", "https://a.example/path?SIG=abc");
        check(
            "https://a.example?X-Amz-Signature=1&x=2",
            "https://a.example?X-Amz-Signature=REDACTED&x=2",
        );
        check("https://a.example/?api_key=1", "https://a.example/?api_key=REDACTED");
        check("https://a.example/?%74oken=1", "https://a.example/?%74oken=REDACTED");
        check("https://a.example/?X-Session-Id=1", "https://a.example/?X-Session-Id=REDACTED");
        check(
            "https://a.example/?accessToken=1&auth=2",
            "https://a.example/?accessToken=REDACTED&auth=REDACTED",
        );
        check("https://a.example/?code=e3b0c44298fc1c149afbf4", "https://a.example/?code=REDACTED");
        check("https://a.example/?e3b0c44298fc1c149afbf4", "https://a.example/?REDACTED");
        for key in [
            "key",
            "api_key",
            "apikey",
            "token",
            "access_token",
            "sig",
            "signature",
            "secret",
            "password",
            "code",
            "client_secret",
            "client_assertion",
            "refresh_token",
            "assertion",
        ] {
            check(
                &format!("https://a.example/?{key}=x1"),
                &format!("https://a.example/?{key}=REDACTED"),
            );
        }
    }

    #[test]
    fn a_url_is_shown_as_the_conventions_have_it() {
        let conventions: Value = serde_json::from_str(CONVENTIONS).unwrap();
        for pair in conventions["url_full"].as_array().unwrap() {
            check(pair["in"].as_str().unwrap(), pair["out"].as_str().unwrap());
        }
        let keys = &conventions["redact_query_values_case_sensitive"];
        assert_eq!(*keys, serde_json::json!(super::SIGNED_URL_KEYS));
    }

    #[test]
    fn what_is_no_secret_is_kept() {
        check("https://a.example:8443/v1/contacts", "https://a.example:8443/v1/contacts");
        check("https://[::1]:8443/", "https://[::1]:8443/");
        check(
            "https://a.example/v2?version=2024-06-01&page=3",
            "https://a.example/v2?version=2024-06-01&page=3",
        );
        check("https://a.example/?author=me&", "https://a.example/?author=me&");
        check("https://a.example/?country_code=de", "https://a.example/?country_code=de");
        check(
            "https://a.example/a-long-name-without-numbers",
            "https://a.example/a-long-name-without-numbers",
        );
        check("a/b", "a/b");
        check("", "");
    }

    #[test]
    fn a_token_in_the_path_is_taken_out() {
        check(
            "https://hooks.example/services/T0001/B0002/x9YtR4kLmN0pQ2sV8wZ1aBcD",
            "https://hooks.example/services/T0001/B0002/REDACTED",
        );
        check(
            "https://api.example/bot123456:AAExyz-0123456789/send",
            "https://api.example/REDACTED/send",
        );
    }

    #[test]
    fn the_keys_of_signed_urls_are_known_in_their_case() {
        for key in super::SIGNED_URL_KEYS {
            check(
                &format!("https://a.example/?{key}=x"),
                &format!("https://a.example/?{key}=REDACTED"),
            );
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text: String) {
            let _ = redacted(&text);
        }
    }
}
