//! What a caller shows: `ffk_<id>_<secret>`. Hexadecimal digits only: nothing in it is mistaken for something else.

use std::fmt;

use aws_lc_rs::{constant_time::verify_slices_are_equal, rand};
use fanfare_sdk::Secret;
use sha2::{Digest, Sha256};

use crate::report::hex;

const PREFIX: &str = "ffk_";

/// Digits of an id.
pub(super) const ID_DIGITS: usize = 16;

/// Digits of a secret: 256 bits.
const SECRET_DIGITS: usize = 64;

/// Digits of a SHA-256.
pub(super) const HASH_DIGITS: usize = 64;

/// A key in full, as its caller has it.
#[derive(Clone, Debug)]
pub struct Token {
    // Invariant: `ffk_`, the digits of an id, `_`, the digits of a secret.
    text: Secret,
}

/// The system gives no random bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct NoChance;

impl Token {
    /// One that nobody has seen.
    ///
    /// # Errors
    /// Where the system has no randomness to give.
    pub fn random() -> Result<Self, NoChance> {
        let (mut id, mut secret) = ([0; ID_DIGITS / 2], [0; SECRET_DIGITS / 2]);
        rand::fill(&mut id).map_err(|_| NoChance)?;
        rand::fill(&mut secret).map_err(|_| NoChance)?;
        Ok(Self { text: Secret::new(format!("{PREFIX}{}_{}", hex(&id), hex(&secret))) })
    }

    /// Reads what somebody shows.
    pub(in crate::daemon) fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let is_whole = digits(id, ID_DIGITS) && digits(secret, SECRET_DIGITS);
        is_whole.then(|| Self { text: Secret::new(text) })
    }

    /// What it is found by.
    #[must_use]
    pub fn id(&self) -> &str {
        let text = self.text.expose();
        text.get(PREFIX.len()..PREFIX.len() + ID_DIGITS).unwrap_or_default()
    }

    /// What is kept of it: the SHA-256 of all of it, in hexadecimal digits.
    pub(super) fn sha256(&self) -> String {
        hex(&Sha256::digest(self.text.expose()))
    }

    /// Whether that is what is kept of it. Takes as long for any other.
    pub(in crate::daemon) fn is(&self, sha256: &str) -> bool {
        verify_slices_are_equal(self.sha256().as_bytes(), sha256.as_bytes()).is_ok()
    }

    /// In full: for whoever it is made for, once.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.text.expose()
    }
}

/// Whether it consists of so many lower-case hexadecimal digits.
pub(super) fn digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
}

impl fmt::Display for Token {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}_…", self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::Token;

    #[test]
    fn a_key_is_read_as_it_was_made() {
        let made = Token::random().unwrap();
        let read = Token::parse(made.expose()).unwrap();
        assert_eq!((read.id(), read.expose()), (made.id(), made.expose()));
        assert!(read.is(&made.sha256()));
        assert!(!read.is(&Token::random().unwrap().sha256()) && !read.is(""));
        assert_eq!(made.expose().len(), 85);
        assert_ne!(made.id(), Token::random().unwrap().id());
    }

    #[test]
    fn what_is_no_key_is_none() {
        let made = Token::random().unwrap();
        let good = made.expose();
        for bad in [
            "",
            "ffk_",
            "ffk__",
            &good[1..],
            &good[..84],
            &format!("{good}0"),
            &format!(" {good}"),
            &good.to_uppercase(),
            &good.replace("ffk_", "ffk-"),
            &format!("ffk_0123456789abcdeg_{}", "0".repeat(64)),
        ] {
            assert!(Token::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn nothing_prints_its_secret() {
        let made = Token::random().unwrap();
        let secret = &made.expose()[21..];
        assert!(!format!("{made} {made:?} {made:#?}").contains(secret));
    }
}
