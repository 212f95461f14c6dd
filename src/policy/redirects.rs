//! Redirects, where a target follows them: what is asked next, and of whom.

use fanfare_sdk::{ReplyHead, check::URL_BYTES_MAX};
use http::{HeaderName, Method, Request, Uri, header};
use url::Url;

/// Redirects that are followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Redirects {
    /// So many one after the other, in one attempt.
    pub hops_max: u16,
    /// Whether a POST stays one after 301 and 302. Browsers make a GET of it, and RFC 9110 lets them.
    pub keeps_method: bool,
}

/// What a redirect asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hop {
    /// Where.
    pub url: Uri,
    /// How. Where it is another method than before, there is no body, and what was asked first may have been done.
    pub method: Method,
    /// Whether it is asked of the same origin: scheme, host and port. Others get no credentials.
    pub same_origin: bool,
}

/// Of a request, what another origin may see. All others could be credentials.
const HARMLESS: [HeaderName; 7] = [
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::ACCEPT_LANGUAGE,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_TYPE,
    header::USER_AGENT,
];

/// What describes a body.
const OF_BODY: [HeaderName; 6] = [
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LENGTH,
    header::CONTENT_LOCATION,
    header::CONTENT_TYPE,
    header::TRANSFER_ENCODING,
];

impl Redirects {
    /// What a reply to a request asks for; none where it is no redirect, or one that is not followed: from `https` to
    /// `http`, to another scheme, with user info, or longer than a URL may be.
    #[must_use]
    pub fn hop(&self, head: &ReplyHead, method: &Method, url: &Uri) -> Option<Hop> {
        let status = head.status?;
        let is_post = *method == Method::POST;
        let method = match status {
            303 if *method != Method::HEAD => Method::GET,
            301 | 302 if is_post && !self.keeps_method => Method::GET,
            301 | 302 | 303 | 307 | 308 => method.clone(),
            _ => return None,
        };
        let from = Url::parse(&url.to_string()).ok()?;
        let mut to = from.join(head.headers.get(header::LOCATION)?.to_str().ok()?).ok()?;
        to.set_fragment(None);
        let falls_back = from.scheme() == "https" && to.scheme() != "https";
        let has_user = !to.username().is_empty() || to.password().is_some();
        let is_long = to.as_str().len() > URL_BYTES_MAX;
        if falls_back || has_user || is_long || !["http", "https"].contains(&to.scheme()) {
            return None;
        }
        let same_origin = from.origin() == to.origin();
        Some(Hop { url: String::from(to).parse().ok()?, method, same_origin })
    }
}

impl Hop {
    /// Whether what was asked first may have been done: this asks for its result.
    #[must_use]
    pub fn may_have_acted(&self, asked: &Method) -> bool {
        self.method != *asked
    }

    /// The request that follows another one; without credentials where not all hops were of one origin.
    #[must_use]
    pub fn request<B: Default>(self, before: Request<B>, same_origin: bool) -> Request<B> {
        let (mut parts, mut body) = before.into_parts();
        if self.method != parts.method {
            body = B::default();
            // RFC 9110, section 15.4: what describes a body goes with it.
            OF_BODY.iter().for_each(|name| drop(parts.headers.remove(name)));
        }
        if !same_origin {
            let kept = parts.headers.iter().filter(|(name, _)| HARMLESS.contains(name));
            parts.headers = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
        }
        (parts.method, parts.uri) = (self.method, self.url);
        Request::from_parts(parts, body)
    }
}

#[cfg(test)]
mod tests {
    use fanfare_sdk::ReplyHead;
    use http::{HeaderMap, Method, Request, Uri, header};

    use super::Redirects;

    const ONE: Redirects = Redirects { hops_max: 5, keeps_method: false };

    fn hop(
        redirects: Redirects,
        (method, url): (Method, &str),
        (status, to): (u16, &str),
    ) -> String {
        let url: Uri = url.parse().expect("it is a URI");
        let location = to.parse().expect("it is a value");
        let headers = HeaderMap::from_iter([(header::LOCATION, location)]);
        let Some(hop) = redirects.hop(&ReplyHead::http(status, headers), &method, &url) else {
            return "not followed".to_owned();
        };
        let other = if hop.same_origin { "" } else { ", another origin" };
        let acted = if hop.may_have_acted(&method) { ", may have acted" } else { "" };
        format!("{} {}{other}{acted}", hop.method, hop.url)
    }

