//! Signs a request as a scheme says.

use std::fmt;

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use fanfare_sdk::{
    AuthError, Authorizer, Call, Learn, Learned, Secret, SettingErrors, Stamp, async_trait, check,
};
use http::{HeaderName, HeaderValue, Request};

use super::{
    HmacDigest, HmacSettings, KeyForm, SignatureForm,
    preset::Scheme,
    template::{Facts, Place, Template},
};
use crate::{
    AuthSettingError,
    error::unfit,
    keyed::{Keyed, KeyedDigest},
    refusal,
};

/// Secrets that sign one request: a receiver changes from one to the next, and each costs a hash of the body.
const SECRETS_MAX: usize = 8;
/// Some issuers leave the padding out.
const BASE64_LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Signs every request with HMAC.
#[derive(Clone)]
pub struct HmacSigner {
    // Invariant: at least one; several only where there is a separator.
    keys: Vec<Keyed>,
    signed: Template,
    encoding: SignatureForm,
    header: HeaderName,
    signature: Template,
    separator: String,
    value: Template,
    timestamp_header: Option<HeaderName>,
    id_header: Option<HeaderName>,
    nonce_header: Option<HeaderName>,
    /// Whether the delivery's id is signed.
    has_id: bool,
}

// === impl HmacSigner ===

impl HmacSigner {
    /// Checks the settings.
    ///
    /// # Errors
    /// All that is wrong with them.
    pub fn try_new(settings: &HmacSettings) -> Result<Self, SettingErrors> {
        let mut wrong = SettingErrors::default();
        let scheme = settings.scheme(&mut wrong);
        let keys = keys(settings, &scheme, &mut wrong);
        let of_request = |place: Place| !matches!(place, Place::Hmac | Place::Signatures);
        let signed = wrong.take(&["signed"], Template::try_new(scheme.signed, of_request));
        let one = |place: Place| place == Place::Hmac;
        let signature = template("signature", scheme.signature, one, &mut wrong);
        let whole =
            |place: Place| place == Place::Signatures || of_request(place) && place != Place::Body;
        let value = template("value", scheme.value, whole, &mut wrong);
        let carrier = header("header", Some(scheme.header), &mut wrong);
        let timestamp_header = header("timestamp_header", scheme.timestamp_header, &mut wrong);
        let id_header = header("id_header", scheme.id_header, &mut wrong);
        let nonce_header = header("nonce_header", scheme.nonce_header, &mut wrong);
        once_each(settings, &mut wrong);
        separated(&scheme, &mut wrong);
        if settings.signed.is_some() && signed.as_ref().is_some_and(Template::is_fixed) {
            let says = "signs nothing of the request: `{timestamp}.{body}` would be right";
            wrong.push(&["signed"], says);
        }
        let built = (|| {
            let (signed, value) = (signed?, value?);
            let has_id = signed.has(Place::Id) || value.has(Place::Id) || id_header.is_some();
            let (encoding, separator) = (scheme.encoding, scheme.separator.unwrap_or_default());
            let (header, signature, separator) = (carrier?, signature?, separator.to_owned());
            Some(Self {
                keys,
                signed,
                encoding,
                header,
                signature,
                separator,
                value,
                timestamp_header,
                id_header,
                nonce_header,
                has_id,
            })
        })();
        wrong.or(built)
    }

    /// All signatures of the request, as they stand in the header.
    fn signatures(&self, facts: &Facts<'_>) -> String {
        let mut signatures = Vec::new();
        for key in &self.keys {
            if !signatures.is_empty() {
                signatures.extend_from_slice(self.separator.as_bytes());
            }
            let code = key.sign(self.signed.filled(facts, ""));
            let code = match self.encoding {
                SignatureForm::Hex => hex::encode(code),
                SignatureForm::Base64 => BASE64_STANDARD.encode(code),
                SignatureForm::Base64Url => BASE64_URL_SAFE_NO_PAD.encode(code),
            };
            self.signature.filled(facts, &code).for_each(|it| signatures.extend_from_slice(it));
        }
        String::from_utf8(signatures).unwrap_or_default()
    }
}

#[async_trait]
impl Authorizer for HmacSigner {
    async fn authorize(
        &self,
        _stamp: Stamp,
        call: &Call,
        request: &mut Request<Bytes>,
    ) -> Result<(), AuthError> {
        let id = call.delivery_id.as_str();
        // A `.` would let one signed text be read as two different ones.
        let is_plain = |id: &str| id.bytes().all(|it| it.is_ascii_graphic() && it != b'.');
        if self.has_id && !is_plain(id) {
            return Err(unfit("the delivery's id is to be visible ASCII without `.`"));
        }
        let facts = Facts::new(call, request);
        let signatures = self.signatures(&facts);
        let value: Vec<u8> = self.value.filled(&facts, &signatures).flatten().copied().collect();
        let mut value = HeaderValue::from_bytes(&value)
            .map_err(|_| unfit("the signature does not fit its header"))?;
        value.set_sensitive(true);
        let (timestamp, nonce) = (facts.timestamp, facts.nonce);
        let added = [
            (&self.timestamp_header, timestamp.as_str()),
            (&self.id_header, id),
            (&self.nonce_header, nonce.as_str()),
        ];
        for (name, text) in added {
            let Some(name) = name else { continue };
            let value = HeaderValue::from_str(text).map_err(|_| unfit("an id fits no header"))?;
            request.headers_mut().insert(name, value);
        }
        request.headers_mut().insert(&self.header, value);
        Ok(())
    }

