//! AWS Signature Version 4, as the receiving side works it out: by the bytes of the request and the secret alone.

use std::{collections::BTreeMap, fmt::Write, time::SystemTime};

use aws_lc_rs::{digest, hmac};
use http::Request;

/// What is wrong with a signature.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Wrong {
    Missing,
    UnknownKey,
    Mismatch,
}

/// Verifies the header `Authorization` for a key, its secret, and a scope (`REGION/SERVICE`).
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
pub(super) fn verify(
    request: &Request<bytes::Bytes>,
    (key, secret): (&str, &str),
    scope: &str,
) -> Result<(), Wrong> {
    let text = |name: &str| request.headers().get(name).map_or("", |it| it.to_str().unwrap());
    let rest = text("authorization").strip_prefix("AWS4-HMAC-SHA256 ").ok_or(Wrong::Missing)?;
    let parts: BTreeMap<_, _> =
        rest.split(',').filter_map(|it| it.trim().split_once('=')).collect();
    let part = |name: &str| parts.get(name).copied().ok_or(Wrong::Missing);
    let (credential, signed) = (part("Credential")?, part("SignedHeaders")?);
    let (found_key, found_scope) = credential.split_once('/').ok_or(Wrong::Missing)?;
    if found_key != key {
        return Err(Wrong::UnknownKey);
    }
    let date = text("x-amz-date");
    let day = date.get(..8).ok_or(Wrong::Missing)?;
    let names: Vec<_> = signed.split(';').collect();
    // The host has to be signed, and every header of AWS that is sent.
    let amz = request.headers().keys().map(http::HeaderName::as_str);
    let is_signed = amz.filter(|it| it.starts_with("x-amz-")).all(|it| names.contains(&it));
    if found_scope != format!("{day}/{scope}/aws4_request")
        || !names.contains(&"host")
        || !is_signed
    {
        return Err(Wrong::Mismatch);
    }
    let mut canonical = format!("{}\n{}\n", request.method(), request.uri().path());
    canonical.push_str(request.uri().query().unwrap_or_default());
    canonical.push('\n');
    for name in &names {
        let host = request.uri().authority().map_or("", |it| it.as_str());
        let value = if *name == "host" && text("host").is_empty() { host } else { text(name) };
        writeln!(canonical, "{name}:{}", value.trim()).unwrap();
    }
    write!(canonical, "\n{signed}\n{}", hash(request.body())).unwrap();
    let string = format!("AWS4-HMAC-SHA256\n{date}\n{found_scope}\n{}", hash(canonical.as_bytes()));
    let mut signing = format!("AWS4{secret}").into_bytes();
    for step in [day].into_iter().chain(scope.split('/')).chain(["aws4_request"]) {
        signing = sign(&signing, step);
    }
    if hex(&sign(&signing, &string)) == part("Signature")? && is_now(date) {
        Ok(())
    } else {
        Err(Wrong::Mismatch)
    }
}

/// Whether it is one of the last or next fifteen minutes.
#[expect(clippy::disallowed_methods, reason = "a receiver has a clock of its own")]
fn is_now(date: &str) -> bool {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let at = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).unwrap();
    let at = at.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_second();
    i64::try_from(now).unwrap().abs_diff(at) <= 15 * 60
}

fn sign(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn hash(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
