//! What came into the settings of a target from elsewhere is a secret wherever it lands: how it may be written there, and
//! what is shown instead.
//!
//! Of a URL, scheme, host and port are shown: a report says by them who has served. An endpoint with a secret in it has a
//! name of its own in histories, by which it is found again.

use std::{borrow::Cow, fmt};

use fanfare_sdk::{Endpoint, Secret, check};
use http::{HeaderMap, Uri, uri::PathAndQuery};
use sha2::{Digest, Sha256};

/// Characters of a value from which on it is hidden: a shorter one keeps no secret, and stands anywhere by chance.
pub const SECRET_CHARS_MIN: usize = 4;

const MASK: &str = "***";

/// The secrets of a target's settings.
#[derive(Clone, Default)]
pub struct Masks {
    /// In all their forms. The longest first: one may be a part of another.
    texts: Vec<Secret>,
    /// What of them may stand in a path, where they begin before one.
    paths: Vec<Secret>,
    /// The names of endpoints, and the endpoints.
    endpoints: Vec<(Endpoint, Endpoint)>,
}

// === impl Masks ===

impl Masks {
    /// Hides these values. Those with fewer than [`SECRET_CHARS_MIN`] characters are no secrets.
    #[must_use]
    pub fn new<'a>(values: impl IntoIterator<Item = &'a Secret>) -> Self {
        let (mut texts, mut paths) = (Vec::new(), Vec::new());
        for value in values.into_iter().map(Secret::expose) {
            texts.extend(forms(value));
            let rest = value.split_once("://").map_or(value, |(_, rest)| rest);
            paths.extend(rest.find(['/', '?']).map(|at| rest[at + 1..].to_owned()));
        }
        Self { texts: secrets(texts), paths: secrets(paths), endpoints: Vec::new() }
    }

    /// Whether there is nothing to hide.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The text with `***` wherever there is a secret in it.
    #[must_use]
    pub fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        replaced(&self.texts, text)
    }

    /// The same for a text that may have been cut: it may end in the beginning of a secret.
    #[must_use]
    pub fn hide_in_line<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let hidden = self.hide(text);
        let begun = |secret: &str| {
            let ends = secret.char_indices().map(|(at, _)| at).skip(SECRET_CHARS_MIN);
            ends.filter(|at| hidden.ends_with(&secret[..*at])).max()
        };
        match self.texts.iter().filter_map(|secret| begun(secret.expose())).max() {
            Some(bytes) => format!("{}{MASK}", &hidden[..hidden.len() - bytes]).into(),
            None => hidden,
        }
    }

    /// The URL with `***` wherever there is a secret in its path and its query.
    #[must_use]
    pub fn url(&self, url: Uri) -> Uri {
        let Some(path) = url.path_and_query().filter(|_| !self.is_empty()) else { return url };
        let Cow::Owned(hidden) = self.path(path.as_str()) else { return url };
        let mut parts = url.into_parts();
        parts.path_and_query =
            Some(hidden.parse().unwrap_or_else(|_| PathAndQuery::from_static("/***")));
        // Only the path was replaced: it cannot fail.
        Uri::from_parts(parts).unwrap_or_default()
    }

    /// The secrets in the path and the query of a URL.
    pub fn found_in<'m>(&'m self, url: &'m Uri) -> impl Iterator<Item = &'m str> {
        let path = url.path_and_query().map_or("", PathAndQuery::as_str);
        self.texts.iter().map(Secret::expose).filter(move |secret| path.contains(secret))
    }

    /// Marks the headers that have a secret in them.
    pub fn mark(&self, headers: &mut HeaderMap) {
        if self.is_empty() {
            return;
        }
        for value in headers.values_mut().filter(|value| !value.is_sensitive()) {
            let text = String::from_utf8_lossy(value.as_bytes());
            let is_secret = self.texts.iter().any(|secret| text.contains(secret.expose()));
            value.set_sensitive(is_secret);
        }
    }

    /// The name under which an endpoint stands in histories: the endpoint itself, unless there is a secret in it.
    pub(super) fn name(&mut self, endpoint: &Endpoint) -> Endpoint {
        let text = endpoint.as_str();
        let (origin, path) = text.split_at(path_begins(text));
        let Cow::Owned(hidden) = self.path(path) else { return endpoint.clone() };
        // Another secret is another endpoint. Two bytes tell one from another, and tell nobody what it is.
        let digest = Sha256::digest(text);
        let name = Endpoint::from(format!("{origin}{hidden}#{:02x}{:02x}", digest[0], digest[1]));
        self.endpoints.push((name.clone(), endpoint.clone()));
        name
    }

    /// The endpoint of that name.
    #[must_use]
    pub fn endpoint(&self, name: Option<&Endpoint>) -> Option<Endpoint> {
        let known = self.endpoints.iter().find(|(known, _)| Some(known) == name);
        known.map(|(_, endpoint)| endpoint).or(name).cloned()
    }

    /// The path and the query of a URL with `***` wherever there is a secret in them.
    #[must_use]
    pub fn path<'t>(&self, path: &'t str) -> Cow<'t, str> {
        match replaced(&self.texts, path) {
            Cow::Borrowed(path) => replaced(&self.paths, path),
            Cow::Owned(hidden) => replaced(&self.paths, &hidden).into_owned().into(),
        }
    }
}

impl fmt::Debug for Masks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Masks(***)")
    }
}

impl PartialEq for Masks {
    fn eq(&self, other: &Self) -> bool {
        let same = |one: &[Secret], two: &[Secret]| {
            one.iter().map(Secret::expose).eq(two.iter().map(Secret::expose))
        };
        same(&self.texts, &other.texts) && self.endpoints == other.endpoints
    }
}

