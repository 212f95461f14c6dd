//! Signatures of Standard Webhooks 1.0.0: `v1` by a secret that both sides have, `v1a` by a key that only the sender has.

use std::{fmt, sync::Arc};

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    prelude::BASE64_STANDARD,
};
use fanfare_sdk::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A secret of both sides.
const SYMMETRIC: &str = "whsec_";
/// A private key.
const PRIVATE: &str = "whsk_";
/// A public key: of use to receivers only.
const PUBLIC: &str = "whpk_";
/// Bytes of a secret. Shorter ones can be guessed; longer ones are hashed first and gain nothing.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// Bytes of a private key, of which the second half is the public key.
const PRIVATE_BYTES: usize = 64;
/// Some issuers leave the padding out.
const BASE64_LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One secret or key, ready to sign: what can be computed before is.
#[derive(Clone)]
pub(crate) enum Signer {
    /// HMAC-SHA256.
    V1(Hmac<Sha256>),
    /// Ed25519.
    V1a(Arc<Ed25519KeyPair>),
}

impl Signer {
    /// Checks the secret.
    ///
    /// # Errors
    /// When it is neither `whsec_` and the base64 of 24 to 64 bytes, nor `whsk_` and that of an ed25519 key.
    pub(crate) fn try_new(secret: &Secret) -> Result<Self, String> {
        let text = secret.expose();
        if let Some(encoded) = text.strip_prefix(SYMMETRIC) {
            return Self::v1(&decoded(encoded, SYMMETRIC)?);
        }
        if let Some(encoded) = text.strip_prefix(PRIVATE) {
            return Self::v1a(&decoded(encoded, PRIVATE)?);
        }
        Err(if text.starts_with(PUBLIC) {
            "is a public key, which signs nothing: `whsk_…` would be right".to_owned()
        } else {
            "begins neither with `whsec_` nor with `whsk_`".to_owned()
        })
    }

    fn v1(key: &[u8]) -> Result<Self, String> {
        if !SECRET_BYTES.contains(&key.len()) {
            let bytes = key.len();
            return Err(format!("is of {bytes} bytes: 24 to 64 random bytes would be right"));
        }
        let key = Hmac::new_from_slice(key).map_err(|_| "cannot be a key".to_owned())?;
        Ok(Self::V1(key))
    }

    fn v1a(key: &[u8]) -> Result<Self, String> {
        if key.len() != PRIVATE_BYTES {
            let bytes = key.len();
            return Err(format!("is of {bytes} bytes: an ed25519 key has {PRIVATE_BYTES}"));
        }
        let (seed, public) = key.split_at(PRIVATE_BYTES / 2);
        let pair = Ed25519KeyPair::from_seed_and_public_key(seed, public);
        let pair = pair.map_err(|_| "is no ed25519 key: its halves do not belong together")?;
        Ok(Self::V1a(Arc::new(pair)))
    }

    /// Adds the version and the base64 of the signature over `id.timestamp.body`.
    pub(crate) fn sign(&self, signed: [&[u8]; 3], signature: &mut String) {
        let [id, timestamp, body] = signed;
        let parts = [id, b".", timestamp, b".", body];
        match self {
            Self::V1(key) => {
                let mut mac = key.clone();
                parts.iter().for_each(|part| mac.update(part));
                signature.push_str("v1,");
                BASE64_STANDARD.encode_string(mac.finalize().into_bytes(), signature);
            }
            Self::V1a(pair) => {
                // The whole text is read twice, so it has to be in one place.
                signature.push_str("v1a,");
                BASE64_STANDARD.encode_string(pair.sign(&parts.concat()), signature);
            }
        }
    }
}

fn decoded(encoded: &str, prefix: &str) -> Result<Vec<u8>, String> {
    let says =
        || format!("is not base64 after `{prefix}`: is there a line break or a space in it?");
    BASE64_LENIENT.decode(encoded).map_err(|_| says())
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer(***)")
    }
}
