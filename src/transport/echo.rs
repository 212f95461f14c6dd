//! What an API echoes of what proves who we are. It is taken out of the reply before anybody looks at that, and so it is
//! neither kept nor shown nor told.
//!
//! What is written in another way than it was sent is not found: this keeps an honest API from writing down secrets by
//! mistake, and no other.

use std::borrow::Cow;

use fanfare_sdk::{Progress, Reply, ReplyBody, SecretUrl};
use http::{HeaderValue, Request, header};
use memchr::memmem::Finder;
use percent_encoding::percent_decode;

/// Bytes of what is looked for: what is shorter stands anywhere by chance.
const BYTES_MIN: usize = 8;

const REDACTED: &[u8] = b"REDACTED";

/// What proves who we are in one request.
#[derive(Default)]
pub(super) struct Proofs(Vec<Vec<u8>>);

/// Looks also at what has come of a reply when nobody wants to read on: whoever is dropped here drops the exchange first.
pub(super) struct Looking {
    pub(super) proofs: Proofs,
    pub(super) progress: Progress,
}

impl Drop for Looking {
    fn drop(&mut self) {
        if let Some(mut reply) = self.progress.take_cut() {
            self.proofs.take_out(&mut reply);
            self.progress.cut(reply);
        }
    }
}

// === impl Proofs ===

impl Proofs {
    /// Of a request as it leaves, whose query was this before it was authorised.
    pub(super) fn of<T>(request: &Request<T>, query: Option<&str>) -> Self {
        let mut proofs = Self::default();
        let sensitive = request.headers().iter().filter(|(_, value)| value.is_sensitive());
        for (name, value) in sensitive {
            match (name, value.as_bytes()) {
                (&header::COOKIE, value) => {
                    let pairs = value.split(|byte| *byte == b';');
                    pairs.for_each(|pair| proofs.add(after(pair, b'=').unwrap_or(pair)));
                }
                // Behind the name of the scheme.
                (&header::AUTHORIZATION, value) => proofs.add(after(value, b' ').unwrap_or(value)),
                (_, value) => proofs.add(value),
            }
        }
        let now = request.uri().query();
        if now != query {
            let was_there = |pair: &&str| !query.unwrap_or("").split('&').any(|it| it == *pair);
            for pair in now.unwrap_or("").split('&').filter(was_there) {
                proofs.add(after(pair.as_bytes(), b'=').unwrap_or(pair.as_bytes()));
            }
        }
        if request.extensions().get::<SecretUrl>().is_some() {
            proofs.add(request.uri().path().as_bytes());
        }
        proofs
    }

    /// With these.
    pub(super) fn and<'a>(mut self, others: impl Iterator<Item = &'a str>) -> Self {
        others.for_each(|proof| self.add(proof.as_bytes()));
        self
    }

    fn add(&mut self, proof: &[u8]) {
        if proof.len() < BYTES_MIN {
            return;
        }
        // As some write a slash in JSON.
        if proof.contains(&b'/') {
            let parts: Vec<_> = proof.split(|byte| *byte == b'/').collect();
            self.0.push(parts.join(&b"\\/"[..]));
        }
        if let Cow::Owned(decoded) = percent_decode(proof).into()
            && decoded.len() >= BYTES_MIN
        {
            self.0.push(decoded);
        }
        self.0.push(proof.to_owned());
    }

    /// Takes them out of a reply. Where it leads to stays: it is asked for next.
    pub(super) fn take_out(&self, reply: &mut Reply) {
        for proof in &self.0 {
            let finder = Finder::new(proof);
            let values = reply.head.headers.iter_mut();
            for (_, value) in values.filter(|(name, _)| **name != header::LOCATION) {
                let without = without(value.as_bytes(), &finder);
                if let Some(Ok(mut without)) = without.map(|it| HeaderValue::from_bytes(&it)) {
                    without.set_sensitive(value.is_sensitive());
                    *value = without;
                }
            }
            let is_truncated = reply.body.is_truncated();
            let end = if is_truncated { begun(reply.body.bytes(), proof) } else { None };
            let body = reply.body.bytes().slice(..end.unwrap_or(reply.body.bytes().len()));
            let without = without(&body, &finder).map(Into::into);
            if end.is_some() || without.is_some() {
                let body = without.unwrap_or(body);
                reply.body =
                    if is_truncated { ReplyBody::truncated(body) } else { ReplyBody::whole(body) };
            }
        }
    }
}

fn after(text: &[u8], separator: u8) -> Option<&[u8]> {
    let at = text.iter().position(|byte| *byte == separator)?;
    Some(&text[at + 1..])
}

