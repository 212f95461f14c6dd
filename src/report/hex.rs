//! Ids of traces and spans as text: lower-case hexadecimal digits.

use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// Two digits for each byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, place) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(place..place + 2)?, 16).ok()?;
    }
    Some(bytes)
}

pub(super) fn serialize<S: Serializer, const N: usize>(
    id: &[u8; N],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex(id))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
    deserializer: D,
) -> Result<[u8; N], D::Error> {
    let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
    bytes(&text).ok_or_else(|| D::Error::custom(format_args!("not {N} bytes in hexadecimal")))
}

/// The same for an id that may be missing.
pub(super) mod option {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Id<const N: usize>(#[serde(with = "super")] [u8; N]);

    pub(in crate::report) fn serialize<S: Serializer, const N: usize>(
        id: &Option<[u8; N]>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        id.map(Id).serialize(serializer)
    }

    pub(in crate::report) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        deserializer: D,
    ) -> Result<Option<[u8; N]>, D::Error> {
        Ok(Option::<Id<N>>::deserialize(deserializer)?.map(|id| id.0))
    }
}
