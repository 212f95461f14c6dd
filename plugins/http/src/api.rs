//! The target: settings once checked, and the request of every call.

use std::fmt;

use bytes::Bytes;
use fanfare_sdk::{
    Call, Capture, Classification, Compress, Effect, Endpoint, HttpApi, Meaning, Payload,
    PrepareError, Profile, Repeat, Reply, Secret, SettingErrors, UrlTemplate, Version, VersionUse,
    check,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};

use crate::{
    HttpSettings, ProbeSettings, VersionIn,
    key::{KeyHeader, KeyInBody},
    template::{Encoded, Template, with_pairs},
    value::{Computed, fixed},
    variables::Values,
};

/// Bytes of a reply that can be kept: each attempt in flight may hold as many.
const CAPTURE_BYTES_MAX: u32 = 16 << 20;

/// Headers that are added to those of the settings: ours, and those of whoever sends it. Spares a map that grows twice.
const HEADERS_ADDED: usize = 8;

/// An HTTP API, described by settings that have been checked.
#[derive(Clone)]
pub struct HttpTarget {
    method: Method,
    url: Template,
    shown: Option<UrlTemplate>,
    // The same, as it was written: what a call names when it means this one.
    endpoint: Endpoint,
    // Encoded pairs that are added to every URL, joined by `&`; empty where there are none.
    query: String,
    headers: HeaderMap,
    computed: Computed,
    version: Place,
    version_rejected_by: Vec<u16>,
    probe: (Method, Option<Template>),
    key: Option<KeyHeader>,
    key_in_body: Option<KeyInBody>,
    versions: Vec<Version>,
    // The URLs of calls without an endpoint: of those without a version, and of the known versions.
    ready: Vec<(Option<Version>, Uri)>,
    repeat: Repeat,
    compress: Option<Compress>,
    capture: Capture,
}

/// Where the version goes, checked.
#[derive(Clone, Debug)]
enum Place {
    Path,
    Header(HeaderName),
    // The encoded key.
    Query(String),
    // Around the version.
    MediaType(String, String),
}

// === impl HttpTarget ===

