//! What a caller wants to go along with its trace: W3C Baggage. It leaves only to targets that were told to get it.

use std::{borrow::Cow, fmt, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// Members that are sent on; the standard asks for at least as many.
const MEMBERS_MAX: usize = 64;

/// Bytes that are sent on; the standard asks for at least as many.
const BYTES_MAX: usize = 8_192;

/// What a value cannot hold as it is: all but the baggage-octets of section 3.3.1.1, and the percent sign.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b',').add(b';').add(b'\\').add(b'%');

/// Members with their values, in the order in which they came. The same key may come twice.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Baggage {
    // Invariant: valid, within the limits.
    text: String,
    members: usize,
}

/// That cannot be a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BaggageError {
    /// A key is a token (RFC 9110 section 5.6.2).
    #[error("the key of baggage must be letters, digits and !#$%&'*+-.^_`|~")]
    Key,
    /// More than 64 members, or more than 8,192 bytes.
    #[error("too much baggage: at most {MEMBERS_MAX} members and {BYTES_MAX} bytes")]
    TooMuch,
}

impl Baggage {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What stands in the headers of a caller, all lines of it. Members that are not valid are left out, and so is, from
    /// the right, what is over the limits: always whole members.
    #[must_use]
    pub fn extract(headers: &HeaderMap) -> Self {
        let mut baggage = Self::default();
        let lines = headers.get_all(BAGGAGE).iter().filter_map(|line| line.to_str().ok());
        for member in lines.flat_map(|line| line.split(',')).filter_map(member) {
            if baggage.push(&member).is_err() {
                break;
            }
        }
        baggage
    }

    /// With this member; its value may be any text.
    ///
    /// # Errors
    /// When the key is not a token, or it is too much.
    pub fn with(mut self, key: &str, value: &str) -> Result<Self, BaggageError> {
        if !is_token(key) {
            return Err(BaggageError::Key);
        }
        self.push(&format!("{key}={}", utf8_percent_encode(value, ENCODED)))?;
        Ok(self)
    }

    /// The value under that key; of several the last one.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Cow<'_, str>> {
        self.text.rsplit(',').find_map(|member| {
            let (pair, _) = member.split_once(';').unwrap_or((member, ""));
            let (name, value) = pair.split_once('=')?;
            (name == key).then(|| percent_decode_str(value).decode_utf8_lossy())
        })
    }

    /// As it is sent; none where there is nothing to send.
    pub(crate) fn into_header(self) -> Option<Arc<str>> {
        (!self.text.is_empty()).then(|| self.text.into())
    }

    fn push(&mut self, member: &str) -> Result<(), BaggageError> {
        let comma = usize::from(!self.text.is_empty());
        if self.members == MEMBERS_MAX || self.text.len() + comma + member.len() > BYTES_MAX {
            return Err(BaggageError::TooMuch);
        }
        self.text.extend(["", ","][comma].chars().chain(member.chars()));
        self.members += 1;
        Ok(())
    }
}

impl fmt::Debug for Baggage {
    /// Without values: they may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Baggage({} members)", self.members)
    }
}

/// Writes baggage into the headers of a request, in place of whatever stands there.
pub(crate) fn inject_baggage(headers: &mut HeaderMap, baggage: &str) {
    if let Ok(mut value) = HeaderValue::from_str(baggage) {
        value.set_sensitive(true);
        headers.insert(BAGGAGE, value);
    }
}

