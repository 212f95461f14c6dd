//! A key that signs, and the algorithm that it signs with (RFC 7518).

use std::fmt;

use fanfare_sdk::Secret;
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// How a token is signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum JwtAlgorithm {
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// ECDSA with P-384 and SHA-384.
    Es384,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// HMAC with SHA-256: whoever can check it can also make it.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
}

/// A key that has signed once already, so that it will again.
#[derive(Clone)]
pub(crate) struct SigningKey {
    pub(super) algorithm: Algorithm,
    pub(super) key: EncodingKey,
}

// === impl JwtAlgorithm ===

impl JwtAlgorithm {
    /// Bytes that a shared key must have at least (RFC 7518 section 3.2); none where it is a private key.
    const fn shared_bytes_min(self) -> Option<usize> {
        match self {
            Self::Hs256 => Some(32),
            Self::Hs384 => Some(48),
            Self::Hs512 => Some(64),
            _ => None,
        }
    }

    /// Whether those who check it need no secret.
    pub(crate) const fn is_asymmetric(self) -> bool {
        self.shared_bytes_min().is_none()
    }

    const fn name(self) -> Algorithm {
        match self {
            Self::Es256 => Algorithm::ES256,
            Self::Es384 => Algorithm::ES384,
            Self::EdDsa => Algorithm::EdDSA,
            Self::Rs256 => Algorithm::RS256,
            Self::Rs384 => Algorithm::RS384,
            Self::Rs512 => Algorithm::RS512,
            Self::Ps256 => Algorithm::PS256,
            Self::Ps384 => Algorithm::PS384,
            Self::Ps512 => Algorithm::PS512,
            Self::Hs256 => Algorithm::HS256,
            Self::Hs384 => Algorithm::HS384,
            Self::Hs512 => Algorithm::HS512,
        }
    }
}

// === impl SigningKey ===

impl SigningKey {
    /// Checks the key by signing with it.
    ///
    /// # Errors
    /// What is wrong with it, without the key.
    pub(crate) fn try_new(algorithm: JwtAlgorithm, key: &Secret) -> Result<Self, String> {
        if key.expose().is_empty() {
            return Err("is empty: is the variable or file that it comes from empty too?".into());
        }
        let name = algorithm.name();
        let bytes = key.expose().as_bytes();
        if let Some(bytes_min) = algorithm.shared_bytes_min() {
            // A public key as a secret would let everybody sign.
            if key.expose().trim_start().starts_with("-----BEGIN") {
                let says =
                    "is PEM: the secret that is shared with whoever checks it would be right";
                return Err(says.to_owned());
            }
            if bytes.len() < bytes_min {
                let says = format!(
                    "is shorter than the {bytes_min} bytes that {name:?} asks for (RFC 7518)"
                );
                return Err(says);
            }
            return Ok(Self { algorithm: name, key: EncodingKey::from_secret(bytes) });
        }
        let (read, kind) = match algorithm {
            JwtAlgorithm::Es256 => (EncodingKey::from_ec_pem(bytes), "a key of the curve P-256"),
            JwtAlgorithm::Es384 => (EncodingKey::from_ec_pem(bytes), "a key of the curve P-384"),
            JwtAlgorithm::EdDsa => (EncodingKey::from_ed_pem(bytes), "a key of the curve Ed25519"),
            _ => (EncodingKey::from_rsa_pem(bytes), "an RSA key of 2048 bits or more"),
        };
        let wrong = || {
            format!(
                "is no private key for {name:?}: the PEM of {kind} in PKCS#8 would be right \
                 (`-----BEGIN PRIVATE KEY-----`; `openssl pkcs8 -topk8 -nocrypt` writes it)"
            )
        };
        let key = Self { algorithm: name, key: read.map_err(|_| wrong())? };
        let header = Header::new(name);
        jsonwebtoken::encode(&header, &json!({}), &key.key).map_err(|_| wrong())?;
        Ok(key)
    }

    /// The public half, as a token carries it in its header.
    pub(crate) fn public(&self) -> Result<Jwk, String> {
        let jwk = Jwk::from_encoding_key(&self.key, self.algorithm);
        let mut jwk = jwk.map_err(|_| "has no public half that can be sent".to_owned())?;
        jwk.common = jsonwebtoken::jwk::CommonParameters::default();
        Ok(jwk)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:?})", self.algorithm)
    }
}
