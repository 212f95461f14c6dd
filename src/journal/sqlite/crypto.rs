//! Keys, and what is sealed with them: the only file that names the library of ciphers.
//!
//! A value is sealed by AES-256-GCM with a random nonce that the library draws, under the data key of its broadcast; the
//! data key is wrapped by a master key as RFC 3394 has it, which needs no nonce. What a value is bound to goes in beside
//! it: moved to another broadcast, column or place, it does not open.

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    digest, hmac,
    key_wrap::{AES_256, AesKek, KeyWrap},
    rand,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use fanfare_sdk::Secret;
use thiserror::Error;
use zeroize::Zeroizing;

use super::error::Failure;
use crate::report::BroadcastId;

/// Bytes of a key, whatever it is for.
const KEY_BYTES: usize = 32;

/// Bytes of a wrapped key.
pub(super) const WRAPPED_BYTES: usize = KEY_BYTES + 8;

/// Bytes that tell whether something was changed.
const TAG_BYTES: usize = 16;

/// Wraps the data keys of a journal on disk: 32 bytes that stand nowhere in it.
#[derive(Clone)]
pub struct MasterKey(Arc<Master>);

struct Master {
    bytes: Zeroizing<[u8; KEY_BYTES]>,
    id: KeyId,
}

/// Names a master key without telling it: the beginning of its digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub(super) [u8; 8]);

/// What was given is no master key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum MasterKeyError {
    /// It is not base64.
    #[error("a master key is 32 bytes in base64, and this is not base64")]
    NotBase64,
    /// It is longer or shorter.
    #[error("a master key is 32 bytes in base64, and this has {0} bytes")]
    Length(usize),
}

/// Seals what belongs to one broadcast.
#[derive(Clone)]
pub(super) struct DataKey(Zeroizing<[u8; KEY_BYTES]>);

/// What a sealed value is bound to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Column<'a> {
    /// `broadcast.sealed`.
    Pinned,
    /// `payload.bytes`, of that content type.
    Payload(&'a str),
    /// `event.body`: which event of which recipient.
    Event { place: u64, number: i64 },
}

// === impl MasterKey ===

impl MasterKey {
    /// From its 32 bytes in base64, as `openssl rand -base64 32` prints them. White space around it does not matter.
    ///
    /// # Errors
    /// Where it is anything else.
    pub fn from_base64(text: &Secret) -> Result<Self, MasterKeyError> {
        let bytes = STANDARD.decode(text.expose().trim());
        let bytes = Zeroizing::new(bytes.map_err(|_| MasterKeyError::NotBase64)?);
        let whole: &[u8; KEY_BYTES] =
            bytes.as_slice().try_into().map_err(|_| MasterKeyError::Length(bytes.len()))?;
        Ok(Self::new(Zeroizing::new(*whole)))
    }

    fn new(bytes: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"fanfare master key\n");
        context.update(&*bytes);
        let mut id = KeyId([0; 8]);
        id.0.copy_from_slice(&context.finish().as_ref()[..8]);
        Self(Arc::new(Master { bytes, id }))
    }

    /// Stands in the journal with whatever it wraps.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.0.id
    }

    pub(super) fn wrap(&self, key: &DataKey) -> Result<[u8; WRAPPED_BYTES], Failure> {
        let mut wrapped = [0; WRAPPED_BYTES];
        let kek = AesKek::new(&AES_256, &*self.0.bytes).map_err(|_| refused())?;
        kek.wrap(&*key.0, &mut wrapped).map_err(|_| refused())?;
        Ok(wrapped)
    }

    /// None where it was not wrapped by this key, or was changed since.
    pub(super) fn unwrap(&self, wrapped: &[u8]) -> Option<DataKey> {
        let mut key = DataKey(Zeroizing::new([0; KEY_BYTES]));
        if wrapped.len() != WRAPPED_BYTES {
            return None;
        }
        let kek = AesKek::new(&AES_256, &*self.0.bytes).ok()?;
        kek.unwrap(wrapped, &mut *key.0).ok()?;
        Some(key)
    }
}

impl PartialEq for MasterKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for MasterKey {}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.0.id)
    }
}

// === impl KeyId ===

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// === impl DataKey ===

impl DataKey {
    /// Another one each time.
    pub(super) fn draw() -> Result<Self, Failure> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        rand::fill(&mut *bytes).map_err(|_| refused())?;
        Ok(Self(bytes))
    }

    /// The parts, one behind the other, as one value.
    pub(super) fn seal(
        &self,
        of: BroadcastId,
        column: Column<'_>,
        parts: &[&[u8]],
    ) -> Result<Vec<u8>, Failure> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let mut sealed = Vec::with_capacity(NONCE_LEN + length + TAG_BYTES);
        sealed.extend_from_slice(&[0; NONCE_LEN]);
        parts.iter().for_each(|part| sealed.extend_from_slice(part));
        let key = RandomizedNonceKey::new(&AES_256_GCM, &*self.0).map_err(|_| refused())?;
        let bound = Aad::from(column.bound(of));
        let done = key.seal_in_place_separate_tag(bound, &mut sealed[NONCE_LEN..]);
        let (nonce, tag) = done.map_err(|_| refused())?;
        sealed[..NONCE_LEN].copy_from_slice(nonce.as_ref());
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// None where it was changed, or sealed with another key or for another place.
    pub(super) fn open(
        &self,
        of: BroadcastId,
        column: Column<'_>,
        mut sealed: Vec<u8>,
    ) -> Option<Bytes> {
        let (nonce, rest) = sealed.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &*self.0).ok()?;
        let length = key.open_in_place(nonce, Aad::from(column.bound(of)), rest).ok()?.len();
        Some(Bytes::from(sealed).slice(NONCE_LEN..NONCE_LEN + length))
    }

    /// Stands for a text that is looked up and not told; `what` it is goes in, so that two kinds never look alike.
    pub(super) fn digest(&self, what: &str, text: &[u8]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &*self.0));
        context.update(what.as_bytes());
        context.update(b"\n");
        context.update(text);
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(***)")
    }
}