impl HttpTarget {
    /// A POST to this URL, all else by default. [`HttpSettings::post`] has more to choose.
    ///
    /// # Errors
    /// All that is wrong with the URL.
    pub fn post(url: impl Into<String>) -> Result<Self, SettingErrors> {
        Self::try_new(&HttpSettings::post(url))
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// All settings that are wrong, each with what would be right.
    pub fn try_new(settings: &HttpSettings) -> Result<Self, SettingErrors> {
        let mut wrong = SettingErrors::default();
        let HttpSettings { repeat, capture_bytes_max, .. } = *settings;
        let method = wrong.take(&["method"], method(&settings.method));
        let url = wrong.take_all(&["url"], Template::try_new(&settings.url));
        let query = query(settings, &mut wrong);
        let headers = check::headers(&fixed(&settings.headers), &mut wrong);
        let written = (&settings.headers, &headers);
        let computed = Computed::new(written, &settings.query, &settings.variables, &mut wrong);
        for (at, url) in [("url", url.as_ref()), ("probe", probe_url(settings).as_ref())] {
            known(at, url, settings, &mut wrong);
        }
        let version = place(settings, url.as_ref(), &headers, &mut wrong);
        let probe = probe(&settings.probe, &mut wrong);
        let key = KeyHeader::checked(&settings.idempotency_key, &headers, &mut wrong);
        let bodiless = method.as_ref().is_some_and(|method| !has_body(method));
        settings.check_compress((&headers, bodiless), &mut wrong);
        let key_in_body = KeyInBody::checked(&settings.idempotency_key, !bodiless, &mut wrong);
        if let (Some(Place::Header(one)), Some(other)) = (&version, &key)
            && *one == other.name
        {
            wrong.push(&["version_in", "header"], format!("`{one}` carries the idempotency key"));
        }
        if capture_bytes_max > CAPTURE_BYTES_MAX {
            let says = format!("is more than {CAPTURE_BYTES_MAX} bytes (16 MiB)");
            wrong.push(&["capture_bytes_max"], says);
        }
        let checked = method.zip(url).zip(version);
        let ((method, url), version) = wrong.or(checked)?;
        let mut target = Self {
            key: key.filter(|_| !method.is_safe()),
            key_in_body,
            repeat: repeat.map_or_else(|| by_method(&method), Repeat::from),
            compress: settings
                .compress
                .map(|coding| Compress::new(coding.into(), settings.compress_above as usize)),
            capture: capture(capture_bytes_max),
            versions: Vec::new(),
            ready: Vec::new(),
            endpoint: Endpoint::from(settings.url.as_str()),
            version_rejected_by: settings.version_rejected_by.clone(),
            method,
            shown: url.shown(),
            url,
            query,
            headers,
            computed,
            version,
            probe,
        };
        let ready = target.expand(&target.url, None, &Values::None);
        target.ready.extend(ready.ok().map(|uri| (None, uri)));
        Ok(target)
    }

    /// Declares the versions that it speaks, preferred first, and checks their requests now.
    ///
    /// # Errors
    /// When a version has no place in the request.
    pub fn with_versions<V: Into<Version>>(
        mut self,
        versions: impl IntoIterator<Item = V>,
    ) -> Result<Self, SettingErrors> {
        let mut wrong = SettingErrors::default();
        self.versions = versions.into_iter().map(Into::into).collect();
        self.ready.retain(|(version, _)| version.is_none());
        for (at, version) in self.versions.iter().enumerate() {
            let uri = self.expand(&self.url, Some(version), &Values::Sample);
            let uri = uri.and_then(|uri| self.version_header(version).map(|_| uri));
            let uri = uri.map_err(|PrepareError(says)| says);
            let ready = wrong.take(&["versions", &at.to_string()], uri);
            let ready = ready.filter(|_| self.url.variables().is_empty());
            self.ready.extend(ready.map(|uri| (Some(version.clone()), uri)));
        }
        wrong.or(Some(self))
    }

    fn uri(
        &self,
        call: &Call,
        values: &Values<'_>,
    ) -> Result<(Uri, Option<UrlTemplate>), PrepareError> {
        let version = call.version.as_ref();
        if let Some(endpoint) =
            call.endpoint.as_ref().filter(|endpoint| **endpoint != self.endpoint)
        {
            let url = endpoint_template(endpoint)?;
            return Ok((self.expand(&url, version, values)?, url.shown()));
        }
        let uri = match self.ready.iter().find(|(ready, _)| ready.as_ref() == version) {
            Some((_, uri)) => uri.clone(),
            None => self.expand(&self.url, version, values)?,
        };
        Ok((uri, self.shown.clone()))
    }

    fn expand(
        &self,
        url: &Template,
        version: Option<&Version>,
        values: &Values<'_>,
    ) -> Result<Uri, PrepareError> {
        let encoded = version.map(Encoded::try_new).transpose()?;
        if version.is_some() && matches!(self.version, Place::Path) && !url.has_version() {
            let says = "the url has no `{version}`, and `version_in` names no other place for it";
            return Err(PrepareError(says.to_owned()));
        }
        let mut pairs = self.query.clone();
        if let (Place::Query(key), Some(version)) = (&self.version, &encoded) {
            let separator = if pairs.is_empty() { "" } else { "&" };
            pairs.extend([separator, key, "=", version.as_str()]);
        }
        with_pairs(url.expand(encoded.as_ref(), values)?, &pairs)
    }

    fn version_header(&self, version: &Version) -> Result<Option<HeaderValue>, PrepareError> {
        match &self.version {
            Place::Path | Place::Query(_) => Ok(None),
            Place::MediaType(before, after) => {
                let text = format!("{before}{version}{after}");
                check::header_value(&header::ACCEPT, &text)
                    .map(Some)
                    .map_err(|says| PrepareError(format!("the version {says}")))
            }
            Place::Header(name) => check::header_value(name, version.as_str())
                .map(Some)
                .map_err(|says| PrepareError(format!("the version {says}"))),
        }
    }

    fn insert_version(
        &self,
        headers: &mut HeaderMap,
        version: &Version,
    ) -> Result<(), PrepareError> {
        let Some(value) = self.version_header(version)? else { return Ok(()) };
        match &self.version {
            Place::Header(name) => drop(headers.insert(name, value)),
            Place::MediaType(..) => {
                if self.has_body() && !self.headers.contains_key(header::CONTENT_TYPE) {
                    headers.insert(header::CONTENT_TYPE, value.clone());
                }
                headers.insert(header::ACCEPT, value);
            }
            Place::Path | Place::Query(_) => {}
        }
        Ok(())
    }

    fn has_body(&self) -> bool {
        has_body(&self.method)
    }

    fn values<'p>(&'p self, payload: &'p Payload) -> Values<'p> {
        Values::Of(payload, &self.computed.variables, self.computed.first_variable())
    }
}

impl HttpApi for HttpTarget {
    fn profile(&self) -> Profile {
        let mut profile = Profile::default();
        profile.versions.clone_from(&self.versions);
        profile.endpoints = vec![self.endpoint.clone()];
        profile.repeat = self.repeat;
        profile.capture = self.capture;
        profile.carries_body = self.has_body();
        profile.compress = self.compress;
        profile.version_use = match self.version {
            Place::Path if self.url.has_version() => VersionUse::Needed,
            Place::Path => VersionUse::Ignored,
            Place::Header(_) | Place::Query(_) | Place::MediaType(..) => VersionUse::Accepted,
        };
        profile.expressions.clone_from(&self.computed.expressions);
        profile
    }

