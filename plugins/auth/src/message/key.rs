//! Keys that sign messages (RFC 9421 section 3.3).

use std::fmt;

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeyPair as RsaKeyPair,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PSS_SHA512},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use fanfare_sdk::Secret;
use rustls_pki_types::{PrivateKeyDer, pem::PemObject};

use super::MessageAlgorithm;
use crate::keyed::{Keyed, KeyedDigest};

/// A key, ready to sign.
pub(super) enum Key {
    Hmac(Box<Keyed>),
    Ed25519(Ed25519KeyPair),
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

// === impl Key ===

impl Key {
    /// Reads the key.
    ///
    /// # Errors
    /// When it is not written as the algorithm needs it, or is no key of it.
    pub(super) fn try_new(algorithm: MessageAlgorithm, secret: &Secret) -> Result<Self, String> {
        let text = secret.expose();
        if text.is_empty() {
            return Err("is empty: is the variable or file that it comes from empty too?".into());
        }
        if algorithm == MessageAlgorithm::HmacSha256 {
            let key = BASE64_STANDARD.decode(text.trim_end());
            let key = key.map_err(|_| "is not base64, as `hmac-sha256` needs it")?;
            let key = Some(key).filter(|key| !key.is_empty());
            let key = key.and_then(|key| Keyed::new(KeyedDigest::Sha256, &key));
            return key.map(Box::new).map(Self::Hmac).ok_or_else(|| "cannot be a key".to_owned());
        }
        let kind = match algorithm {
            MessageAlgorithm::HmacSha256 => "a shared secret",
            MessageAlgorithm::Ed25519 => "one of the curve Ed25519",
            MessageAlgorithm::EcdsaP256Sha256 => "one of the curve P-256",
            MessageAlgorithm::RsaPssSha512 => "an RSA key of 2048 bits or more",
        };
        let der = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| {
            "is no private key as PEM: `-----BEGIN PRIVATE KEY-----` begins one that is not encrypted"
        })?;
        Self::from_der(algorithm, &der)
            .ok_or_else(|| format!("is no key of that algorithm: {kind} would be right"))
    }

    fn from_der(algorithm: MessageAlgorithm, der: &PrivateKeyDer<'_>) -> Option<Self> {
        let bytes = der.secret_der();
        match (algorithm, der) {
            (MessageAlgorithm::Ed25519, PrivateKeyDer::Pkcs8(_)) => {
                Ed25519KeyPair::from_pkcs8_maybe_unchecked(bytes).map(Self::Ed25519).ok()
            }
            (MessageAlgorithm::EcdsaP256Sha256, PrivateKeyDer::Pkcs8(_)) => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, bytes)
                    .map(Self::Ecdsa)
                    .ok()
            }
            (MessageAlgorithm::EcdsaP256Sha256, PrivateKeyDer::Sec1(_)) => {
                EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, bytes)
                    .map(Self::Ecdsa)
                    .ok()
            }
            (MessageAlgorithm::RsaPssSha512, PrivateKeyDer::Pkcs8(_)) => {
                RsaKeyPair::from_pkcs8(bytes).map(Self::Rsa).ok()
            }
            (MessageAlgorithm::RsaPssSha512, PrivateKeyDer::Pkcs1(_)) => {
                RsaKeyPair::from_der(bytes).map(Self::Rsa).ok()
            }
            (_, _) => None,
        }
    }

    /// The signature; none where the library finds no chance to sign with.
    pub(super) fn sign(&self, base: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match self {
            Self::Hmac(key) => Some(key.sign([base])),
            Self::Ed25519(key) => Some(key.sign(base).as_ref().to_vec()),
            Self::Ecdsa(key) => Some(key.sign(&random, base).ok()?.as_ref().to_vec()),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PSS_SHA512, &random, base, &mut signature).ok()?;
                Some(signature)
            }
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(***)")
    }
}
