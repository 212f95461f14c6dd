//! URLs in the client's own form, parsed once and not for every request.

use std::{
    fmt,
    sync::{PoisonError, RwLock},
};

use http::Uri;
use reqwest::Url;

use crate::report::IdMap;

/// A URL that nothing can be sent to. Says nothing of it: it may hold a secret.
#[derive(PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum UrlError {
    /// It is none.
    #[error(transparent)]
    Parse(#[from] url::ParseError),
    /// The client would leave it out, and send the request without what its author took for a proof.
    #[error("the URL has user info, which is not sent: use `auth` (basic)")]
    UserInfo,
    /// What the URL standard makes of it is none for HTTP.
    #[error("the URL is none for HTTP")]
    Http,
}

/// URLs that are kept. Bounds memory: each takes some hundred bytes, and most targets have one.
const URLS_MAX: usize = 4_096;

/// Bytes of a URL that is kept. Where redirects lead is what servers make of it.
const URL_BYTES_MAX: usize = 1_024;

/// URLs in the client's own form.
#[derive(Default)]
pub(super) struct Urls(RwLock<IdMap<Uri, Url>>);

impl Urls {
    /// The URL that is written so.
    ///
    /// # Errors
    /// When it is none, or has user info. The text says nothing of it: it may hold a secret.
    pub(super) fn parsed(&self, uri: &Uri) -> Result<Url, UrlError> {
        // A query may be another one with every payload, and may hold a secret.
        let is_long = uri.path().len() > URL_BYTES_MAX;
        if has_user_info(uri) || uri.query().is_some() || is_long {
            return parsed(uri);
        }
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(uri).cloned();
        if let Some(url) = known {
            return Ok(url);
        }
        let url = parsed(uri)?;
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= URLS_MAX {
            kept.clear();
        }
        kept.insert(uri.clone(), url.clone());
        Ok(url)
    }
}

/// The URI in the form in which the client writes it on the wire: dots resolved, the host in small letters, no
/// default port, encoded where the URL standard has it. What is signed before has to be this.
///
/// # Errors
/// When nothing can be sent to it.
pub(super) fn canonical(uri: &Uri) -> Result<Uri, UrlError> {
    let url = parsed(uri)?;
    Uri::try_from(url.as_str()).map_err(|_| UrlError::Http)
}

fn parsed(uri: &Uri) -> Result<Url, UrlError> {
    if has_user_info(uri) {
        return Err(UrlError::UserInfo);
    }
    Ok(Url::parse(&uri.to_string())?)
}

fn has_user_info(uri: &Uri) -> bool {
    uri.authority().is_some_and(|authority| authority.as_str().contains('@'))
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

    use super::{URLS_MAX, UrlError, Urls, canonical};

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
        check(&urls, "https://u:p@a.example/", &UrlError::UserInfo.to_string());
        assert_eq!(format!("{urls:?}"), "Urls(4)", "what may hold a secret is not kept");
        let long = format!("https://a.example/{}", "x".repeat(1_024));
        check(&urls, &long, &long);
        assert_eq!(format!("{urls:?}"), "Urls(4)", "what is long is not kept");
    }

    #[test]
    fn what_goes_on_the_wire_is_known_before() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            let said = canonical(&text.parse().expect("it is a URI"));
            assert_eq!(said.map_or_else(|error| error.to_string(), |it| it.to_string()), expected);
            if let Ok(again) = canonical(&expected.parse().unwrap_or_default()) {
                assert_eq!(again.to_string(), expected, "a second time nothing changes");
            }
        }
        check("https://a.example", "https://a.example/");
        check("HTTPS://A.Example:443/B/./c/../d?e=f", "https://a.example/B/d?e=f");
        check("http://a.example:80/%7e/%2e%2E/b//c/", "http://a.example/b//c/");
        check("http://a.example/a%2fb%7E;v=1", "http://a.example/a%2fb%7E;v=1");
        check("http://a.example/?a='b'&c=%27", "http://a.example/?a=%27b%27&c=%27");
        check("http://a.example/?", "http://a.example/?");
        check("http://0x7f.1/", "http://127.0.0.1/");
        check("https://[0:0::1]:8443/", "https://[::1]:8443/");
        check("https://u@a.example/", &UrlError::UserInfo.to_string());
        check("http://a.1/", "invalid IPv4 address");
        check("/b", "relative URL without a base");
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