    #[track_caller]
    fn check(method: &Method, status: u16, expected: &str) {
        let found = hop(ONE, (method.clone(), "https://a.example/x"), (status, "/y"));
        assert_eq!(found, expected, "{method} {status}");
    }

    #[test]
    fn the_method_follows_from_the_status() {
        check(&Method::POST, 301, "GET https://a.example/y, may have acted");
        check(&Method::POST, 302, "GET https://a.example/y, may have acted");
        check(&Method::POST, 303, "GET https://a.example/y, may have acted");
        check(&Method::POST, 307, "POST https://a.example/y");
        check(&Method::POST, 308, "POST https://a.example/y");
        check(&Method::PUT, 302, "PUT https://a.example/y");
        check(&Method::PUT, 303, "GET https://a.example/y, may have acted");
        check(&Method::HEAD, 303, "HEAD https://a.example/y");
        check(&Method::GET, 303, "GET https://a.example/y");
        for status in [200, 300, 304, 305, 306, 400] {
            check(&Method::POST, status, "not followed");
        }
        let keeps = Redirects { keeps_method: true, ..ONE };
        let post = (Method::POST, "https://a.example/x");
        assert_eq!(hop(keeps, post.clone(), (302, "/y")), "POST https://a.example/y");
        assert_eq!(hop(keeps, post, (303, "/y")), "GET https://a.example/y, may have acted");
    }

    #[track_caller]
    fn leads(from: &str, to: &str, expected: &str) {
        assert_eq!(hop(ONE, (Method::GET, from), (307, to)), expected, "{from} {to}");
    }

    #[test]
    fn where_it_leads_follows_from_both_urls() {
        leads("https://a.example/x/y?q=1", "../z", "GET https://a.example/z");
        leads("https://a.example/x?q=1", "", "GET https://a.example/x?q=1");
        leads("https://a.example/x", "/y#part", "GET https://a.example/y");
        leads("https://a.example/x", "https://A.EXAMPLE:443/y", "GET https://a.example/y");
        leads("https://a.example/x", "//b.example/y", "GET https://b.example/y, another origin");
        leads(
            "https://a.example/x",
            "https://a.example:8443/",
            "GET https://a.example:8443/, another origin",
        );
        leads(
            "https://a.example/x",
            "https://sub.a.example/",
            "GET https://sub.a.example/, another origin",
        );
        leads("http://a.example/x", "https://a.example/", "GET https://a.example/, another origin");
        leads("https://a.example/x", "http://a.example/", "not followed");
        for user in ["u", "u:p", ":p"] {
            leads("http://a.example/x", &format!("http://{user}@a.example/"), "not followed");
        }
        leads("http://a.example/x", "ftp://a.example/", "not followed");
        leads("http://a.example/x", "file:///etc/passwd", "not followed");
        leads("http://a.example/x", "data:,x", "not followed");
        leads("http://a.example/x", "http://", "not followed");
    }

    #[test]
    fn what_is_longer_than_a_url_may_be_is_not_followed() {
        let path = "x".repeat(8_000 - "https://a.example/".len());
        leads("https://a.example/", &path, &format!("GET https://a.example/{path}"));
        leads("https://a.example/", &format!("{path}x"), "not followed");
    }

    #[test]
    fn another_origin_sees_nothing_that_could_be_a_credential() {
        let request = Request::post("https://a.example/x")
            .header("authorization", "canary")
            .header("cookie", "canary")
            .header("x-api-key", "canary")
            .header("webhook-signature", "canary")
            .header("host", "canary")
            .header("content-type", "application/json")
            .body("{}".to_owned())
            .expect("it is a request");
        let url: Uri = "https://a.example/x".parse().expect("it is a URI");
        let to = |status: u16, to: &'static str| {
            let headers = HeaderMap::from_iter([(header::LOCATION, to.parse().expect("a value"))]);
            let head = ReplyHead::http(status, headers);
            let hop = ONE.hop(&head, &Method::POST, &url).expect("it is followed");
            let same_origin = hop.same_origin;
            hop.request(request.clone(), same_origin)
        };
        let other = to(307, "https://b.example/");
        assert_eq!(format!("{:?}", other.headers()), r#"{"content-type": "application/json"}"#);
        assert_eq!(other.body(), "{}");
        let get = to(303, "/y");
        assert_eq!((get.headers().len(), get.body().as_str()), (5, ""), "but for `content-type`");
        assert_eq!(to(303, "https://b.example/").headers().len(), 0);
    }
}
