//! A URL with `{version}` in it, and with what RFC 6570 has besides.

use std::fmt;

use fanfare_sdk::{PrepareError, UrlTemplate, Version, check};
use http::Uri;
use iri_string::{spec::UriSpec, template::UriTemplateStr};

use crate::variables::Values;

const VERSION: &str = "{version}";

const NO_TEMPLATE: &str = "is no URI template (RFC 6570): `{id}`, `{?page}` or `{/path*}` would be right, and `%7B` for a brace";

/// A URL with `{version}` and other expressions (RFC 6570) in its path or query, or without.
#[derive(Clone)]
pub(crate) struct Template {
    // Invariant: joined by an encoded version, they are a template; expanded, it is a URL that `check::url` lets pass.
    parts: Vec<String>,
    variables: Vec<String>,
    /// Those of which the path needs something.
    in_path: Vec<String>,
}

/// A version, as it stands in a URL.
#[derive(Clone, Debug)]
pub(crate) struct Encoded(String);

// === impl Template ===

impl Template {
    /// Checks it, with any version and any values in it.
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
        if text[..host_end].contains('{') {
            return Err(vec!["has a `{…}` in its host: path and query are where it may be".into()]);
        }
        let rest = text.replace(VERSION, "0");
        // What is wrong with all but its expressions is told as of any URL.
        check::url(&plain(&rest))?;
        if rest.contains("{#") {
            return Err(vec!["has a `{#…}`: a fragment is never sent".into()]);
        }
        if !prefixes_fit(&rest) {
            return Err(vec![NO_TEMPLATE.to_owned()]);
        }
        let none = || vec![NO_TEMPLATE.to_owned()];
        let template = UriTemplateStr::new(&rest).map_err(|_| none())?;
        let expanded = template.expand::<UriSpec, _>(&Values::Sample);
        let expanded = expanded.map_err(|_| none())?.to_string();
        check::url(&expanded)?;
        let mut variables: Vec<_> = template.variables().map(|it| it.as_str().to_owned()).collect();
        variables.sort();
        variables.dedup();
        let parts = text.split(VERSION).map(str::to_owned).collect();
        Ok(Self { parts, variables, in_path: in_path(&rest) })
    }

    /// Whether the URL needs a version.
    pub(crate) fn has_version(&self) -> bool {
        self.parts.len() > 1
    }

    /// Path and query as they are written, where something is put into them.
    pub(crate) fn shown(&self) -> Option<UrlTemplate> {
        let text = self.parts.join(VERSION);
        let begins = text.find("://").map_or(0, |at| at + 3);
        let begins = begins + text[begins..].find(['/', '?'])?;
        let changes = self.has_version() || !self.variables.is_empty();
        changes.then(|| UrlTemplate::new(&text[begins..]))
    }

    /// The names of its variables, without that of the version.
    pub(crate) fn variables(&self) -> &[String] {
        &self.variables
    }

    /// The keys of its query, as they are written.
    pub(crate) fn query_keys(&self) -> Vec<String> {
        let text = self.parts.join(VERSION);
        let query = text.split_once('?').map_or("", |(_, query)| query);
        let keys = query.split('&').filter_map(|pair| pair.split('=').next());
        keys.filter(|key| !key.is_empty()).map(str::to_owned).collect()
    }

    /// The URL with the version and the values in it.
    ///
    /// # Errors
    /// When it needs a version or a value and there is none, or a value would make another path of it.
    pub(crate) fn expand(
        &self,
        version: Option<&Encoded>,
        values: &Values<'_>,
    ) -> Result<Uri, PrepareError> {
        let text = match (version, self.parts.as_slice()) {
            (_, [whole]) => whole.clone(),
            (Some(version), parts) => parts.join(&version.0),
            (None, _) => {
                return Err(PrepareError(
                    "the url needs a version, and the call names none".into(),
                ));
            }
        };
        let text = if self.variables.is_empty() { text } else { self.filled(&text, values)? };
        let fits = text.len() <= check::URL_BYTES_MAX;
        let uri = Uri::try_from(text).ok().filter(|_| fits || self.variables.is_empty());
        uri.ok_or_else(|| PrepareError("the url is too long".into()))
    }

    fn filled(&self, text: &str, values: &Values<'_>) -> Result<String, PrepareError> {
        for name in &self.variables {
            values.check(name).map_err(|says| PrepareError(format!("`variables.{name}`{says}")))?;
        }
        if let Some(name) = self.in_path.iter().find(|name| values.is_empty(name)) {
            let says = format!("`variables.{name}` gives nothing, and the path needs it");
            return Err(PrepareError(says));
        }
        let wrong = || PrepareError("the values do not fit the template of the url".to_owned());
        let template = UriTemplateStr::new(text).map_err(|_| wrong())?;
        let filled = template.expand::<UriSpec, _>(values).map_err(|_| wrong())?.to_string();
        let path = filled.split(['?', '#']).next().unwrap_or_default();
        if path.split('/').any(|segment| segment == "." || segment == "..") || filled.contains('#')
        {
            // RFC 3986 section 5.2.4; and what is behind a `#` is not sent.
            return Err(PrepareError("a variable would change the path".to_owned()));
        }
        Ok(filled)
    }
}

