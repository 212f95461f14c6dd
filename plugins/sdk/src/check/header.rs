//! Header fields that people write (RFC 9110 section 5).

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{Secret, SettingErrors};

/// Set by the engine or the HTTP client: of the connection (RFC 9110 section 7.6.1), or of the trace.
const RESERVED: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
const SECRET: &[&str] = &[
    "api-key",
    "authorization",
    "cookie",
    "dpop",
    "proxy-authorization",
    "set-cookie",
    "signature",
    "x-api-key",
    "x-auth-token",
];
const SECRET_ENDINGS: &[&str] = &["-signature", "-token", "-key", "-secret"];
/// Room for what is added to a request later: content type, keys, trace context, proof.
const ADDED_LATER: usize = 8;

/// The name of a header that a target may set.
///
/// # Errors
/// When it is not a token (RFC 9110 section 5.1), or set by the engine.
pub fn header_name(text: &str) -> Result<HeaderName, String> {
    let Ok(name) = HeaderName::from_bytes(text.as_bytes()) else {
        return Err(
            "is not the name of a header: letters, digits and `-` would be right".to_owned()
        );
    };
    if RESERVED.contains(&name.as_str()) {
        return Err(format!("`{name}` is set by the engine: leave it out"));
    }
    Ok(name)
}

/// The value of a header, marked as sensitive where its name looks like a secret's.
///
/// # Errors
/// When it contains more than visible ASCII characters, spaces and tabs.
pub fn header_value(name: &HeaderName, text: &str) -> Result<HeaderValue, String> {
    if text.chars().any(|c| c.is_control() && c != '\t') {
        let says = "contains a control character, perhaps a line break at its end: remove it";
        return Err(says.to_owned());
    }
    if text.trim_matches([' ', '\t']) != text {
        return Err("begins or ends with a space: remove it".to_owned());
    }
    // RFC 9110 section 5.5: what is not ASCII is opaque, and read differently by everybody.
    let ascii = HeaderValue::from_str(text).ok().filter(|_| text.is_ascii());
    let Some(mut value) = ascii else {
        return Err("is not ASCII: encode it as the API asks for".to_owned());
    };
    value.set_sensitive(is_secret_header(name.as_str()));
    Ok(value)
}

/// The settings' `headers`, with room for those that are added to a request later.
///
/// What is wrong is added to the errors, below `/headers`.
#[must_use]
pub fn headers(written: &BTreeMap<String, Secret>, wrong: &mut SettingErrors) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(written.len() + ADDED_LATER);
    for (typed, value) in written {
        let at = ["headers", typed.as_str()];
        let Some(name) = wrong.take(&at, header_name(typed)) else { continue };
        let Some(value) = wrong.take(&at, header_value(&name, value.expose())) else { continue };
        if headers.insert(&name, value).is_some() {
            let says = format!("`{name}` is there twice: names of headers ignore case");
            wrong.push(&at, says);
        }
    }
    headers
}

/// Whether a header of that name usually carries a secret. Ignores case.
#[must_use]
pub fn is_secret_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let looks_secret =
        SECRET.contains(&name.as_str()) || SECRET_ENDINGS.iter().any(|end| name.ends_with(end));
    looks_secret && name != "idempotency-key"
}

#[cfg(test)]
mod tests {
    use super::{header_name, header_value, is_secret_header};

    #[track_caller]
    fn check(name: &str, value: &str, expected: &str) {
        let checked = header_name(name).and_then(|name| header_value(&name, value));
        assert_eq!(checked.map_or_else(|says| says, |value| format!("{value:?}")), expected);
    }

    #[test]
    fn a_header_is_checked() {
        let control = "contains a control character, perhaps a line break at its end: remove it";
        check("X-Source", "fanfare", "\"fanfare\"");
        check("x-source", "", "\"\"");
        check("x-source", "a\tb", "\"a\tb\"");
        check(
            "x source",
            "a",
            "is not the name of a header: letters, digits and `-` would be right",
        );
        check("", "a", "is not the name of a header: letters, digits and `-` would be right");
        check("Host", "a", "`host` is set by the engine: leave it out");
        check("TraceParent", "a", "`traceparent` is set by the engine: leave it out");
        check("content-length", "1", "`content-length` is set by the engine: leave it out");
        check("x-source", "a\n", control);
        check("x-source", "a\r\nx-other: b", control);
        check("x-source", "a\0", control);
        check("x-source", " a", "begins or ends with a space: remove it");
        check("x-source", "é", "is not ASCII: encode it as the API asks for");
        check("Authorization", "Bearer a", "Sensitive");
        check("X-Hub-Signature", "a", "Sensitive");
    }

    #[test]
    fn a_header_that_looks_secret_is_known() {
        for name in [
            "Authorization",
            "Proxy-Authorization",
            "Cookie",
            "Set-Cookie",
            "x-api-key",
            "API-Key",
            "X-Auth-Token",
            "X-Amz-Security-Token",
            "DPoP",
            "Signature",
            "webhook-signature",
            "Stripe-Signature",
            "x-a-secret",
        ] {
            assert!(is_secret_header(name), "{name}");
        }
        for name in ["accept", "idempotency-key", "x-keyboard", "content-type", "tokens"] {
            assert!(!is_secret_header(name), "{name}");
        }
    }
}
