//! What people write about an HTTP API.

use std::{collections::BTreeMap, fmt};

use fanfare_sdk::{Coding, Repeat, Secret, SettingErrors, check};
use http::{HeaderMap, header::CONTENT_ENCODING};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{HttpTarget, QueryJqSetting, ValueSetting};

/// Bytes of a reply that are kept unless the settings say otherwise: enough for every reply that says what became of a request.
const CAPTURE_BYTES: u32 = 64 << 10;

/// What people write about an HTTP API. Checked by [`HttpTarget::try_new`].
///
/// Its own keys only: those of the engine (`auth`, `versions`, `timeout`, …) never reach it.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map of settings")]
#[schemars(title = "http", description = "The declarative HTTP target.")]
#[non_exhaustive]
pub struct HttpSettings {
    /// Absolute, `http` or `https`. `{version}` may stand in its path and query, and so may other expressions of RFC 6570 with
    /// `variables`. No user info, no secret in its query: use `auth`.
    #[schemars(example = "https://crm.example/v{version}/contacts")]
    pub url: String,
    /// In capital letters. `GET` and `HEAD` carry no body.
    #[serde(default = "post")]
    #[schemars(extend("x-reason" = "a payload is mostly posted"))]
    pub method: String,
    /// One value each: text, or a jq expression over the payload. A `Content-Type` replaces the payload's.
    #[serde(default)]
    pub headers: BTreeMap<String, ValueSetting>,
    /// Added to the query of the URL, percent-encoded: text, or a jq expression over the payload. No secret: use
    /// `auth`.
    #[serde(default)]
    pub query: BTreeMap<String, ValueSetting<QueryJqSetting>>,
    /// How bodies are compressed: `gzip`, `deflate`, `br` or `zstd`, before anything is signed; not unless set.
    #[serde(default)]
    pub compress: Option<CompressSetting>,
    /// Bytes from which on a body is compressed.
    #[serde(default = "compress_above")]
    #[schemars(extend("x-reason" = "what fits into one packet gains nothing"))]
    pub compress_above: u32,
    /// What the URL's expressions mean (RFC 6570), each a jq expression over the payload: text, a number, a list, a map. Where
    /// one of the path gives nothing, nothing is sent.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 100))]
    pub variables: BTreeMap<String, String>,
    /// Where the version goes.
    #[serde(default)]
    pub version_in: VersionIn,
    /// The statuses that mean that the API does not speak the version of the request (any more). A 404 counts only
    /// while another version can be tried.
    #[serde(default = "version_rejected_by")]
    #[schemars(
        inner(range(min = 300, max = 599)),
        length(max = 100),
        extend("x-reason" = "what RFC 9110 has for a resource, a media type or a protocol that is not there")
    )]
    pub version_rejected_by: Vec<u16>,
    /// The header that tells the API that two requests are the same one.
    #[serde(default)]
    pub idempotency_key: IdempotencyKeySettings,
    /// Where a repeat does no harm. Left out, it follows the method (RFC 9110 section 9.2): `anywhere` where it only
    /// reads (GET, HEAD, OPTIONS, TRACE), `same_endpoint` where it is idempotent (PUT, DELETE), else `never`. Set `same_endpoint` only when the API honours the idempotency key.
    #[serde(default)]
    #[schemars(extend("x-reason" = "a second POST may act a second time: only its owner knows better"))]
    pub repeat: Option<RepeatSetting>,
    /// Bytes of the reply that are kept; 0 keeps status and headers only.
    #[serde(default = "capture_bytes")]
    #[schemars(
        range(max = 16_777_216),
        extend("x-reason" = "enough for every reply that says what became of a request")
    )]
    pub capture_bytes_max: u32,
    /// A request without effect that shows whether the API is there and lets us in.
    #[serde(default)]
    pub probe: ProbeSettings,
}

/// A request without effect (RFC 9110 section 9.2.1).
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "a map of settings")]
#[non_exhaustive]
pub struct ProbeSettings {
    /// `GET`, `HEAD` or `OPTIONS`.
    #[schemars(extend(
        "enum" = ["GET", "HEAD", "OPTIONS"],
        "x-reason" = "safe, and answered by most servers without touching the resource"
    ))]
    pub method: String,
    /// Another URL than the target's own, with `{version}` where that has it.
    pub url: Option<String>,
}

/// Where the version goes.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VersionIn {
    /// Where `{version}` stands in the URL.
    #[default]
    Path,
    /// Into the header of this name.
    Header(String),
    /// Into the query, under this key.
    Query(String),
    /// Into this media type, where `{version}` stands in it: `Accept`, and `Content-Type` where there is a body.
    MediaType(String),
}

/// The header that tells the API that two requests are the same one.
///
/// Methods that are safe (RFC 9110 section 9.2.1) never carry it.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, expecting = "a map of settings")]
#[non_exhaustive]
pub struct IdempotencyKeySettings {
    /// Whether the header is sent.
    #[schemars(extend("x-reason" = "an API that does not know it ignores it"))]
    pub send: bool,
    /// Its name.
    #[schemars(extend("x-reason" = "the name of the draft, and of most APIs"))]
    pub header: String,
    /// Where it stands in the body besides, where an API wants it there: a name at the top of a JSON object or a form, or a
    /// JSON pointer.
    pub body: Option<String>,
    /// Whether it is written as the quoted string of draft-ietf-httpapi-idempotency-key-header. Most APIs take it bare.
    pub quoted: bool,
}

/// How bodies are compressed, as people write it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CompressSetting {
    /// What most APIs take.
    Gzip,
    /// In the zlib format.
    Deflate,
    /// RFC 7932.
    Br,
    /// RFC 8878.
    Zstd,
}

