//! The URL of a request as it goes to the client: as the URL standard (WHATWG) would write it. Most are so already, and
//! are not parsed again.

use http::Uri;
use url::{ParseError, Url};

/// The URL in its standard form.
///
/// # Errors
/// When it is none.
pub(super) fn standard(uri: Uri) -> Result<Uri, ParseError> {
    if is_standard(&uri) {
        return Ok(uri);
    }
    let url = Url::parse(&uri.to_string())?;
    if !url.has_host() {
        return Err(ParseError::EmptyHost);
    }
    Uri::try_from(url.as_str()).map_err(|_| ParseError::InvalidDomainCharacter)
}

/// Whether it is certain that the standard would write it as it is. Read once from the left to the right: it is asked for
/// every request.
fn is_standard(uri: &Uri) -> bool {
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    let has_user = uri.authority().is_none_or(|authority| authority.as_str().contains('@'));
    let mut before = 0;
    let is_plain_path = uri.path().bytes().all(|byte| {
        // A dot may be a step in the path, also where it is encoded.
        let may_step = matches!((before, byte), (b'/', b'.') | (b'%', b'2'));
        before = byte;
        is_plain(byte) && !may_step
    });
    let is_plain_query = |query: &str| query.bytes().all(|byte| is_plain(byte) || byte == b'?');
    is_http
        && !has_user
        && is_plain_path
        && uri.query().is_none_or(is_plain_query)
        && uri.host().is_some_and(is_plain_host)
}

/// An IPv4 address as it is mostly written, or a name in small letters that cannot be taken for one.
fn is_plain_host(host: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with("xn--")
            && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    };
    let last = host.rsplit('.').next().unwrap_or("");
    let is_name = last.starts_with(|first: char| first.is_ascii_lowercase());
    if is_name { host.split('.').all(label) } else { host.parse::<std::net::Ipv4Addr>().is_ok() }
}

/// What stands for itself in every part of a URL.
const fn is_plain(byte: u8) -> bool {
    const PLAIN: [bool; 256] = {
        let (mut table, mut at) = ([false; 256], 0);
        let others = b"-._~!$&()*+,;=:@/%";
        while at < 256 {
            table[at] = at < 128 && (at as u8).is_ascii_alphanumeric();
            at += 1;
        }
        at = 0;
        while at < others.len() {
            table[others[at] as usize] = true;
            at += 1;
        }
        table
    };
    PLAIN[byte as usize]
}

#[cfg(test)]
mod tests {
    use http::Uri;
    use proptest::{prop_assert_eq, proptest};
    use url::Url;

    use super::{is_standard, standard};

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let uri: Uri = text.parse().expect("it is a URI");
        let is_plain = is_standard(&uri);
        let written = standard(uri).map_or_else(|error| error.to_string(), |uri| uri.to_string());
        let how = if is_plain { "as it is" } else { "parsed" };
        assert_eq!(format!("{how}: {written}"), expected);
    }

    #[test]
    fn a_url_is_written_as_the_standard_has_it() {
        check("http://127.0.0.1:80/", "as it is: http://127.0.0.1:80/");
        check("https://a.example/v1?q=a%20b&c", "as it is: https://a.example/v1?q=a%20b&c");
        check("https://a.example", "as it is: https://a.example/");
        check("https://A.example/", "parsed: https://a.example/");
        check("https://a.example/b/../c", "parsed: https://a.example/c");
        check("https://a.example/b/%2E%2e/c", "parsed: https://a.example/c");
        check("https://a.example/b'c?d'", "parsed: https://a.example/b'c?d%27");
        check("http://127.1/", "parsed: http://127.0.0.1/");
        check("http://[::1]:8080/", "parsed: http://[::1]:8080/");
        check("http://u:p@a.example/", "parsed: http://u:p@a.example/");
        check("http://a.1/", "parsed: invalid IPv4 address");
        check("/relative", "parsed: relative URL without a base");
    }

    proptest! {
        #[test]
        fn what_is_left_as_it_is_is_standard(
            host in "[a-z0-9.-]{1,12}", path in "(/[!-~]{0,6}){0,3}", query in "(\\?[!-~]{0,8})?"
        ) {
            let Ok(uri) = format!("https://{host}{path}{query}").parse::<Uri>() else {
                return Ok(());
            };
            if is_standard(&uri) {
                let text = uri.to_string();
                prop_assert_eq!(Url::parse(&text).map(String::from), Ok(text));
            }
        }
    }
}