/// The text without its expressions, whole or not.
fn plain(template: &str) -> String {
    let mut pieces = template.split('{');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        text.push_str(piece.split_once('}').map_or("", |(_, rest)| rest));
    }
    text.replace('}', "")
}

/// Whether `{name:3}` has no more than the four digits of section 2.4.1: of more, the library is not fond.
fn prefixes_fit(template: &str) -> bool {
    let expressions = template.split('{').skip(1).filter_map(|piece| piece.split('}').next());
    let mut prefixes = expressions.flat_map(|it| it.split(',')).filter_map(|it| it.split_once(':'));
    prefixes.all(|(_, prefix)| {
        let digits = prefix.bytes().all(|byte| byte.is_ascii_digit());
        digits && (1..=4).contains(&prefix.len()) && !prefix.starts_with('0')
    })
}

/// The variables of the path: those of expressions before the query.
fn in_path(template: &str) -> Vec<String> {
    let mut names = Vec::new();
    for piece in template.split('{').skip(1) {
        let Some((expression, after)) = piece.split_once('}') else { break };
        if expression.starts_with(['?', '&']) {
            break;
        }
        let list = expression.trim_start_matches(['+', '.', '/', ';']);
        let name = |written: &str| {
            written.split(':').next().unwrap_or_default().trim_end_matches('*').to_owned()
        };
        names.extend(list.split(',').map(name));
        if after.contains('?') {
            break;
        }
    }
    // What stands behind a `?` of the text before the first expression is in the query.
    let before = template.split('{').next().unwrap_or_default();
    if before.contains('?') { Vec::new() } else { names }
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

/// The URL with encoded pairs more in its query.
///
/// # Errors
/// When it is too long for one.
pub(crate) fn with_pairs(uri: Uri, pairs: &str) -> Result<Uri, PrepareError> {
    if pairs.is_empty() {
        return Ok(uri);
    }
    let separator = match uri.query() {
        None => "?",
        Some(query) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    Uri::try_from(format!("{uri}{separator}{pairs}"))
        .map_err(|_| PrepareError("the url is too long".into()))
}

#[cfg(test)]
mod tests {
    use super::{Encoded, NO_TEMPLATE, Template, Values, with_pairs};

    #[track_caller]
    fn check(text: &str, version: &str, expected: &str) {
        let expanded = Template::try_new(text).map_err(|wrong| wrong.join("; ")).and_then(|url| {
            let version = match version {
                "-" => None,
                text => Some(Encoded::try_new(&text.into()).map_err(|says| says.0)?),
            };
            url.expand(version.as_ref(), &Values::None).map_err(|says| says.0)
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
        let host = "has `{version}` in its host: path and query are where it may be";
        check("https://v{version}.a.example/b", "2", host);
        check("https://v{version}.a.example", "2", host);
        check("{version}", "2", host);
    }

    #[test]
    fn what_is_no_template_is_told() {
        let none = NO_TEMPLATE;
        for wrong in ["{id", "{}", "{!id}", "{id}}", "{i d}", "{id:}", "{id:99999}", "{=id}"] {
            check(&format!("https://a.example/{wrong}"), "-", none);
        }
        check("a.example/{id", "-", "has no scheme: `https://…` would be right");
        check(
            "https://a b.example/{id",
            "-",
            "contains a space or a control character: remove or percent-encode it",
        );
        check("https://a.example/{#id}", "-", "has a `{#…}`: a fragment is never sent");
        let host = "has a `{…}` in its host: path and query are where it may be";
        check("https://{host}/a", "-", host);
        check("https://a.example{/id}", "-", host);
        check(
            "https://a.example/{?api_key}",
            "-",
            "has a query key that looks like a secret's: use `auth` (api_key)",
        );
    }

    #[test]
    fn a_pair_is_added_to_the_query() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            let url = Template::try_new(text).unwrap();
            let version = Encoded::try_new(&"2".into()).unwrap();
            let uri = url.expand(Some(&version), &Values::None).unwrap();
            assert_eq!(with_pairs(uri, "a=b").unwrap().to_string(), expected);
        }
        check("https://a.example", "https://a.example/?a=b");
        check("https://a.example/c", "https://a.example/c?a=b");
        check("https://a.example/c?", "https://a.example/c?a=b");
        check("https://a.example/c?d=e", "https://a.example/c?d=e&a=b");
        check("https://a.example/c?v={version}", "https://a.example/c?v=2&a=b");
        check("https://a.example/{version}?c&", "https://a.example/2?c&a=b");
    }
}