/// A valid member without its optional white space, its value encoded afresh: what was no UTF-8 reads U+FFFD.
/// Properties are taken over as they are.
fn member(text: &str) -> Option<String> {
    let mut parts = text.split(';').map(trim);
    let (key, value) = parts.next()?.split_once('=')?;
    let (key, value) = (trim(key), trim(value));
    if !is_token(key) || !is_value(value) {
        return None;
    }
    let decoded = percent_decode_str(value).decode_utf8_lossy();
    let mut member = format!("{key}={}", utf8_percent_encode(&decoded, ENCODED));
    for property in parts {
        let (key, value) = property.split_once('=').map_or((property, None), |(k, v)| (k, Some(v)));
        let (key, value) = (trim(key), value.map(trim));
        if !is_token(key) || !value.is_none_or(is_value) {
            return None;
        }
        member.extend([";", key]);
        member.extend(value.into_iter().flat_map(|value| ["=", value]));
    }
    Some(member)
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn is_token(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(fits)
}

/// Of baggage-octets only.
fn is_value(text: &str) -> bool {
    text.bytes().all(|b| (0x21..=0x7E).contains(&b) && !b"\",;\\".contains(&b))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};
    use proptest::{prop_assert_eq, proptest};

    use super::{Baggage, BaggageError};

    fn extract(lines: &[&str]) -> Baggage {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("baggage", HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        Baggage::extract(&headers)
    }

    /// What is sent on of these lines.
    #[track_caller]
    fn check(lines: &[&str], expected: &str) {
        assert_eq!(extract(lines).text, expected, "{lines:?}");
    }

    #[test]
    fn what_is_right_goes_on() {
        check(&[], "");
        check(&["a=1"], "a=1");
        check(&["a=1,b=2", "c=3"], "a=1,b=2,c=3");
        check(&[" a\t=  1 ; p ;q = x\t, b=2"], "a=1;p;q=x,b=2");
        check(&["a=1,a=2"], "a=1,a=2");
        check(&["a=x=y=="], "a=x=y==");
        check(&["a="], "a=");
        check(&["a=1;p=%41"], "a=1;p=%41");
    }

    #[test]
    fn values_are_encoded_as_the_standard_says() {
        check(&["a=%20%2C%3B%5C%22%25"], "a=%20%2C%3B%5C%22%25");
        check(&["a=%41+b"], "a=A+b");
        check(&["a=%C3%A4"], "a=%C3%A4");
        check(&["a=%FF"], "a=%EF%BF%BD");
        check(&["a=100%"], "a=100%25");
    }

    #[test]
    fn a_wrong_member_is_left_out_as_a_whole() {
        for wrong in
            ["b", "=1", "b c=1", "b(=1", "b=\"1\"", "b=1 2", "b=\\", "b=1;", "b=1;=x", "b=1;p=\"\""]
        {
            check(&[&format!("a=1,{wrong},c=3")], "a=1,c=3");
        }
        check(&["a=1,b=\u{e4},c=3"], "");
    }

    #[test]
    fn what_is_too_much_loses_whole_members() {
        let many: Vec<_> = (0..70).map(|number| format!("k{number}=v")).collect();
        check(&[&many.join(",")], &many[..64].join(","));
        let long = format!("k={}", "x".repeat(4_000));
        let [two, three] = [2, 3].map(|count| vec![long.as_str(); count].join(","));
        check(&[&three], &two);
        check(&[&format!("k={}", "x".repeat(8_191))], "");
    }

    #[test]
    fn members_are_added_and_read() {
        let baggage = Baggage::new().with("user", "a, b").unwrap().with("user", "ü").unwrap();
        assert_eq!(baggage.text, "user=a%2C%20b,user=%C3%BC");
        assert_eq!(baggage.get("user").as_deref(), Some("ü"));
        assert_eq!(baggage.get("use"), None);
        assert_eq!(baggage.clone().with("a b", "").unwrap_err(), BaggageError::Key);
        assert_eq!(baggage.with("k", &"x".repeat(9_000)).unwrap_err(), BaggageError::TooMuch);
        let text = format!("{:?}", Baggage::new().with("user", "c4n4ry").unwrap());
        assert_eq!(text, "Baggage(1 members)");
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text: String) {
            let baggage = Baggage::new().with("k", &text);
            if let Ok(baggage) = baggage {
                let again = extract(&[&baggage.text]);
                prop_assert_eq!(again.get("k").unwrap(), text);
            }
        }

        #[test]
        fn nothing_makes_it_panic(text in "[ -~\\t]*") {
            let _ = extract(&[&text]);
        }
    }
}
