//! What a server asks for: `WWW-Authenticate` (RFC 9110 section 11.6.1, RFC 7616 section 3.3).
//!
//! Challenges of several schemes may stand in one line, parted by the same commas as their parameters, and there may be
//! several lines. The parser is a library's; where it cannot read a line to its end, the other lines count all the same.

use http::{HeaderMap, header::WWW_AUTHENTICATE};
use http_auth::{ChallengeRef, parser::ChallengeParser};

use super::algorithm::Algorithm;

/// Bytes of the realm, the nonce and the opaque text of a challenge together: they are kept, and sent with every request.
const KEPT_BYTES_MAX: usize = 4 << 10;

/// A challenge that can be answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Challenge {
    pub(super) realm: String,
    pub(super) nonce: String,
    pub(super) opaque: Option<String>,
    pub(super) algorithm: Algorithm,
    /// Whether the algorithm's name ends in `-sess`.
    pub(super) is_session: bool,
    pub(super) qop: Offered,
    /// Whether only the nonce is too old.
    pub(super) is_stale: bool,
    /// Whether the user's name is to be hashed.
    pub(super) has_userhash: bool,
}

/// Which protection is offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Offered {
    /// None: the form of RFC 2069, without `nc` and `cnonce`.
    Nothing,
    /// `auth`.
    Auth,
    /// `auth-int`.
    AuthInt,
    /// Both.
    Both,
}

/// The strongest challenge that can be answered; of those that are equally strong the first (RFC 7616 section 3.7).
pub(super) fn strongest(headers: &HeaderMap) -> Option<Challenge> {
    let lines = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|line| line.to_str().ok());
    // `min_by_key` takes the first of those that are equal.
    lines.flat_map(challenges).min_by_key(|challenge| challenge.algorithm.is_weak())
}

/// The `nextnonce` of `Authentication-Info` (RFC 7616 section 3.5): the same grammar, without a scheme before it.
pub(super) fn next_nonce(headers: &HeaderMap) -> Option<String> {
    let info = headers.get("authentication-info")?.to_str().ok()?;
    let info = format!("Digest {info}");
    let info = ChallengeParser::new(&info).next()?.ok()?;
    parameter(&info, "nextnonce").filter(|nonce| (1..=KEPT_BYTES_MAX).contains(&nonce.len()))
}

fn challenges(line: &str) -> impl Iterator<Item = Challenge> {
    ChallengeParser::new(line).map_while(Result::ok).filter_map(|challenge| read(&challenge))
}

/// None where it is of another scheme, too long, or cannot be answered.
fn read(challenge: &ChallengeRef<'_>) -> Option<Challenge> {
    if !challenge.scheme.eq_ignore_ascii_case("digest") {
        return None;
    }
    let is_true =
        |name| parameter(challenge, name).is_some_and(|it| it.eq_ignore_ascii_case("true"));
    let algorithm = parameter(challenge, "algorithm").unwrap_or_else(|| "MD5".to_owned());
    let (algorithm, is_session) = Algorithm::by_name(&algorithm)?;
    let (realm, nonce) = (parameter(challenge, "realm")?, parameter(challenge, "nonce")?);
    let opaque = parameter(challenge, "opaque");
    if realm.len() + nonce.len() + opaque.as_ref().map_or(0, String::len) > KEPT_BYTES_MAX {
        return None;
    }
    Some(Challenge {
        realm,
        nonce,
        opaque,
        algorithm,
        is_session,
        qop: offered(parameter(challenge, "qop").as_deref())?,
        is_stale: is_true("stale"),
        has_userhash: is_true("userhash"),
    })
}

/// None where all that is offered is unknown.
fn offered(qop: Option<&str>) -> Option<Offered> {
    let Some(qop) = qop else { return Some(Offered::Nothing) };
    let has = |name| qop.split(',').any(|it| it.trim().eq_ignore_ascii_case(name));
    match (has("auth"), has("auth-int")) {
        (true, true) => Some(Offered::Both),
        (true, false) => Some(Offered::Auth),
        (false, true) => Some(Offered::AuthInt),
        (false, false) => None,
    }
}

