//! What the semantic conventions for HTTP clients say of an exchange: the same in its span and in its metric.

use std::{borrow::Cow, time::Duration};

use fanfare_sdk::{SendErrorKind, Timestamp};
use http::{Method, Uri, Version};
use opentelemetry::{KeyValue, Value};

use super::{AttemptEnd, ExchangeRecord, names::semconv};

/// Methods that are known (RFC 9110, RFC 5789); all others are one.
const METHODS: &[&str] =
    &["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];

/// One exchange, seen from its end.
#[derive(Debug)]
pub(super) struct Finished<'a> {
    pub(super) record: &'a ExchangeRecord,
    pub(super) ended_at: Timestamp,
    pub(super) status: Option<u16>,
    /// `error.type`.
    pub(super) error: Option<Cow<'static, str>>,
    version: Option<Version>,
    /// Whether it is the last one of its attempt.
    pub(super) last: bool,
}

/// The exchanges of an attempt, oldest first.
pub(super) fn finished<'a>(end: &'a AttemptEnd<'_>) -> impl Iterator<Item = Finished<'a>> {
    let count = end.exchanges.len();
    end.exchanges
        .iter()
        .enumerate()
        .map(move |(place, record)| one(end, record, place + 1 == count))
}

fn one<'a>(end: &AttemptEnd<'_>, record: &'a ExchangeRecord, last: bool) -> Finished<'a> {
    // What cut an exchange short has cut its attempt short.
    let (of_attempt, failed) = (end.ended, end.ended.error.as_ref().map(|error| error.kind));
    let (ended_at, version) =
        record.ended.map_or((of_attempt.at, None), |ended| (ended.at, ended.version));
    let (status, failed) = match record.ended.map(|ended| ended.status) {
        Some(Ok(status)) => (status, failed.filter(|_| last)),
        Some(Err(kind)) => (None, Some(kind)),
        None => (of_attempt.status.filter(|_| last), failed.filter(|_| last)),
    };
    let error = match status {
        Some(status) if status >= 400 => Some(status.to_string().into()),
        Some(_) | None => failed.and_then(error_type),
    };
    Finished { record, ended_at, status, error, version, last }
}

/// `error.type`; none where it was ended on purpose.
pub(super) fn error_type(kind: SendErrorKind) -> Option<Cow<'static, str>> {
    (kind != SendErrorKind::Aborted).then(|| kind.code().into())
}

impl Finished<'_> {
    /// How long it took: the duration of its span, and the value of its metric.
    pub(super) fn took(&self) -> Duration {
        self.ended_at.since(self.record.at)
    }

    /// `http.request.method`; of a method that is not known, that it is another one.
    pub(super) fn method(&self) -> Cow<'static, str> {
        known(&self.record.sent.method).unwrap_or("_OTHER").into()
    }

    /// The method as it was sent, where it is not a known one.
    pub(super) fn method_original(&self) -> Option<String> {
        let method = &self.record.sent.method;
        known(method).is_none().then(|| method.as_str().to_owned())
    }

    /// The attributes that its span and its metric have in common.
    pub(super) fn attributes(&self) -> Vec<KeyValue> {
        let (address, port) = server(&self.record.sent.url);
        let mut attributes = Vec::with_capacity(16);
        let mut add = |key: &'static str, value: Value| attributes.push(KeyValue::new(key, value));
        add(semconv::REQUEST_METHOD, self.method().into());
        add(semconv::SERVER_ADDRESS, address.to_owned().into());
        add(semconv::SERVER_PORT, i64::from(port).into());
        if let Some(status) = self.status {
            add(semconv::RESPONSE_STATUS_CODE, i64::from(status).into());
        }
        if let Some(error) = &self.error {
            add(semconv::ERROR_TYPE, error.clone().into());
        }
        if let Some(version) = self.version.and_then(protocol_version) {
            add(semconv::PROTOCOL_VERSION, version.into());
        }
        attributes
    }
}

fn known(method: &Method) -> Option<&'static str> {
    METHODS.iter().find(|known| method == **known).copied()
}

/// `server.address` and `server.port`; the port also where it is that of the scheme.
fn server(url: &Uri) -> (&str, u16) {
    let host = url.host().unwrap_or_default();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let default = if url.scheme() == Some(&http::uri::Scheme::HTTP) { 80 } else { 443 };
    (address, url.port_u16().unwrap_or(default))
}

fn protocol_version(version: Version) -> Option<&'static str> {
    match version {
        Version::HTTP_09 => Some("0.9"),
        Version::HTTP_10 => Some("1.0"),
        Version::HTTP_11 => Some("1.1"),
        Version::HTTP_2 => Some("2"),
        Version::HTTP_3 => Some("3"),
        _ => None,
    }
}