/// The text with another one wherever it was found; none where it was not.
fn without(text: &[u8], proof: &Finder<'_>) -> Option<Vec<u8>> {
    let first = proof.find(text)?;
    let mut without = text[..first].to_vec();
    let mut rest = &text[first..];
    while let Some(at) = proof.find(rest) {
        without.extend_from_slice(&rest[..at]);
        without.extend_from_slice(REDACTED);
        rest = &rest[at + proof.needle().len()..];
    }
    without.extend_from_slice(rest);
    Some(without)
}

/// Where a text that was cut begins to say it.
fn begun(text: &[u8], proof: &[u8]) -> Option<usize> {
    let length = (BYTES_MIN..proof.len()).rev().find(|length| text.ends_with(&proof[..*length]))?;
    Some(text.len() - length)
}

#[cfg(test)]
mod tests {
    use fanfare_sdk::{Reply, ReplyBody, SecretUrl};
    use http::{HeaderMap, HeaderValue, Request, Uri};

    use super::Proofs;

    fn request(headers: &[(&'static str, &'static str)], uri: &'static str) -> Request<()> {
        let mut request = Request::new(());
        *request.uri_mut() = Uri::from_static(uri);
        for (name, value) in headers {
            let mut value = HeaderValue::from_static(value);
            value.set_sensitive(true);
            request.headers_mut().append(*name, value);
        }
        request
    }

    #[track_caller]
    fn check(proofs: &Proofs, said: &str, expected: &str) {
        let headers = HeaderMap::from_iter([
            (http::header::ETAG, said.parse().expect("a value")),
            (http::header::LOCATION, said.parse().expect("a value")),
        ]);
        let mut reply = Reply::http(200, headers, said.to_owned());
        proofs.take_out(&mut reply);
        assert_eq!(reply.body.bytes(), expected.as_bytes());
        let headers = &reply.head.headers;
        assert_eq!(headers["etag"], expected);
        assert_eq!(headers["location"], said);
        assert!(!reply.body.is_truncated());
    }

    #[test]
    fn what_proves_who_we_are_is_taken_out() {
        let bearer = Proofs::of(&request(&[("authorization", "Bearer s3/cret-s3cret")], "/"), None);
        check(&bearer, "nothing of it: s3/cret", "nothing of it: s3/cret");
        check(&bearer, "Bearer s3/cret-s3cret!", "Bearer REDACTED!");
        check(&bearer, r#"s3/cret-s3crets3\/cret-s3cret"#, "REDACTEDREDACTED");
        let many = request(&[("cookie", "a=b; sid=s3cret-s3cret"), ("x-own", "0wn-0wn-0wn")], "/");
        check(&Proofs::of(&many, None), "b 0wn-0wn-0wn s3cret-s3cret", "b REDACTED REDACTED");
        let query = request(&[], "/a?page=nineteen&key=s3cr%C3%A9t-s3cret");
        let query = Proofs::of(&query, Some("page=nineteen"));
        check(&query, "nineteen s3cr%C3%A9t-s3cret", "nineteen REDACTED");
        let short = Proofs::of(&request(&[("authorization", "Bearer s3cret")], "/"), None);
        check(&short, "s3cret", "s3cret");
        let mut slack = request(&[], "/services/s3cret");
        check(&Proofs::of(&slack, None), "/services/s3cret", "/services/s3cret");
        slack.extensions_mut().insert(SecretUrl);
        check(&Proofs::of(&slack, None), "/services/s3cret", "REDACTED");
    }

    #[test]
    fn what_is_decoded_is_found_too() {
        let query = request(&[], "/a?key=s3cr%C3%A9t-s3cret");
        let mut reply = Reply::http(200, HeaderMap::new(), "key s3crét-s3cret");
        Proofs::of(&query, None).take_out(&mut reply);
        assert_eq!(reply.body.bytes(), "key REDACTED");
    }

    #[test]
    fn where_a_body_was_cut_nothing_of_it_is_left() {
        let proofs = Proofs::of(&request(&[("authorization", "Bearer s3cret-s3cret")], "/"), None);
        for (said, expected) in [
            ("s3cret-s3cret and s3cret-s3cre", "REDACTED and "),
            ("as s3cret-s", "as "),
            ("as s3cret-", "as s3cret-"),
        ] {
            let mut reply = Reply::http(200, HeaderMap::new(), "");
            reply.body = ReplyBody::truncated(said);
            proofs.take_out(&mut reply);
            assert_eq!(reply.body.bytes(), expected);
            assert!(reply.body.is_truncated());
        }
    }
}
