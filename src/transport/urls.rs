//! URLs in the client's own form, parsed once and not for every request.

use std::{
    fmt,
    sync::{PoisonError, RwLock},
};

use http::Uri;
use reqwest::Url;

use crate::report::IdMap;

/// URLs that are kept. Bounds memory: each takes some hundred bytes, and most targets have one.
const URLS_MAX: usize = 4_096;

/// URLs in the client's own form.
#[derive(Default)]
pub(super) struct Urls(RwLock<IdMap<Uri, Url>>);

impl Urls {
    /// The URL that is written so.
    ///
    /// # Errors
    /// When it is none. The text says nothing of it: it may hold a secret.
    pub(super) fn parsed(&self, uri: &Uri) -> Result<Url, url::ParseError> {
        // A query may be another one with every payload, and may hold a secret. User info would be taken for the same in
        // capital and small letters.
        let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        if has_user || uri.query().is_some() {
            return Url::parse(&uri.to_string());
        }
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(uri).cloned();
        if let Some(url) = known {
            return Ok(url);
        }
        let url = Url::parse(&uri.to_string())?;
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= URLS_MAX {
            kept.clear();
        }
        kept.insert(uri.clone(), url.clone());
        Ok(url)
    }
}

impl fmt::Debug for Urls {
    /// How many: paths may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Urls({})", self.0.read().unwrap_or_else(PoisonError::into_inner).len())
    }
}

#[cfg(test)]
mod tests {
    use http::Uri;

    use super::{URLS_MAX, Urls};

    #[track_caller]
    fn check(urls: &Urls, text: &str, expected: &str) {
        let uri: Uri = text.parse().expect("it is a URI");
        // Twice: parsed, and kept.
        for _ in 0..2 {
            let said = urls.parsed(&uri).map_or_else(|error| error.to_string(), String::from);
            assert_eq!(said, expected, "{text}");
        }
    }

    #[test]
    fn a_url_is_the_same_whether_it_is_kept_or_parsed() {
        let urls = Urls::default();
        check(&urls, "https://A.example/b/../c", "https://a.example/c");
        check(&urls, "https://a.example/c", "https://a.example/c");
        check(&urls, "https://a.example/C", "https://a.example/C");
        check(&urls, "http://a.example:80", "http://a.example/");
        check(&urls, "http://a.1/", "invalid IPv4 address");
        assert_eq!(format!("{urls:?}"), "Urls(4)");
        check(&urls, "https://a.example/?key=secret", "https://a.example/?key=secret");
        check(&urls, "https://u:p@a.example/", "https://u:p@a.example/");
        check(&urls, "https://U:P@a.example/", "https://U:P@a.example/");
        assert_eq!(format!("{urls:?}"), "Urls(4)", "what may hold a secret is not kept");
    }

    #[test]
    fn there_is_a_limit() {
        let urls = Urls::default();
        for place in 0..=URLS_MAX {
            let uri = format!("http://a.example/{place}").parse().expect("it is a URI");
            urls.parsed(&uri).expect("it is a URL");
        }
        assert_eq!(format!("{urls:?}"), "Urls(1)");
    }
}
