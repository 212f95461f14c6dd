//! Headers as pairs of a name and a text, in their order. A value may be any bytes: each is the character of its number.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Deserializer, Serializer, de::Error};

pub(super) fn serialize<S: Serializer>(map: &HeaderMap, serializer: S) -> Result<S::Ok, S::Error> {
    let text = |value: &HeaderValue| value.as_bytes().iter().copied().map(char::from).collect();
    serializer
        .collect_seq(map.iter().map(|(name, value)| (name.as_str(), text(value)) as (_, String)))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<HeaderMap, D::Error> {
    let mut map = HeaderMap::new();
    for (name, text) in Vec::<(String, String)>::deserialize(deserializer)? {
        let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
        let value = bytes.and_then(|bytes| HeaderValue::from_bytes(&bytes).ok());
        let (Ok(name), Some(value)) = (HeaderName::try_from(name), value) else {
            return Err(D::Error::custom("not a header"));
        };
        map.append(name, value);
    }
    Ok(map)
}
