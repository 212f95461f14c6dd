//! How known vendors sign: the same data as people write for others.

use super::{HmacDigest, HmacPreset, KeyForm, SignatureForm};

/// How a request is signed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scheme<'a> {
    pub(super) key: KeyForm,
    pub(super) key_prefix: &'a str,
    pub(super) digest: HmacDigest,
    pub(super) signed: &'a str,
    pub(super) encoding: SignatureForm,
    pub(super) header: &'a str,
    pub(super) signature: &'a str,
    pub(super) separator: Option<&'a str>,
    pub(super) value: &'a str,
    pub(super) timestamp_header: Option<&'a str>,
    pub(super) id_header: Option<&'a str>,
    pub(super) nonce_header: Option<&'a str>,
}

/// What is signed is the body, and one signature stands alone.
const BODY: Scheme<'static> = Scheme {
    key: KeyForm::Raw,
    key_prefix: "",
    digest: HmacDigest::Sha256,
    signed: "{body}",
    encoding: SignatureForm::Hex,
    header: "",
    signature: "{hmac}",
    separator: None,
    value: "{signatures}",
    timestamp_header: None,
    id_header: None,
    nonce_header: None,
};

impl HmacPreset {
    pub(super) const fn scheme(self) -> Scheme<'static> {
        match self {
            Self::Github => {
                Scheme { header: "x-hub-signature-256", signature: "sha256={hmac}", ..BODY }
            }
            // The key is the whole text, `whsec_` included.
            Self::Stripe => Scheme {
                signed: "{timestamp}.{body}",
                header: "stripe-signature",
                signature: "v1={hmac}",
                separator: Some(","),
                value: "t={timestamp},{signatures}",
                ..BODY
            },
            Self::Slack => Scheme {
                signed: "v0:{timestamp}:{body}",
                header: "x-slack-signature",
                signature: "v0={hmac}",
                timestamp_header: Some("x-slack-request-timestamp"),
                ..BODY
            },
            Self::Shopify => {
                Scheme { header: "x-shopify-hmac-sha256", encoding: SignatureForm::Base64, ..BODY }
            }
            Self::Svix => Scheme {
                key: KeyForm::Base64,
                key_prefix: "whsec_",
                signed: "{id}.{timestamp}.{body}",
                encoding: SignatureForm::Base64,
                header: "svix-signature",
                signature: "v1,{hmac}",
                separator: Some(" "),
                timestamp_header: Some("svix-timestamp"),
                id_header: Some("svix-id"),
                ..BODY
            },
        }
    }
}