fn parameter(challenge: &ChallengeRef<'_>, name: &str) -> Option<String> {
    let named = challenge.params.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value.to_unescaped())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, header::WWW_AUTHENTICATE};
    use proptest::prelude::{any, prop, proptest};

    use super::{next_nonce, strongest};

    #[track_caller]
    fn check(lines: &[&str], expected: &str) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(WWW_AUTHENTICATE, line.parse().expect("it is a value"));
        }
        let said = strongest(&headers).map_or_else(String::new, |it| {
            let opaque = it.opaque.map_or_else(String::new, |it| format!(" opaque {it}"));
            let stale = if it.is_stale { " stale" } else { "" };
            let userhash = if it.has_userhash { " userhash" } else { "" };
            let (realm, nonce, qop) = (it.realm, it.nonce, it.qop);
            let name = it.algorithm.name(it.is_session);
            format!("{name} {realm} {nonce} {qop:?}{opaque}{stale}{userhash}")
        });
        assert_eq!(said, expected);
    }

    #[test]
    fn challenges_are_read() {
        check(&[], "");
        check(&["Basic realm=\"a\"", "Bearer"], "");
        check(&["Digest realm=\"a b\", nonce=\"n\""], "MD5 a b n Nothing");
        check(&["DIGEST REALM=a,NONCE=n,QOP=AUTH,STALE=TRUE"], "MD5 a n Auth stale");
        check(&["Digest realm=\"a\", nonce=\"n\", qop=\"auth-int , auth\""], "MD5 a n Both");
        check(&["Digest realm=\"a\", nonce=\"n\", qop=\"auth-int\""], "MD5 a n AuthInt");
        check(&["Digest realm=\"a\", nonce=\"n\", qop=\"auth-conf\""], "");
        check(
            &["Digest realm=\"a\\\"b\", nonce=\"n,=\", opaque=\"\", userhash=true, x=\"y, z\""],
            "MD5 a\"b n,= Nothing opaque  userhash",
        );
        check(&["Digest realm=\"a\""], "");
        check(&["Digest nonce=\"a\""], "");
        check(&["Digest realm=\"a\", nonce=\"n\", algorithm=SHA-512"], "");
        check(&["Digest realm=\"a\", nonce=\"n\", algorithm=md5-SESS"], "MD5-sess a n Nothing");
    }

    #[test]
    fn what_is_too_long_to_be_kept_is_no_challenge() {
        let (fits, long) = ("n".repeat(4_094), "n".repeat(4_095));
        let challenge =
            |nonce: &str| format!("Digest realm=\"a\", nonce=\"{nonce}\", opaque=\"o\"");
        check(&[&challenge(&fits)], &format!("MD5 a {fits} Nothing opaque o"));
        check(&[&challenge(&long)], "");
        check(&[&challenge(&long), &challenge("1")], "MD5 a 1 Nothing opaque o");
    }

    #[test]
    fn the_strongest_challenge_is_chosen() {
        let (md5, sha256, sha512) = (
            "Digest realm=\"a\", nonce=\"1\", algorithm=MD5",
            "Digest realm=\"a\", nonce=\"2\", algorithm=SHA-256",
            "Digest realm=\"a\", nonce=\"3\", algorithm=SHA-512-256",
        );
        check(&[md5, sha256], "SHA-256 a 2 Nothing");
        check(&[sha256, sha512, md5], "SHA-256 a 2 Nothing");
        check(&[sha512, sha256], "SHA-512-256 a 3 Nothing");
        let one_line = format!("Basic realm=\"x\", {md5} , Negotiate, {sha512},Bearer");
        check(&[&one_line], "SHA-512-256 a 3 Nothing");
        check(&["\"", "???", &format!("{sha256}, Digest realm=\"")], "SHA-256 a 2 Nothing");
        check(&[&format!("{sha256}, ???"), md5], "MD5 a 1 Nothing");
    }

    #[test]
    fn the_next_nonce_is_read() {
        #[track_caller]
        fn check(info: &str, expected: Option<&str>) {
            let mut headers = HeaderMap::new();
            headers.insert("authentication-info", info.parse().expect("it is a value"));
            assert_eq!(next_nonce(&headers).as_deref(), expected);
        }
        check("nextnonce=\"a=b\", qop=auth, rspauth=\"0f\", nc=00000001", Some("a=b"));
        check("rspauth=\"0f\", NextNonce=abc", Some("abc"));
        check("nextnonce=\"\"", None);
        check(&format!("nextnonce=\"{}\"", "n".repeat(4_097)), None);
        check("rspauth=\"0f\"", None);
        check("nextnonce", None);
        check("", None);
    }

    proptest! {
        /// Whatever comes is read or left alone, and what stands in a line of its own is always found.
        #[test]
        fn nothing_that_comes_hides_a_challenge(
            lines in prop::collection::vec(any::<Vec<u8>>(), 0..4),
            texts in prop::collection::vec("[Dd ]igest [ -~]{0,40}|[ -~]{0,60}", 0..4),
        ) {
            let mut headers = HeaderMap::new();
            let texts = texts.into_iter().map(String::into_bytes);
            for line in lines.into_iter().chain(texts) {
                if let Ok(value) = line.as_slice().try_into() {
                    headers.append(WWW_AUTHENTICATE, value);
                }
            }
            let ours = "Digest realm=\"ours\", nonce=\"n\", algorithm=SHA-256";
            headers.append(WWW_AUTHENTICATE, ours.parse().expect("it is a value"));
            assert!(strongest(&headers).is_some());
        }

        /// A quoted string means the same however it is escaped.
        #[test]
        fn a_realm_survives_its_quotes(realm in "[ -~]{0,30}", nonce in "[ -~]{0,30}") {
            let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
            let (realm_q, nonce_q) = (quoted(&realm), quoted(&nonce));
            let line = format!("Basic realm=\"x\", Digest realm=\"{realm_q}\",nonce=\"{nonce_q}\"");
            let mut headers = HeaderMap::new();
            headers.append(WWW_AUTHENTICATE, line.parse().expect("it is a value"));
            let read = strongest(&headers).expect("it is a challenge");
            assert_eq!((read.realm, read.nonce), (realm, nonce));
        }
    }
}