    fn request(&self, call: &Call, payload: &Payload) -> Result<Request<Bytes>, PrepareError> {
        let mut headers = self.headers.clone();
        headers.reserve(HEADERS_ADDED);
        let mut body = Bytes::new();
        if self.has_body() {
            body = match &self.key_in_body {
                Some(place) => place.put(&call.idempotency_key, payload)?,
                None => payload.bytes().clone(),
            };
            if let (false, Some(value)) =
                (headers.contains_key(header::CONTENT_TYPE), content_type(payload)?)
            {
                headers.insert(header::CONTENT_TYPE, value);
            }
        }
        self.computed.insert(&mut headers, payload)?;
        if let Some(version) = &call.version {
            self.insert_version(&mut headers, version)?;
        }
        if let Some(key) = &self.key {
            headers.insert(&key.name, key.value(&call.idempotency_key)?);
        }
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        let (uri, shown) = self.uri(call, &self.values(payload))?;
        if let Some(shown) = shown {
            request.extensions_mut().insert(shown);
        }
        *request.uri_mut() = with_pairs(uri, &self.computed.pairs(payload)?)?;
        *request.headers_mut() = headers;
        Ok(request)
    }

    fn classify(&self, call: &Call, reply: &Reply) -> Classification {
        let Some(status) = reply.head.status.filter(|_| call.version.is_some()) else {
            return Classification::by_status(call, reply);
        };
        let rejected = self.version_rejected_by.contains(&status);
        if rejected && (status != 404 || call.has_other_version) {
            return Classification::new(Meaning::VersionRejected, Effect::None);
        }
        let mut other = call.clone();
        other.version = None;
        Classification::by_status(&other, reply)
    }

    fn probe(&self, call: &Call) -> Result<Option<Request<Bytes>>, PrepareError> {
        let (method, url) = &self.probe;
        let mut headers = self.headers.clone();
        headers.remove(header::CONTENT_TYPE);
        if let Some(version) = &call.version {
            self.insert_version(&mut headers, version)?;
            headers.remove(header::CONTENT_TYPE);
        }
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = method.clone();
        *request.uri_mut() = match url {
            Some(url) => {
                let version = call.version.as_ref().map(Encoded::try_new).transpose()?;
                url.expand(version.as_ref(), &Values::None)?
            }
            None => self.uri(call, &Values::None)?.0,
        };
        *request.headers_mut() = headers;
        Ok(Some(request))
    }
}

impl fmt::Debug for HttpTarget {
    /// Without path, query and the values of headers: they may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.keys().map(HeaderName::as_str).collect();
        f.debug_struct("HttpTarget")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("headers", &names)
            .field("version", &self.version)
            .field("key", &self.key)
            .field("versions", &self.versions)
            .field("repeat", &self.repeat)
            .field("capture", &self.capture)
            .finish_non_exhaustive()
    }
}

// === checks ===

fn method(text: &str) -> Result<Method, String> {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let meant = KNOWN.into_iter().find(|known| known.eq_ignore_ascii_case(text)).unwrap_or("POST");
    let capital = !text.bytes().any(|byte| byte.is_ascii_lowercase());
    match Method::from_bytes(text.as_bytes()) {
        Ok(Method::CONNECT) => Err("is not for APIs: `POST` would be right".to_owned()),
        Ok(method) if capital => Ok(method),
        Ok(_) => Err(format!("is not in capital letters: `{meant}` would be right")),
        Err(_) => Err("is not a method: `POST` would be right".to_owned()),
    }
}

fn has_body(method: &Method) -> bool {
    *method != Method::GET && *method != Method::HEAD
}

fn probe_url(settings: &HttpSettings) -> Option<Template> {
    Template::try_new(settings.probe.url.as_ref()?).ok()
}

/// A probe has no payload; the URL of the others has only what `variables` give.
fn known(at: &str, url: Option<&Template>, settings: &HttpSettings, wrong: &mut SettingErrors) {
    for name in url.iter().flat_map(|url| url.variables()) {
        if at == "probe" {
            let says = format!("uses `{name}`, and a probe has no payload to take it from");
            wrong.push(&[at, "url"], says);
        } else if !settings.variables.contains_key(name) {
            wrong.push(&[at], format!("uses `{name}`, which `variables` does not have"));
        }
    }
}

