//! Signs a request by AWS Signature Version 4.

use std::{
    borrow::Cow,
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningParams,
        SigningSettings, UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use bytes::Bytes;
use fanfare_sdk::{
    AuthError, Authorizer, Call, Learn, Learned, Ready, SettingErrors, Stamp, Timestamp,
    async_trait,
};
use http::{HeaderName, HeaderValue, Request, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use tracing::subscriber::{NoSubscriber, with_default};

use super::{AwsSettings, skew::Skew};
use crate::{AuthSettingError, error::unfit, refusal};

/// Headers that are not signed, since they change on the way or tell of this attempt only.
const UNSIGNED: &[&str] = &[
    "authorization",
    "baggage",
    "connection",
    "expect",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "user-agent",
    "x-amzn-trace-id",
];

/// All but the unreserved characters (RFC 3986 section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Signs every request by AWS Signature Version 4, with the attempt's time, corrected by what the API's clock says.
pub struct AwsSigner {
    region: String,
    service: String,
    // Invariant: all parts fit a header.
    credentials: Credentials,
    rules: Rules,
    skew: Skew,
}

/// What differs between services.
#[derive(Clone, Copy, Debug)]
struct Rules {
    /// Whether the path is encoded once more, as all services but S3 have it.
    encodes_twice: bool,
    /// Whether dots and empty segments of the path are resolved, as all services but S3 have it.
    normalizes: bool,
    /// Whether `x-amz-content-sha256` is sent.
    content_sha256: bool,
}

// === impl AwsSigner ===

impl AwsSigner {
    /// Checks the settings.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn try_new(settings: &AwsSettings) -> Result<Self, SettingErrors> {
        let mut wrong = SettingErrors::default();
        for (key, text) in [("region", &settings.region), ("service", &settings.service)] {
            let is_name = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
            if text.is_empty() || !text.bytes().all(is_name) {
                wrong.push(&[key], "is to be of small letters, digits and `-`");
            }
        }
        let secrets = [
            ("access_key", Some(&settings.access_key)),
            ("secret_key", Some(&settings.secret_key)),
            ("session_token", settings.session_token.as_ref()),
        ];
        for (key, secret) in secrets {
            let Some(text) = secret.map(|secret| secret.expose()) else { continue };
            let checked = AuthSettingError::unless_secret(key, text).map_err(|it| it.message);
            wrong.take(&[key], checked);
            if !text.bytes().all(|it| it.is_ascii_graphic() || it.is_ascii_control()) {
                wrong.push(&[key], "contains a space, or is not ASCII");
            }
        }
        let is_s3 = settings.service == "s3" || settings.service.starts_with("s3-");
        let rules = Rules {
            encodes_twice: !is_s3,
            normalizes: !is_s3,
            content_sha256: is_s3 || settings.content_sha256,
        };
        let token = settings.session_token.as_ref().map(|token| token.expose().to_owned());
        let (id, secret) = (settings.access_key.expose(), settings.secret_key.expose());
        let credentials = Credentials::new(id, secret, token, None, "fanfare");
        let (region, service) = (settings.region.clone(), settings.service.clone());
        wrong.or(Some(Self { region, service, credentials, rules, skew: Skew::default() }))
    }

    /// What is added to the request.
    fn signed(
        &self,
        at: Timestamp,
        request: &Request<Bytes>,
    ) -> Option<Vec<(HeaderName, HeaderValue)>> {
        let identity = self.credentials.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(system_time(at))
            .settings(self.rules.settings())
            .build()
            .ok()?;
        let headers = request.headers().iter();
        let headers =
            headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let uri = Cow::Owned(request.uri().to_string());
        let body = SignableBody::Bytes(request.body());
        let signable = SignableRequest::new(request.method().as_str(), uri, headers, body).ok()?;
        let (added, _) = sign(signable, &SigningParams::V4(params)).ok()?.into_parts();
        let added = added.into_parts().0.into_iter().map(|header| {
            let mut value = HeaderValue::from_str(header.value()).ok()?;
            value.set_sensitive(header.sensitive() || header.name() == "authorization");
            Some((HeaderName::from_static(header.name()), value))
        });
        added.collect()
    }
}

#[async_trait]
impl Authorizer for AwsSigner {
    async fn ready(&self, _ready: Ready) -> Result<Stamp, AuthError> {
        Ok(self.skew.stamp())
    }

    async fn authorize(
        &self,
        stamp: Stamp,
        call: &Call,
        request: &mut Request<Bytes>,
    ) -> Result<(), AuthError> {
        if !self.rules.encodes_twice {
            let uri = strictly_encoded(request.uri());
            *request.uri_mut() = uri.ok_or_else(|| unfit("the URL cannot be signed"))?;
        }
        let at = Skew::corrected(stamp, call.now);
        // The library traces what it signs, headers with secrets among it.
        let added = with_default(NoSubscriber::default(), || self.signed(at, request));
        let added = added.ok_or_else(|| unfit("the request cannot be signed"))?;
        for (name, value) in added {
            request.headers_mut().insert(name, value);
        }
        Ok(())
    }

    fn learn(&self, it: &Learn<'_>) -> Learned {
        match self.skew.learn(it) {
            Learned::Nothing => refusal::learned(it.head),
            learned @ (Learned::TryAgain | Learned::Hopeless) => learned,
        }
    }
}

impl fmt::Debug for AwsSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AwsSigner({}, {})", self.region, self.service)
    }
}

// === impl Rules ===

impl Rules {
    fn settings(self) -> SigningSettings {
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = if self.encodes_twice {
            PercentEncodingMode::Double
        } else {
            PercentEncodingMode::Single
        };
        settings.uri_path_normalization_mode = UriPathNormalizationMode::from(self.normalizes);
        settings.payload_checksum_kind = if self.content_sha256 {
            PayloadChecksumKind::XAmzSha256
        } else {
            PayloadChecksumKind::NoHeader
        };
        settings.excluded_headers = Some(UNSIGNED.iter().copied().map(Cow::Borrowed).collect());
        settings
    }
}

/// The path as S3 encodes it before it compares signatures: all but the unreserved characters, so that `+` means itself.
fn strictly_encoded(uri: &Uri) -> Option<Uri> {
    let encoded = |segment: &str| {
        let decoded: Vec<u8> = percent_decode_str(segment).collect();
        percent_encode(&decoded, RESERVED).to_string()
    };
    let path: Vec<_> = uri.path().split('/').map(encoded).collect();
    let query = uri.query().map_or_else(String::new, |query| format!("?{query}"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("{}{query}", path.join("/")).try_into().ok()?);
    Uri::from_parts(parts).ok()
}

fn system_time(at: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(u64::try_from(at.as_micros()).unwrap_or(0))
}

#[cfg(test)]
#[path = "vectors.rs"]
mod tests;
