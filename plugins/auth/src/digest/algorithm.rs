//! The hash functions of Digest (RFC 7616 section 6.1).

use md5::Md5;
use sha2::{Digest, Sha256, Sha512_256};

/// A hash function by its registered name. SHA-512-256 is one of its own (FIPS 180-4 section 6.7), no SHA-512 cut short.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Algorithm {
    Md5,
    Sha256,
    Sha512_256,
}

// === impl Algorithm ===

impl Algorithm {
    /// The function, and whether the name ends in `-sess`; none for names that nobody has registered.
    pub(super) fn by_name(name: &str) -> Option<(Self, bool)> {
        let name = name.to_ascii_uppercase();
        let (name, is_session) = match name.strip_suffix("-SESS") {
            Some(name) => (name, true),
            None => (name.as_str(), false),
        };
        let algorithm = match name {
            "MD5" => Self::Md5,
            "SHA-256" => Self::Sha256,
            "SHA-512-256" => Self::Sha512_256,
            _ => return None,
        };
        Some((algorithm, is_session))
    }

    /// Its registered name.
    pub(super) const fn name(self, is_session: bool) -> &'static str {
        match (self, is_session) {
            (Self::Md5, false) => "MD5",
            (Self::Md5, true) => "MD5-sess",
            (Self::Sha256, false) => "SHA-256",
            (Self::Sha256, true) => "SHA-256-sess",
            (Self::Sha512_256, false) => "SHA-512-256",
            (Self::Sha512_256, true) => "SHA-512-256-sess",
        }
    }

    /// MD5 is the weakest; the others are equally strong.
    pub(super) fn is_weak(self) -> bool {
        self == Self::Md5
    }

    /// The hash of the parts with `:` between them, in hexadecimal digits.
    pub(super) fn hex(self, parts: &[&[u8]]) -> String {
        match self {
            Self::Md5 => hash::<Md5>(parts),
            Self::Sha256 => hash::<Sha256>(parts),
            Self::Sha512_256 => hash::<Sha512_256>(parts),
        }
    }
}

fn hash<D: Digest>(parts: &[&[u8]]) -> String {
    let mut digest = D::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            digest.update(b":");
        }
        digest.update(part);
    }
    hex::encode(digest.finalize())
}