/// RFC 9110 sections 9.2.1 and 9.2.2: what only reads does no harm wherever it is repeated.
fn by_method(method: &Method) -> Repeat {
    match method {
        _ if method.is_safe() => Repeat::Anywhere,
        _ if method.is_idempotent() => Repeat::SameEndpoint,
        _ => Repeat::Never,
    }
}

fn capture(bytes_max: u32) -> Capture {
    match usize::try_from(bytes_max) {
        Ok(0) => Capture::Head,
        Ok(bytes_max) => Capture::Whole { bytes_max },
        Err(_) => Capture::default(),
    }
}

/// The settings' `query`, encoded.
fn query(settings: &HttpSettings, wrong: &mut SettingErrors) -> String {
    let pair = |(key, value): (&String, &Secret)| {
        if check::is_secret_query_key(key) {
            let says = "looks like a secret's key: use `auth` (api_key), which keeps it secret";
            wrong.push(&["query", key], says);
        }
        format!("{}={}", check::percent_encode(key), check::percent_encode(value.expose()))
    };
    fixed(&settings.query).iter().map(pair).collect::<Vec<_>>().join("&")
}

fn place(
    settings: &HttpSettings,
    url: Option<&Template>,
    headers: &HeaderMap,
    wrong: &mut SettingErrors,
) -> Option<Place> {
    let in_url = url.is_some_and(Template::has_version);
    if in_url && settings.version_in != VersionIn::Path {
        wrong.push(&["version_in"], "names one place, the `{version}` in `url` another: keep one");
    }
    match &settings.version_in {
        VersionIn::Path => Some(Place::Path),
        VersionIn::Header(typed) => {
            let at = ["version_in", "header"];
            let name = wrong.take(&at, check::header_name(typed))?;
            if headers.contains_key(&name) {
                wrong.push(&at, format!("`{name}` stands in `headers` too: keep one"));
            }
            Some(Place::Header(name))
        }
        VersionIn::Query(key) => {
            let at = ["version_in", "query"];
            let encoded = check::percent_encode(key).into_owned();
            if key.is_empty() || check::is_secret_query_key(key) {
                wrong.push(&at, "is not the name of a version: `api-version` would be right");
            }
            let in_url = url.is_some_and(|url| url.query_keys().contains(&encoded));
            if in_url || settings.query.contains_key(key.as_str()) {
                wrong.push(&at, "stands in the query too: keep one");
            }
            Some(Place::Query(encoded))
        }
        VersionIn::MediaType(text) => media_type(text, headers, wrong),
    }
}

fn media_type(text: &str, headers: &HeaderMap, wrong: &mut SettingErrors) -> Option<Place> {
    let at = ["version_in", "media_type"];
    let right = "`application/vnd.crm.v{version}+json` would be right";
    if headers.contains_key(header::ACCEPT) {
        wrong.push(&at, "goes into `Accept`, which stands in `headers` too: keep one");
    }
    let Some((before, after)) = text.split_once("{version}") else {
        wrong.push(&at, format!("has no `{{version}}`: {right}"));
        return None;
    };
    if !before.contains('/') || after.contains("{version}") {
        wrong.push(&at, format!("is not a media type: {right}"));
    }
    let sample = format!("{before}0{after}");
    wrong.take(&at, check::header_value(&header::ACCEPT, &sample))?;
    Some(Place::MediaType(before.to_owned(), after.to_owned()))
}

fn probe(settings: &ProbeSettings, wrong: &mut SettingErrors) -> (Method, Option<Template>) {
    let method = match settings.method.as_str() {
        "GET" => Method::GET,
        "HEAD" => Method::HEAD,
        "OPTIONS" => Method::OPTIONS,
        _ => {
            let says = "is not without effect: `GET`, `HEAD` or `OPTIONS` would be right";
            wrong.push(&["probe", "method"], says);
            Method::OPTIONS
        }
    };
    let url = settings.url.as_ref();
    let url = url.and_then(|url| wrong.take_all(&["probe", "url"], Template::try_new(url)));
    (method, url)
}

// === parts of a request ===

fn endpoint_template(endpoint: &Endpoint) -> Result<Template, PrepareError> {
    let says = |wrong: Vec<String>| PrepareError(format!("the endpoint {}", wrong.join("; ")));
    Template::try_new(endpoint.as_str()).map_err(says)
}

fn content_type(payload: &Payload) -> Result<Option<HeaderValue>, PrepareError> {
    match payload.content_type() {
        "" => Ok(None),
        // Most payloads: spares an allocation.
        "application/json" => Ok(Some(HeaderValue::from_static("application/json"))),
        text => check::header_value(&header::CONTENT_TYPE, text)
            .map(Some)
            .map_err(|says| PrepareError(format!("the payload's content type {says}"))),
    }
}
