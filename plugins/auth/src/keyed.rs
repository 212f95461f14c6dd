//! HMAC (RFC 2104) with the digest that a scheme asks for, its key schedule computed once.

use std::fmt;

use ::hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

/// A digest for HMAC.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum KeyedDigest {
    Sha1,
    #[default]
    Sha256,
    Sha384,
    Sha512,
}

/// A key, ready to sign.
#[derive(Clone)]
pub(crate) struct Keyed(Kind);

#[derive(Clone)]
enum Kind {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
    Sha512(Hmac<Sha512>),
}

// === impl Keyed ===

impl Keyed {
    /// A key of any length; none only where the library refuses it, which it does not.
    pub(crate) fn new(digest: KeyedDigest, key: &[u8]) -> Option<Self> {
        Some(Self(match digest {
            KeyedDigest::Sha1 => Kind::Sha1(Hmac::new_from_slice(key).ok()?),
            KeyedDigest::Sha256 => Kind::Sha256(Hmac::new_from_slice(key).ok()?),
            KeyedDigest::Sha384 => Kind::Sha384(Hmac::new_from_slice(key).ok()?),
            KeyedDigest::Sha512 => Kind::Sha512(Hmac::new_from_slice(key).ok()?),
        }))
    }

    /// The code of the parts, one after the other.
    pub(crate) fn sign<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
        match &self.0 {
            Kind::Sha1(key) => code(key, parts),
            Kind::Sha256(key) => code(key, parts),
            Kind::Sha384(key) => code(key, parts),
            Kind::Sha512(key) => code(key, parts),
        }
    }
}

fn code<'a, M: Mac + Clone>(key: &M, parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut mac = key.clone();
    parts.into_iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

impl fmt::Debug for Keyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyed(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::{Keyed, KeyedDigest};

    /// RFC 2202 section 3 and RFC 4231 section 4.3: test case 2 of each.
    #[test]
    fn a_code_is_that_of_the_standard() {
        #[track_caller]
        fn check(digest: KeyedDigest, expected: &str) {
            let key = Keyed::new(digest, b"Jefe").expect("it is a key");
            let code = key.sign([&b"what do ya want "[..], b"for nothing?"]);
            assert_eq!(hex::encode(code), expected);
        }
        check(KeyedDigest::Sha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        check(
            KeyedDigest::Sha256,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        );
        check(
            KeyedDigest::Sha384,
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
        );
        check(
            KeyedDigest::Sha512,
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        );
    }
}
