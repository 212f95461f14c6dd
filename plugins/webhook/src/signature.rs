//! Signatures of Standard Webhooks 1.0.0, scheme `v1`.

use std::fmt;

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_STANDARD,
};
use fanfare_sdk::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const PREFIX: &str = "whsec_";
/// Bytes of a secret. Shorter ones can be guessed; longer ones are hashed first and gain nothing.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// Some issuers leave the padding out.
const BASE64_LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One secret, ready to sign: its key schedule is computed once.
#[derive(Clone)]
pub(crate) struct Signer(Hmac<Sha256>);

impl Signer {
    /// Checks the secret.
    ///
    /// # Errors
    /// When it is not `whsec_` and the base64 of 24 to 64 bytes.
    pub(crate) fn try_new(secret: &Secret) -> Result<Self, String> {
        let text = secret.expose();
        let Some(encoded) = text.strip_prefix(PREFIX) else {
            return Err(if text.starts_with("whsk_") || text.starts_with("whpk_") {
                "is an ed25519 key, which is not supported: `whsec_…` would be right".to_owned()
            } else {
                "does not begin with `whsec_`".to_owned()
            });
        };
        let Ok(key) = BASE64_LENIENT.decode(encoded) else {
            let says = "is not base64 after `whsec_`: is there a line break or a space in it?";
            return Err(says.to_owned());
        };
        if !KEY_BYTES.contains(&key.len()) {
            let bytes = key.len();
            return Err(format!("is of {bytes} bytes: 24 to 64 random bytes would be right"));
        }
        let key = Hmac::new_from_slice(&key).map_err(|_| "cannot be a key".to_owned())?;
        Ok(Self(key))
    }

    /// Adds `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.
    pub(crate) fn sign(&self, signed: [&[u8]; 3], signature: &mut String) {
        let [id, timestamp, body] = signed;
        let mut mac = self.0.clone();
        for part in [id, b".", timestamp, b".", body] {
            mac.update(part);
        }
        signature.push_str("v1,");
        BASE64_STANDARD.encode_string(mac.finalize().into_bytes(), signature);
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(***)")
    }
}
