//! URLs that people write (RFC 3986, RFC 9110 section 4.2).

use std::borrow::Cow;

use http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Longer ones are refused by many servers (RFC 9110 section 4.1 asks for 8000 at least).
pub const URL_BYTES_MAX: usize = 8000;

/// All but the unreserved characters of RFC 3986 section 2.3: right in a path and in a query.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const SECRET_KEYS: &[&str] = &[
    "access_token",
    "api_key",
    "apikey",
    "client_secret",
    "key",
    "password",
    "secret",
    "sig",
    "signature",
    "token",
];

/// An absolute `http` or `https` URL without a secret in it.
///
/// # Errors
/// All that is wrong with it, without the URL itself.
pub fn url(text: &str) -> Result<Uri, Vec<String>> {
    let mut wrong: Vec<String> = Vec::new();
    if text.len() > URL_BYTES_MAX {
        wrong.push(format!("is longer than {URL_BYTES_MAX} bytes"));
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        wrong.push("contains a space or a control character: remove or percent-encode it".into());
    }
    if !text.is_ascii() {
        wrong.push("is not ASCII: write the host in Punycode, percent-encode the rest".into());
    }
    if text.contains(['{', '}', '"', '<', '>', '\\', '^', '`', '|']) {
        wrong.push("contains a character that has to be percent-encoded".into());
    }
    if text.contains('#') {
        wrong.push("has a fragment, which is never sent: remove the part from `#` on".into());
    }
    match text.split_once("://") {
        None => wrong.push("has no scheme: `https://…` would be right".into()),
        Some((scheme, rest)) => {
            if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
                wrong.push("is neither `https://…` nor `http://…`".into());
            }
            after_scheme(rest, &mut wrong);
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    text.parse().map_err(|_| vec!["is not a URL: `https://host/path` would be right".into()])
}

fn after_scheme(rest: &str, wrong: &mut Vec<String>) {
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if host.len() < authority.len() {
        wrong.push("has user info: use `auth` (basic), which keeps it secret".into());
    }
    // An IPv6 address has colons, in brackets.
    let colon = host.rfind(':').filter(|at| !host[*at..].contains(']'));
    let (name, port) = colon.map_or((host, None), |at| (&host[..at], Some(&host[at + 1..])));
    if name.is_empty() {
        wrong.push("has no host: `https://host/path` would be right".into());
    }
    if port.is_some_and(|port| !port.parse::<u16>().is_ok_and(|port| port > 0)) {
        wrong.push("has a port that is not a number from 1 to 65535".into());
    }
    let query = path.split('#').next().and_then(|it| it.split_once('?')).map_or("", |(_, q)| q);
    for key in query.split('&').filter_map(|pair| pair.split('=').next()) {
        if is_secret_query_key(key) {
            wrong.push("has a query key that looks like a secret's: use `auth` (api_key)".into());
        }
    }
}

/// Whether a query key of that name, percent-encoded or not, usually carries a secret. Ignores case.
#[must_use]
pub fn is_secret_query_key(key: &str) -> bool {
    let key = percent_decode_str(key).decode_utf8_lossy().to_ascii_lowercase().replace('-', "_");
    SECRET_KEYS.contains(&key.as_str())
}

/// The text as one part of a path or a query: all but letters, digits and `-._~` becomes `%XX`.
#[must_use]
pub fn percent_encode(text: &str) -> Cow<'_, str> {
    utf8_percent_encode(text, RESERVED).into()
}

/// What of a URL may be printed: scheme, host and port. Path and query may be secrets.
#[must_use]
pub fn masked_url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return "…".to_owned() };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}/…")
}

#[cfg(test)]
mod tests {
    use super::{URL_BYTES_MAX, is_secret_query_key, masked_url, percent_encode, url};

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let checked = url(text).map_or_else(|wrong| wrong.join("; "), |uri| uri.to_string());
        assert_eq!(checked, expected);
    }

    #[test]
    fn a_url_is_checked() {
        check("https://api.example/v1?a=b", "https://api.example/v1?a=b");
        check("HTTP://127.0.0.1:8080", "http://127.0.0.1:8080/");
        check("https://[::1]:8443/", "https://[::1]:8443/");
        check("https://[::1]/", "https://[::1]/");
        check("https://api.example?a=b", "https://api.example/?a=b");
        check("https://api.example/%7Bid%7D", "https://api.example/%7Bid%7D");
        check("api.example/v1", "has no scheme: `https://…` would be right");
        check("", "has no scheme: `https://…` would be right");
        check("ftp://api.example/", "is neither `https://…` nor `http://…`");
        check("https:///v1", "has no host: `https://host/path` would be right");
        check("https://:80/", "has no host: `https://host/path` would be right");
        check(
            "https://me:pw@api.example/",
            "has user info: use `auth` (basic), which keeps it secret",
        );
        check("https://api.example:0/", "has a port that is not a number from 1 to 65535");
        check("https://api.example:99999/", "has a port that is not a number from 1 to 65535");
        check("https://api.example:/", "has a port that is not a number from 1 to 65535");
        check(
            "https://api.example/a b",
            "contains a space or a control character: remove or percent-encode it",
        );
        check(
            "https://api.example/\n",
            "contains a space or a control character: remove or percent-encode it",
        );
        check(
            "https://bücher.example/",
            "is not ASCII: write the host in Punycode, percent-encode the rest",
        );
        check("https://api.example/{id}", "contains a character that has to be percent-encoded");
        check(
            "https://api.example/#top",
            "has a fragment, which is never sent: remove the part from `#` on",
        );
        check("https://[::1/", "is not a URL: `https://host/path` would be right");
        let secret = "has a query key that looks like a secret's: use `auth` (api_key)";
        check("https://api.example/?a=b&api_key=x", secret);
        check("https://api.example/?%74oken=x", secret);
        check("https://api.example?Client-Secret", secret);
        check(
            "ftp://me@/?sig=1",
            &format!(
                "is neither `https://…` nor `http://…`; has user info: use `auth` (basic), which keeps it secret; \
                 has no host: `https://host/path` would be right; {secret}"
            ),
        );
        let long = format!("https://api.example/{}", "a".repeat(URL_BYTES_MAX));
        check(&long, "is longer than 8000 bytes");
    }

    #[test]
    fn a_query_key_that_looks_secret_is_known() {
        for key in ["key", "API-KEY", "apikey", "access%5Ftoken", "Sig", "password"] {
            assert!(is_secret_query_key(key), "{key}");
        }
        for key in ["keyword", "page_token_max", "", "author"] {
            assert!(!is_secret_query_key(key), "{key}");
        }
    }

    #[test]
    fn what_may_be_printed_is_the_origin() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(masked_url(text), expected);
        }
        check("https://hooks.example/T0/B0/xyz?key=1", "https://hooks.example/…");
        check("https://me:pw@hooks.example", "https://hooks.example/…");
        check("https://me:p@w@hooks.example:1/", "https://hooks.example:1/…");
        check("s3cret", "…");
    }

    #[test]
    fn a_part_of_a_url_is_encoded() {
        assert_eq!(percent_encode("2024-06-01"), "2024-06-01");
        assert_eq!(percent_encode("a/b?c=d&é +"), "a%2Fb%3Fc%3Dd%26%C3%A9%20%2B");
    }
}