/// Where a repeat does no harm, as people write it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RepeatSetting {
    /// Nowhere: a second request may act a second time.
    Never,
    /// At the endpoint and version that saw the first.
    SameEndpoint,
    /// Also at other endpoints, versions and stand-ins.
    Anywhere,
}

// === impl HttpSettings ===

impl HttpSettings {
    /// A request with this method to this URL, all else by default.
    #[must_use]
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            method: method.into(),
            headers: BTreeMap::new(),
            query: BTreeMap::new(),
            compress: None,
            compress_above: compress_above(),
            variables: BTreeMap::new(),
            version_in: VersionIn::default(),
            version_rejected_by: version_rejected_by(),
            idempotency_key: IdempotencyKeySettings::default(),
            repeat: None,
            capture_bytes_max: CAPTURE_BYTES,
            probe: ProbeSettings::default(),
        }
    }

    /// A POST to this URL, all else by default.
    #[must_use]
    pub fn post(url: impl Into<String>) -> Self {
        Self::new(post(), url)
    }

    /// With this header; its value is treated as a secret.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), ValueSetting::Fixed(Secret::new(value)));
        self
    }

    /// With this pair in the query, neither of them encoded yet.
    #[must_use]
    pub fn query(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.insert(key.into(), ValueSetting::Fixed(Secret::new(value)));
        self
    }

    /// With this variable of the URL, a jq expression over the payload.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, jq: impl Into<String>) -> Self {
        self.variables.insert(name.into(), jq.into());
        self
    }

    /// With the version there.
    #[must_use]
    pub fn version_in(mut self, place: VersionIn) -> Self {
        self.version_in = place;
        self
    }

    /// With a version taken for rejected by these statuses.
    #[must_use]
    pub fn version_rejected_by(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.version_rejected_by = statuses.into_iter().collect();
        self
    }

    /// With the idempotency key sent like that.
    #[must_use]
    pub fn idempotency_key(mut self, key: IdempotencyKeySettings) -> Self {
        self.idempotency_key = key;
        self
    }

    /// With repeats there. `SameEndpoint` for a POST only when the API honours the idempotency key.
    #[must_use]
    pub fn repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = Some(match repeat {
            Repeat::Never => RepeatSetting::Never,
            Repeat::SameEndpoint => RepeatSetting::SameEndpoint,
            Repeat::Anywhere => RepeatSetting::Anywhere,
        });
        self
    }

    /// With so many bytes of the reply kept.
    #[must_use]
    pub fn capture_bytes_max(mut self, bytes: u32) -> Self {
        self.capture_bytes_max = bytes;
        self
    }

    /// Checks them: the same as [`HttpTarget::try_new`].
    ///
    /// # Errors
    /// All settings that are wrong.
    pub fn build(&self) -> Result<HttpTarget, SettingErrors> {
        HttpTarget::try_new(self)
    }
}

impl HttpSettings {
    /// What is compressed has a body, and nothing else says how.
    pub(crate) fn check_compress(
        &self,
        (headers, bodiless): (&HeaderMap, bool),
        wrong: &mut SettingErrors,
    ) {
        if self.compress.is_some() && bodiless {
            wrong.push(&["compress"], "has nothing to compress: the `method` carries no body");
        }
        if self.compress.is_some() && headers.contains_key(CONTENT_ENCODING) {
            let says = "writes `content-encoding`, which stands in `headers` too: keep one";
            wrong.push(&["compress"], says);
        }
    }
}

impl fmt::Debug for HttpSettings {
    /// Without path, query and the values of headers: they may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSettings")
            .field("url", &check::masked_url(&self.url))
            .field("method", &self.method)
            .field("headers", &self.headers)
            .field("query", &self.query)
            .field("version_in", &self.version_in)
            .field("idempotency_key", &self.idempotency_key)
            .field("repeat", &self.repeat)
            .field("capture_bytes_max", &self.capture_bytes_max)
            .finish_non_exhaustive()
    }
}

fn post() -> String {
    "POST".to_owned()
}

fn version_rejected_by() -> Vec<u16> {
    vec![404, 406, 410, 415, 426]
}

fn compress_above() -> u32 {
    1400
}

impl From<CompressSetting> for Coding {
    fn from(setting: CompressSetting) -> Self {
        match setting {
            CompressSetting::Gzip => Self::Gzip,
            CompressSetting::Deflate => Self::Deflate,
            CompressSetting::Br => Self::Brotli,
            CompressSetting::Zstd => Self::Zstd,
        }
    }
}

fn capture_bytes() -> u32 {
    CAPTURE_BYTES
}

impl Default for ProbeSettings {
    fn default() -> Self {
        Self { method: "OPTIONS".to_owned(), url: None }
    }
}

// === impl IdempotencyKeySettings ===

impl IdempotencyKeySettings {
    /// Not sent.
    #[must_use]
    pub fn off() -> Self {
        Self { send: false, ..Self::default() }
    }

    /// Sent bare in the header of this name.
    #[must_use]
    pub fn in_header(name: impl Into<String>) -> Self {
        Self { header: name.into(), ..Self::default() }
    }
}

impl Default for IdempotencyKeySettings {
    fn default() -> Self {
        Self { send: true, header: "Idempotency-Key".to_owned(), body: None, quoted: false }
    }
}

// === impl RepeatSetting ===

impl From<RepeatSetting> for Repeat {
    fn from(written: RepeatSetting) -> Self {
        match written {
            RepeatSetting::Never => Self::Never,
            RepeatSetting::SameEndpoint => Self::SameEndpoint,
            RepeatSetting::Anywhere => Self::Anywhere,
        }
    }
}