/// Where the path of a URL begins; what is no URL is all path.
fn path_begins(text: &str) -> usize {
    let Some(at) = text.find("://").map(|at| at + 3) else { return 0 };
    text[at..].find(['/', '?']).map_or(text.len(), |path| at + path)
}

/// A value as it may be written: as it is, in a URL, in a form, in JSON, in XML.
fn forms(value: &str) -> [String; 5] {
    let in_url = check::percent_encode(value).into_owned();
    let in_form = in_url.replace("%20", "+").replace("%2A", "*").replace('~', "%7E");
    let json = serde_json::Value::from(value).to_string();
    let in_json = json.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned();
    let in_xml = [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;"), ("'", "&apos;")];
    let in_xml = in_xml.into_iter().fold(value.to_owned(), |text, (c, it)| text.replace(c, it));
    [value.to_owned(), in_url, in_form, in_json, in_xml]
}

fn secrets(mut texts: Vec<String>) -> Vec<Secret> {
    texts.retain(|text| text.chars().count() >= SECRET_CHARS_MIN);
    texts.sort_by(|one, two| two.len().cmp(&one.len()).then_with(|| one.cmp(two)));
    texts.dedup();
    texts.into_iter().map(Secret::new).collect()
}

fn replaced<'t>(secrets: &[Secret], text: &'t str) -> Cow<'t, str> {
    let mut shown = Cow::Borrowed(text);
    for secret in secrets.iter().map(Secret::expose) {
        if shown.contains(secret) {
            shown = shown.replace(secret, MASK).into();
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use fanfare_sdk::{Endpoint, Secret};
    use http::{HeaderMap, HeaderValue, Uri};

    use super::Masks;

    fn masks(values: &[&str]) -> Masks {
        let values: Vec<_> = values.iter().map(|&value| Secret::new(value)).collect();
        Masks::new(&values)
    }

    #[test]
    fn a_secret_is_hidden_in_all_its_forms() {
        #[track_caller]
        fn check(value: &str, text: &str, expected: &str) {
            assert_eq!(masks(&[value]).hide(text), expected);
        }
        check("s3cret", "a s3cret, s3crets", "a ***, ***s");
        check("123:A b*~", "/123%3AA%20b%2A~ 123%3AA+b*%7E 123:A b*~", "/*** *** ***");
        check("a\"b\nc", r#"{"x":"a\"b\nc"}"#, r#"{"x":"***"}"#);
        check("a<b&c", "<x>a&lt;b&amp;c</x>", "<x>***</x>");
        check("abc", "abcdef", "abcdef");
        check("äöü€", "äöü€", "***");
        assert_eq!(masks(&["abcd", "abcdefgh"]).hide("abcdefgh abcd"), "*** ***");
        assert_eq!(format!("{:?}", masks(&["s3cret"])), "Masks(***)");
    }

    #[test]
    fn nothing_is_left_where_a_text_was_cut() {
        let masks = masks(&["s3cret-s3cret"]);
        for (text, expected) in [
            ("raised s3cret-s3cre", "raised ***"),
            ("raised s3cr", "raised ***"),
            ("raised s3c", "raised s3c"),
            ("s3cret-s3cret was raised", "*** was raised"),
        ] {
            assert_eq!(masks.hide_in_line(text), expected);
        }
    }

    #[test]
    fn of_a_url_who_is_called_is_shown() {
        #[track_caller]
        fn check(value: &str, url: &'static str, expected: &str) {
            assert_eq!(masks(&[value]).url(Uri::from_static(url)).to_string(), expected);
        }
        check(
            "123:ABC",
            "http://a.example/bot123:ABC/send?x=1",
            "http://a.example/bot***/send?x=1",
        );
        check("s3cret", "http://a.example/?k=s3cret&l=s3", "http://a.example/?k=***&l=s3");
        check("a.example", "http://a.example/a.example", "http://a.example/***");
        check(
            "https://A.example/hook/s3",
            "https://a.example/hook/s3?x",
            "https://a.example/***?x",
        );
        check("a.example/hook", "https://a.example/hook/1", "https://a.example/***/1");
        check("https://a.example/", "https://a.example/1", "https://a.example/1");
    }

    #[test]
    fn an_endpoint_with_a_secret_has_a_name() {
        let mut masks = masks(&["s3cret", "other"]);
        let name = |masks: &mut Masks, text: &str| masks.name(&Endpoint::from(text)).to_string();
        let plain = "https://a.example/v{version}/x";
        assert_eq!(name(&mut masks, plain), plain);
        let one = name(&mut masks, "https://a.example/v{version}/s3cret");
        let two = name(&mut masks, "https://a.example/v{version}/other");
        assert_eq!(one, "https://a.example/v{version}/***#79c4");
        assert_ne!(one, two);
        let found = |name: &str| masks.endpoint(Some(&name.into())).map(|it| it.to_string());
        assert_eq!(found(&two).as_deref(), Some("https://a.example/v{version}/other"));
        assert_eq!(found(plain).as_deref(), Some(plain));
        assert_eq!(masks.endpoint(None), None);
        assert_eq!(name(&mut masks, "queue-s3cret").split('#').next(), Some("queue-***"));
    }

    #[test]
    fn headers_with_a_secret_are_marked() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-pass", "is s3cret"), ("x-plain", "is none")] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        masks(&["s3cret"]).mark(&mut headers);
        assert!(headers["x-pass"].is_sensitive() && !headers["x-plain"].is_sensitive());
    }
}
