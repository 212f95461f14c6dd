//! What answers a challenge: `Authorization: Digest …` (RFC 7616 section 3.4).

use fanfare_sdk::check;

use super::challenge::{Challenge, Offered};

/// A protection that was chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Qop {
    Nothing,
    Auth,
    AuthInt,
}

/// What is proved, and to which request.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) method: &'a str,
    /// Path and query, as they go on the wire.
    pub(super) uri: &'a str,
    pub(super) body: &'a [u8],
    pub(super) qop: Qop,
    /// How many requests were made with this nonce, this one included.
    pub(super) count: u32,
    /// The nonce of the challenge, which that of the session may have followed.
    pub(super) first_nonce: &'a str,
    pub(super) cnonce: &'a str,
}

// === impl Qop ===

impl Qop {
    /// `auth` where it is offered, unless the body is to be protected and can be.
    pub(super) fn of(offered: Offered, protect_body: bool) -> Self {
        match offered {
            Offered::Nothing => Self::Nothing,
            Offered::Both if protect_body => Self::AuthInt,
            Offered::Auth | Offered::Both => Self::Auth,
            Offered::AuthInt => Self::AuthInt,
        }
    }
}

/// The hash of user, realm and password (section 3.4.2, `A1` without `-sess`).
pub(super) fn secret_hash(challenge: &Challenge, user: &str, password: &str) -> String {
    let parts = [user, &challenge.realm, password].map(str::as_bytes);
    challenge.algorithm.hex(&parts)
}

/// The value of the header.
pub(super) fn authorization(
    challenge: &Challenge,
    user: &str,
    secret_hash: &str,
    asked: &Asked<'_>,
) -> String {
    let algorithm = challenge.algorithm;
    let mut value = String::from("Digest ");
    if challenge.has_userhash {
        let hashed = algorithm.hex(&[user.as_bytes(), challenge.realm.as_bytes()]);
        quoted(&mut value, "username", &hashed);
    } else if user.is_ascii() {
        quoted(&mut value, "username", user);
    } else {
        // RFC 8187: what is not ASCII has a form of its own.
        value.push_str(&format!("username*=UTF-8''{}", check::percent_encode(user)));
    }
    for (name, text) in [("realm", &*challenge.realm), ("uri", asked.uri)] {
        value.push_str(", ");
        quoted(&mut value, name, text);
    }
    value.push_str(&format!(", algorithm={}", algorithm.name(challenge.is_session)));
    value.push_str(", ");
    quoted(&mut value, "nonce", &challenge.nonce);
    if let Some(qop) = name(asked.qop) {
        value.push_str(&format!(", nc={:08x}, ", asked.count));
        quoted(&mut value, "cnonce", asked.cnonce);
        value.push_str(&format!(", qop={qop}"));
    }
    value.push_str(&format!(", response=\"{}\"", response(challenge, secret_hash, asked)));
    if let Some(opaque) = &challenge.opaque {
        value.push_str(", ");
        quoted(&mut value, "opaque", opaque);
    }
    if challenge.has_userhash {
        value.push_str(", userhash=true");
    }
    value
}

/// Section 3.4.1; without a protection the form of RFC 2069.
fn response(challenge: &Challenge, secret_hash: &str, asked: &Asked<'_>) -> String {
    let (algorithm, nonce) = (challenge.algorithm, challenge.nonce.as_bytes());
    let (method, uri, cnonce) =
        (asked.method.as_bytes(), asked.uri.as_bytes(), asked.cnonce.as_bytes());
    let first = if challenge.is_session {
        algorithm.hex(&[secret_hash.as_bytes(), asked.first_nonce.as_bytes(), cnonce])
    } else {
        secret_hash.to_owned()
    };
    let second = match asked.qop {
        Qop::Nothing | Qop::Auth => algorithm.hex(&[method, uri]),
        Qop::AuthInt => algorithm.hex(&[method, uri, algorithm.hex(&[asked.body]).as_bytes()]),
    };
    let (first, second) = (first.as_bytes(), second.as_bytes());
    match name(asked.qop) {
        None => algorithm.hex(&[first, nonce, second]),
        Some(qop) => {
            let count = format!("{:08x}", asked.count);
            algorithm.hex(&[first, nonce, count.as_bytes(), cnonce, qop.as_bytes(), second])
        }
    }
}

const fn name(qop: Qop) -> Option<&'static str> {
    match qop {
        Qop::Nothing => None,
        Qop::Auth => Some("auth"),
        Qop::AuthInt => Some("auth-int"),
    }
}

fn quoted(value: &mut String, name: &str, text: &str) {
    value.push_str(name);
    value.push_str("=\"");
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            value.push('\\');
        }
        value.push(c);
    }
    value.push('"');
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{Asked, Qop, authorization, secret_hash};
    use crate::digest::{
        algorithm::Algorithm,
        challenge::{Challenge, Offered},
    };

    const VECTORS: &str = include_str!("../../tests/vectors/digest.json");

    #[track_caller]
    fn check(case: &Value) {
        let text = |key: &str| case.get(key).and_then(Value::as_str).unwrap_or_default();
        let is_true = |key: &str| case.get(key).and_then(Value::as_bool).unwrap_or_default();
        let (algorithm, is_session) = Algorithm::by_name(text("algorithm")).expect("it is known");
        let challenge = Challenge {
            realm: text("realm").to_owned(),
            nonce: text("nonce").to_owned(),
            opaque: case.get("opaque").map(|_| text("opaque").to_owned()),
            algorithm,
            is_session,
            qop: Offered::Auth,
            is_stale: false,
            has_userhash: is_true("userhash"),
        };
        let asked = Asked {
            method: text("method"),
            uri: text("uri"),
            body: text("body").as_bytes(),
            qop: match text("qop") {
                "auth" => Qop::Auth,
                "auth-int" => Qop::AuthInt,
                _ => Qop::Nothing,
            },
            count: u32::from_str_radix(text("nc"), 16).expect("it is a count"),
            first_nonce: if case.get("first_nonce").is_some() {
                text("first_nonce")
            } else {
                text("nonce")
            },
            cnonce: text("cnonce"),
        };
        let user = text("username");
        let hash = secret_hash(&challenge, user, text("password"));
        let value = authorization(&challenge, user, &hash, &asked);
        let shown = if is_true("userhash") { text("username_hashed") } else { user };
        for part in [
            format!("Digest username=\"{shown}\", "),
            format!(", response=\"{}\"", text("response")),
            format!(", algorithm={}, ", text("algorithm")),
            format!(", uri=\"{}\", ", text("uri")),
            format!(", nonce=\"{}\", ", text("nonce")),
        ] {
            assert!(value.contains(&part), "{part} in {value} of {}", text("ref"));
        }
        assert_eq!(value.ends_with(", userhash=true"), is_true("userhash"), "{value}");
    }

    #[test]
    fn answers_are_those_of_the_standards() {
        let vectors: Value = serde_json::from_str(VECTORS).expect("it is JSON");
        let cases = vectors["digest"].as_array().expect("there are cases");
        assert_eq!(cases.len(), 20);
        cases.iter().for_each(check);
    }
}
