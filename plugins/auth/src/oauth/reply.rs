//! A reply of a token endpoint (RFC 6749 section 5.1).

use std::time::Duration;

use fanfare_sdk::{Reply, Secret, Timestamp};
use http::HeaderValue;
use serde::Deserialize;
use serde_json::Value;

use super::failure::{Failure, code};

/// How long a token is used of which is not said how long it is good for. Where that is too long, the API says so by a 401.
const LIFE_UNSAID: Duration = Duration::from_secs(60 * 60);

/// Longer than any token is good for: what is said beyond it is a mistake.
const LIFE_MAX: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// What was given.
#[derive(Debug)]
pub(super) struct Given {
    /// The value of the header `Authorization`; sensitive.
    pub(super) value: HeaderValue,
    /// The token alone.
    pub(super) token: Secret,
    pub(super) life: Duration,
    pub(super) refresh_token: Option<Secret>,
    /// Whether it is bound to our key.
    pub(super) is_bound: bool,
}

#[derive(Deserialize)]
struct Body {
    access_token: Option<String>,
    token_type: Option<String>,
    expires_in: Option<Value>,
    refresh_token: Option<String>,
}

/// Reads a reply with the status 200. Members that are not known are ignored. Never repeats what it has read. What is no
/// answer of a token endpoint may be a page of what stands before it, and passes.
pub(super) fn read(reply: &Reply, has_key: bool, now: Timestamp) -> Result<Given, Failure> {
    let no_token = |says: &str| Failure::permanent("token_reply", says);
    let no_answer = |says: &str| Failure::temporary("token_reply", says);
    if code(reply).is_some() {
        // Some say so with a status of success.
        return Err(Failure::refused(reply, now));
    }
    if reply.body.is_truncated() {
        let says = "the reply of the token endpoint was cut off, or is too long";
        return Err(Failure::temporary("token_reply", says));
    }
    let body: Body = serde_json::from_slice(reply.body.bytes()).map_err(|_| {
        no_answer("the reply of the token endpoint is not JSON, or not as it should be")
    })?;
    let token = body.access_token.filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| no_answer("the reply of the token endpoint has no token"))?;
    let kind = body.token_type.unwrap_or_default().to_ascii_lowercase();
    let (scheme, is_bound) = match kind.as_str() {
        "bearer" => ("Bearer", false),
        "dpop" if has_key => ("DPoP", true),
        "" => return Err(no_token("the reply of the token endpoint has no `token_type`")),
        _ => return Err(no_token("the token endpoint gave a token of another type than `Bearer`")),
    };
    let value = HeaderValue::try_from(format!("{scheme} {token}")).ok();
    let fits = token.bytes().all(|byte| byte.is_ascii_graphic());
    let value = value.filter(|_| fits);
    let mut value = value.ok_or_else(|| no_token("the token does not fit a header"))?;
    value.set_sensitive(true);
    let life = match body.expires_in {
        None | Some(Value::Null) => LIFE_UNSAID,
        Some(said) => seconds(&said).ok_or_else(|| no_token("`expires_in` is not a number"))?,
    };
    let refresh_token = body.refresh_token.filter(|token| !token.is_empty()).map(Secret::new);
    let token = Secret::new(token);
    Ok(Given { value, token, life: life.min(LIFE_MAX), refresh_token, is_bound })
}

/// A number, or a text of one, as some servers write it. What is less than nothing is nothing.
fn seconds(said: &Value) -> Option<Duration> {
    let seconds = match said {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    Some(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(LIFE_MAX))
}
