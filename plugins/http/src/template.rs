//! A URL with `{version}` in it, and what is added to its query.

use std::fmt;

use fanfare_sdk::{PrepareError, Version, check};
use http::Uri;

const VERSION: &str = "{version}";

/// A URL with `{version}` in its path or query, or without.
#[derive(Clone)]
pub(crate) struct Template {
    // Invariant: joined by an encoded version, they are a URL that `check::url` has let pass.
    parts: Vec<String>,
}

/// A version, as it stands in a URL.
#[derive(Clone, Debug)]
pub(crate) struct Encoded(String);

// === impl Template ===

impl Template {
    /// Checks it, with any version in it.
    ///
    /// # Errors
    /// All that is wrong with it, without the URL itself.
    pub(crate) fn try_new(text: &str) -> Result<Self, Vec<String>> {
        let host_end = text.find("://").map_or(0, |at| at + 3);
        let host_end =
            text[host_end..].find(['/', '?', '#']).map_or(text.len(), |at| host_end + at);
        if text[..host_end].contains(VERSION) {
            return Err(vec![
                "has `{version}` in its host: path and query are where it may be".into(),
            ]);
        }
        let rest = text.replace(VERSION, "0");
        if rest.contains(['{', '}']) {
            return Err(vec!["has a `{…}` that is not `{version}`, the only one there is".into()]);
        }
        check::url(&rest)?;
        Ok(Self { parts: text.split(VERSION).map(str::to_owned).collect() })
    }

    /// With an encoded pair more in its query.
    pub(crate) fn add_query(&mut self, pair: &str) {
        let separator = match self.parts.iter().any(|part| part.contains('?')) {
            false => "?",
            true if self.last().ends_with(['?', '&']) => "",
            true => "&",
        };
        let last = format!("{}{separator}{pair}", self.last());
        self.parts.pop();
        self.parts.push(last);
    }

    /// Whether the URL needs a version.
    pub(crate) fn has_version(&self) -> bool {
        self.parts.len() > 1
    }

    /// The keys of its query, as they are written.
    pub(crate) fn query_keys(&self) -> Vec<String> {
        let text = self.parts.join(VERSION);
        let query = text.split_once('?').map_or("", |(_, query)| query);
        let keys = query.split('&').filter_map(|pair| pair.split('=').next());
        keys.filter(|key| !key.is_empty()).map(str::to_owned).collect()
    }

    /// The URL with the version in it.
    ///
    /// # Errors
    /// When it needs a version and there is none.
    pub(crate) fn expand(&self, version: Option<&Encoded>) -> Result<Uri, PrepareError> {
        let text = match (version, self.has_version()) {
            (_, false) => self.last().to_owned(),
            (Some(version), true) => self.parts.join(&version.0),
            (None, true) => {
                return Err(PrepareError(
                    "the url needs a version, and the call names none".into(),
                ));
            }
        };
        Uri::try_from(text).map_err(|_| PrepareError("the url is too long".into()))
    }

    fn last(&self) -> &str {
        self.parts.last().map_or("", String::as_str)
    }
}

impl fmt::Debug for Template {
    /// Without path and query: they may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&check::masked_url(self.parts.first().map_or("", String::as_str)))
    }
}

// === impl Encoded ===

impl Encoded {
    /// Encodes a version for path and query.
    ///
    /// # Errors
    /// When it would change the path: empty, `.` and `..` (RFC 3986 section 5.2.4).
    pub(crate) fn try_new(version: &Version) -> Result<Self, PrepareError> {
        match version.as_str() {
            "" => Err(PrepareError("the version is empty".into())),
            "." | ".." => Err(PrepareError("the version would change the path".into())),
            text => Ok(Self(check::percent_encode(text).into_owned())),
        }
    }

    /// As it stands in a URL.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{Encoded, Template};

    #[track_caller]
    fn check(text: &str, version: &str, expected: &str) {
        let expanded = Template::try_new(text).map_err(|wrong| wrong.join("; ")).and_then(|url| {
            let version = match version {
                "-" => None,
                text => Some(Encoded::try_new(&text.into()).map_err(|says| says.0)?),
            };
            url.expand(version.as_ref()).map_err(|says| says.0)
        });
        assert_eq!(expanded.map_or_else(|says| says, |uri| uri.to_string()), expected);
    }

    #[test]
    fn a_version_is_put_into_a_url() {
        check("https://a.example/v{version}/b", "2", "https://a.example/v2/b");
        check("https://a.example/v{version}", "2024-06-01", "https://a.example/v2024-06-01");
        check(
            "https://a.example/{version}/{version}?v={version}",
            "1",
            "https://a.example/1/1?v=1",
        );
        check(
            "https://a.example/v{version}",
            "1/../x?y#z",
            "https://a.example/v1%2F..%2Fx%3Fy%23z",
        );
        check("https://a.example/v{version}", "ü", "https://a.example/v%C3%BC");
        check("https://a.example/{version}/x", "..", "the version would change the path");
        check("https://a.example/{version}/x", "", "the version is empty");
        check(
            "https://a.example/v{version}",
            "-",
            "the url needs a version, and the call names none",
        );
        check("https://a.example/b", "-", "https://a.example/b");
        check("https://a.example/b", "2", "https://a.example/b");
        check(
            "https://a.example/{id}",
            "2",
            "has a `{…}` that is not `{version}`, the only one there is",
        );
        let host = "has `{version}` in its host: path and query are where it may be";
        check("https://v{version}.a.example/b", "2", host);
        check("https://v{version}.a.example", "2", host);
        check("{version}", "2", host);
    }

    #[test]
    fn a_pair_is_added_to_the_query() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            let mut url = Template::try_new(text).unwrap();
            url.add_query("a=b");
            let version = Encoded::try_new(&"2".into()).unwrap();
            assert_eq!(url.expand(Some(&version)).unwrap().to_string(), expected);
        }
        check("https://a.example", "https://a.example/?a=b");
        check("https://a.example/c", "https://a.example/c?a=b");
        check("https://a.example/c?", "https://a.example/c?a=b");
        check("https://a.example/c?d=e", "https://a.example/c?d=e&a=b");
        check("https://a.example/c?v={version}", "https://a.example/c?v=2&a=b");
        check("https://a.example/{version}?c&", "https://a.example/2?c&a=b");
    }
}
