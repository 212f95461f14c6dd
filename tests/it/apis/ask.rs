//! A request, as a mock looks at it, and how it answers.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use fanfare_testkit::Scripted;
use http::{Request, header};
use serde_json::Value;

/// A request that a mock is asked.
pub(super) struct Ask<'a>(pub(super) &'a Request<Bytes>);

/// An answer in JSON.
pub(super) fn json(status: u16, body: &Value) -> Scripted {
    Scripted::status(status).header("content-type", "application/json").body(body.to_string())
}

// === impl Ask ===

impl Ask<'_> {
    /// Method and URL, without its query.
    pub(super) fn line(&self) -> String {
        let url = self.0.uri().to_string();
        format!("{} {}", self.0.method(), url.split('?').next().unwrap_or_default())
    }

    /// All of it.
    pub(super) fn request(&self) -> &Request<Bytes> {
        self.0
    }

    /// The bytes of the body.
    pub(super) fn body(&self) -> &[u8] {
        self.0.body()
    }

    /// The value of a header; empty where there is none.
    pub(super) fn header(&self, name: &str) -> &str {
        self.0.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The token that `Authorization` bears; empty where there is none.
    pub(super) fn bearer(&self) -> &str {
        self.header("authorization").strip_prefix("Bearer ").unwrap_or_default()
    }

    /// `user:password` of `Authorization`; empty where there is none.
    pub(super) fn basic(&self) -> String {
        let coded = self.header("authorization").strip_prefix("Basic ").unwrap_or_default();
        String::from_utf8(BASE64_STANDARD.decode(coded).unwrap()).unwrap()
    }

    /// The body where it says that it is JSON; null where it is not.
    pub(super) fn json(&self) -> Value {
        let is = self.media_type() == "application/json";
        if is { serde_json::from_slice(self.0.body()).unwrap_or_default() } else { Value::Null }
    }

    /// The fields of the body where it says that it is a form.
    pub(super) fn form(&self) -> BTreeMap<String, String> {
        let is = self.media_type() == "application/x-www-form-urlencoded";
        let body = if is { &self.0.body()[..] } else { b"" };
        url::form_urlencoded::parse(body).into_owned().collect()
    }

    /// The fields of the query.
    pub(super) fn query(&self) -> BTreeMap<String, String> {
        let query = self.0.uri().query().unwrap_or_default();
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    fn media_type(&self) -> &str {
        self.header(header::CONTENT_TYPE.as_str()).split(';').next().unwrap_or_default()
    }
}
