//! What people write below `auth.hmac`.

use fanfare_sdk::{Secret, SettingErrors};
use schemars::JsonSchema;
use serde::Deserialize;

use super::preset::Scheme;

/// A signature by HMAC: a vendor's `preset`, or `header`, `signed` and what else differs.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map of settings")]
#[non_exhaustive]
pub struct HmacSettings {
    /// As this vendor signs. Nothing but `secret` or `secrets` stands beside it.
    #[serde(default)]
    pub preset: Option<HmacPreset>,
    /// The secret. Either this or `secrets`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub secret: Option<Secret>,
    /// While a secret is being changed: the newest first. Needs a `separator`, or a preset that has one.
    #[serde(default)]
    #[schemars(with = "Vec<String>", length(max = 8))]
    pub secrets: Vec<Secret>,
    /// How the secret is written: its text is the key (`raw`, the default), or the key is encoded in it.
    #[serde(default)]
    pub key: Option<KeyForm>,
    /// What is taken off the secret, where it begins so, before it is decoded.
    #[serde(default)]
    pub key_prefix: Option<String>,
    /// Which digest; `sha256` where it is left out.
    #[serde(default)]
    pub digest: Option<HmacDigest>,
    /// What is signed, with `{body}`, `{id}`, `{timestamp}`, `{timestamp_ms}`, `{nonce}`, `{method}`, `{host}`, `{path}`,
    /// `{query}`, `{target}` (path and query).
    #[serde(default)]
    #[schemars(example = "{timestamp}.{body}")]
    pub signed: Option<String>,
    /// How the signature is written; `hex` where it is left out.
    #[serde(default)]
    pub encoding: Option<SignatureForm>,
    /// The header that carries it.
    #[serde(default)]
    #[schemars(example = "X-Signature")]
    pub header: Option<String>,
    /// One signature in the header, with `{hmac}`; that alone where it is left out.
    #[serde(default)]
    #[schemars(example = "v1={hmac}")]
    pub signature: Option<String>,
    /// What stands between the signatures of several secrets.
    #[serde(default)]
    #[schemars(example = ",")]
    pub separator: Option<String>,
    /// The header's value, with `{signatures}` and what `signed` can have but the body; the signatures alone where it is
    /// left out.
    #[serde(default)]
    #[schemars(example = "t={timestamp},{signatures}")]
    pub value: Option<String>,
    /// A header with the time of the attempt in seconds since 1970.
    #[serde(default)]
    #[schemars(example = "X-Timestamp")]
    pub timestamp_header: Option<String>,
    /// A header with the delivery's id, the same on every repeat.
    #[serde(default)]
    pub id_header: Option<String>,
    /// A header with the attempt's nonce.
    #[serde(default)]
    pub nonce_header: Option<String>,
}

/// A vendor whose signatures are known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HmacPreset {
    /// `X-Hub-Signature-256`.
    Github,
    /// `Stripe-Signature`.
    Stripe,
    /// `X-Slack-Signature`.
    Slack,
    /// `X-Shopify-Hmac-Sha256`.
    Shopify,
    /// `svix-id`, `svix-timestamp`, `svix-signature`.
    Svix,
}

/// How a secret is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyForm {
    /// Its text is the key.
    #[default]
    Raw,
    /// In base64, with or without padding.
    Base64,
    /// In hexadecimal digits.
    Hex,
}

/// The digest of the HMAC.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HmacDigest {
    /// SHA-1: only where the API knows nothing better.
    Sha1,
    /// SHA-256.
    #[default]
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// How a signature is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignatureForm {
    /// In hexadecimal digits, small letters.
    #[default]
    Hex,
    /// In base64, with padding.
    Base64,
    /// In base64 for URLs, without padding.
    Base64Url,
}

// === impl HmacSettings ===

impl HmacSettings {
    /// The scheme that is written or meant.
    pub(super) fn scheme(&self, wrong: &mut SettingErrors) -> Scheme<'_> {
        if let Some(preset) = self.preset {
            for (key, _) in self.written().into_iter().filter(|(_, is_written)| *is_written) {
                wrong.push(&[key], "stands beside `preset`, which says it: leave one of them out");
            }
            return preset.scheme();
        }
        for (key, text) in [("header", &self.header), ("signed", &self.signed)] {
            if text.is_none() {
                wrong.push(&[key], "is missing: it has to be there without a `preset`");
            }
        }
        Scheme {
            key: self.key.unwrap_or_default(),
            key_prefix: text(&self.key_prefix).unwrap_or_default(),
            digest: self.digest.unwrap_or_default(),
            signed: text(&self.signed).unwrap_or_default(),
            encoding: self.encoding.unwrap_or_default(),
            header: text(&self.header).unwrap_or("x-signature"),
            signature: text(&self.signature).unwrap_or("{hmac}"),
            separator: text(&self.separator),
            value: text(&self.value).unwrap_or("{signatures}"),
            timestamp_header: text(&self.timestamp_header),
            id_header: text(&self.id_header),
            nonce_header: text(&self.nonce_header),
        }
    }

    /// The headers that are written, each with its key.
    pub(crate) fn headers(&self) -> Vec<(&'static str, &str)> {
        let scheme = self.scheme(&mut SettingErrors::default());
        let all = [
            ("header", Some(scheme.header)),
            ("timestamp_header", scheme.timestamp_header),
            ("id_header", scheme.id_header),
            ("nonce_header", scheme.nonce_header),
        ];
        all.into_iter().filter_map(|(key, name)| Some((key, name?))).collect()
    }

    /// All but the preset and the secrets.
    fn written(&self) -> [(&'static str, bool); 12] {
        [
            ("key", self.key.is_some()),
            ("key_prefix", self.key_prefix.is_some()),
            ("digest", self.digest.is_some()),
            ("signed", self.signed.is_some()),
            ("encoding", self.encoding.is_some()),
            ("header", self.header.is_some()),
            ("signature", self.signature.is_some()),
            ("separator", self.separator.is_some()),
            ("value", self.value.is_some()),
            ("timestamp_header", self.timestamp_header.is_some()),
            ("id_header", self.id_header.is_some()),
            ("nonce_header", self.nonce_header.is_some()),
        ]
    }
}

fn text(text: &Option<String>) -> Option<&str> {
    text.as_deref()
}