    fn learn(&self, it: &Learn<'_>) -> Learned {
        refusal::learned(it.head)
    }
}

impl fmt::Debug for HmacSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HmacSigner({}, {} keys)", self.header, self.keys.len())
    }
}

// === checks ===

fn keys(settings: &HmacSettings, scheme: &Scheme<'_>, wrong: &mut SettingErrors) -> Vec<Keyed> {
    let indices: Vec<_> = (0..settings.secrets.len()).map(|at| at.to_string()).collect();
    let many = indices.iter().zip(&settings.secrets).map(|(at, it)| (vec!["secrets", at], it));
    let written: Vec<(Vec<&str>, &Secret)> =
        settings.secret.iter().map(|it| (vec!["secret"], it)).chain(many).collect();
    match (&settings.secret, written.len()) {
        (_, 0) => wrong.push(&["secret"], "is missing"),
        (Some(_), 2..) => wrong.push(&["secrets"], "stands beside `secret`: keep one of them"),
        (None, count) if count > SECRETS_MAX => {
            wrong.push(&["secrets"], format!("are {count}: at most {SECRETS_MAX} would be right"));
        }
        (None, 2..) if scheme.separator.is_none() => {
            let says = "are several, but the header has room for one signature: keep one of them";
            wrong.push(&["secrets"], says);
        }
        (_, _) => {}
    }
    let key = |(at, secret): (Vec<&str>, &Secret)| wrong.take(&at, key(secret, scheme));
    written.into_iter().filter_map(key).collect()
}

fn key(secret: &Secret, scheme: &Scheme<'_>) -> Result<Keyed, String> {
    let text = secret.expose();
    AuthSettingError::unless_secret("secret", text).map_err(|error| error.message)?;
    let text = text.strip_prefix(scheme.key_prefix).unwrap_or(text);
    let key = match scheme.key {
        KeyForm::Raw => text.as_bytes().to_vec(),
        KeyForm::Base64 => BASE64_LENIENT.decode(text).map_err(|_| "is not base64")?,
        KeyForm::Hex => hex::decode(text).map_err(|_| "is not hexadecimal")?,
    };
    if key.is_empty() {
        return Err("is empty after its prefix".to_owned());
    }
    let digest = match scheme.digest {
        HmacDigest::Sha1 => KeyedDigest::Sha1,
        HmacDigest::Sha256 => KeyedDigest::Sha256,
        HmacDigest::Sha384 => KeyedDigest::Sha384,
        HmacDigest::Sha512 => KeyedDigest::Sha512,
    };
    Keyed::new(digest, &key).ok_or_else(|| "cannot be a key".to_owned())
}

/// A template of a header: without what could end it, and with the signature in it.
fn template(
    key: &'static str,
    text: &str,
    is_known: impl Fn(Place) -> bool,
    wrong: &mut SettingErrors,
) -> Option<Template> {
    let read = wrong.take(&[key], Template::try_new(text, is_known))?;
    if text.chars().any(|c| !matches!(c, ' '..='~')) {
        wrong.push(&[key], "contains more than visible ASCII and spaces");
    }
    if !read.has(Place::Hmac) && !read.has(Place::Signatures) {
        wrong.push(&[key], format!("has no signature in it: {} is missing", place_of(key)));
    }
    Some(read)
}

/// No header is written twice.
fn once_each(settings: &HmacSettings, wrong: &mut SettingErrors) {
    let headers = settings.headers();
    for (at, (key, name)) in headers.iter().enumerate() {
        let is_same = |(_, other): &&(&str, &str)| other.eq_ignore_ascii_case(name);
        if let Some((first, _)) = headers[..at].iter().find(is_same) {
            wrong.push(
                &[key],
                format!("is the header of `{first}`, too: another one would be right"),
            );
        }
    }
}

/// What stands between signatures stands in a header.
fn separated(scheme: &Scheme<'_>, wrong: &mut SettingErrors) {
    if scheme.separator.is_some_and(|text| text.chars().any(|c| !matches!(c, ' '..='~'))) {
        wrong.push(&["separator"], "contains more than visible ASCII and spaces");
    }
}

fn place_of(key: &str) -> &'static str {
    if key == "signature" { "`{hmac}`" } else { "`{signatures}`" }
}

fn header(key: &str, name: Option<&str>, wrong: &mut SettingErrors) -> Option<HeaderName> {
    name.and_then(|name| wrong.take(&[key], check::header_name(name)))
}