// === impl Column ===

impl Column<'_> {
    fn bound(self, of: BroadcastId) -> Vec<u8> {
        let mut bound = Vec::with_capacity(64);
        bound.extend_from_slice(b"fanfare 1");
        bound.extend_from_slice(of.0.as_bytes());
        match self {
            Self::Pinned => bound.push(1),
            Self::Payload(content_type) => {
                bound.push(2);
                bound.extend_from_slice(content_type.as_bytes());
            }
            Self::Event { place, number } => {
                bound.push(3);
                bound.extend_from_slice(&place.to_be_bytes());
                bound.extend_from_slice(&number.to_be_bytes());
            }
        }
        bound
    }
}

fn refused() -> Failure {
    Failure::corrupt("the library of ciphers refuses to work")
}

#[cfg(test)]
mod tests {
    use super::{BroadcastId, Column, DataKey, KEY_BYTES, MasterKey, Secret, Zeroizing};

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex
            .chars()
            .filter_map(|it| it.to_digit(16))
            .map(|it| u8::try_from(it).unwrap())
            .collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    fn key(hex: &str) -> Zeroizing<[u8; KEY_BYTES]> {
        Zeroizing::new(bytes(hex).try_into().unwrap())
    }

    const FIRST: &str = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F";

    fn id(number: u128) -> BroadcastId {
        BroadcastId(uuid::Uuid::from_u128(number))
    }

    /// RFC 3394, 4.6: 256 bits of key data, a 256-bit key.
    #[test]
    fn a_data_key_is_wrapped_as_the_standard_has_it() {
        let master = MasterKey::new(key(FIRST));
        let data = DataKey(key("00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F"));
        let wrapped = master.wrap(&data).unwrap();
        let expected = bytes(
            "28C9F404C4B810F4 CBCCB35CFB87F826 3F5786E2D80ED326 CBC7F0E71A99F43B FB988B9B7A02DD21",
        );
        assert_eq!(wrapped.as_slice(), expected);
        assert_eq!(*master.unwrap(&wrapped).unwrap().0, *data.0);
        for bit in 0..wrapped.len() * 8 {
            let mut changed = wrapped;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(master.unwrap(&changed).is_none(), "bit {bit}");
        }
        assert!(master.unwrap(&wrapped[1..]).is_none());
    }

    /// What stands in files that exist: sealed by hand with Python's `cryptography`, opened here.
    #[test]
    fn a_value_opens_that_another_library_has_sealed() {
        let data = DataKey(key(FIRST));
        let sealed = bytes(SEALED_ELSEWHERE);
        let opened = data.open(id(7), Column::Event { place: 1, number: 2 }, sealed).unwrap();
        assert_eq!(opened, "what was said");
    }

    const SEALED_ELSEWHERE: &str =
        "6465666768696a6b6c6d6e6f3f73bf12599e37ed1e113e81be84f1768506553b7d6736a91961645a0d";

    #[test]
    fn a_value_opens_only_where_it_belongs() {
        let data = DataKey::draw().unwrap();
        let event = Column::Event { place: 0, number: 1 };
        let sealed = data.seal(id(1), event, &[b"one, ", b"two"]).unwrap();
        assert_eq!(data.open(id(1), event, sealed.clone()).unwrap(), "one, two");
        assert_ne!(data.seal(id(1), event, &[b"one, two"]).unwrap(), sealed, "another nonce");
        for (of, column) in [
            (id(2), event),
            (id(1), Column::Pinned),
            (id(1), Column::Payload("")),
            (id(1), Column::Event { place: 1, number: 1 }),
            (id(1), Column::Event { place: 0, number: 2 }),
        ] {
            assert!(data.open(of, column, sealed.clone()).is_none(), "{of} {column:?}");
        }
        assert!(DataKey::draw().unwrap().open(id(1), event, sealed.clone()).is_none());
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(data.open(id(1), event, changed).is_none(), "bit {bit}");
        }
        assert!(data.open(id(1), event, vec![0; 5]).is_none());
    }

    #[test]
    fn a_master_key_is_read_and_not_told() {
        let read = |text: &str| MasterKey::from_base64(&Secret::new(text));
        let text = " AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
        let master = read(text).unwrap();
        assert_eq!(master, MasterKey::new(key(FIRST)));
        assert_eq!(format!("{master:?}"), "MasterKey(13fd793807590a37)");
        let says = |text: &str| read(text).unwrap_err().to_string();
        assert!(says("AAEC").ends_with("and this has 3 bytes"), "{}", says("AAEC"));
        assert!(says("no key!").ends_with("and this is not base64"), "{}", says("no key!"));
    }
}
