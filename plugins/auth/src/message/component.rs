//! What of a request is signed (RFC 9421 section 2).

use bytes::Bytes;
use fanfare_sdk::check;
use http::{HeaderName, Request};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The percent-encode set of `application/x-www-form-urlencoded` (URL standard section 1.3).
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');

/// One part of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Component {
    Field(HeaderName),
    Method,
    TargetUri,
    Authority,
    Scheme,
    RequestTarget,
    Path,
    Query,
    /// With the name as it is written in the signature.
    QueryParam(String),
}

// === impl Component ===

impl Component {
    /// Reads one.
    ///
    /// # Errors
    /// When it is no component of a request that can be signed.
    pub(super) fn try_new(text: &str) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix("@query-param;name=\"") {
            let name = name.strip_suffix('"').filter(|name| !name.is_empty());
            let name = name.ok_or("has no name: `@query-param;name=\"…\"` would be right")?;
            return Ok(Self::QueryParam(utf8_percent_encode(name, FORM).to_string()));
        }
        Ok(match text {
            "@method" => Self::Method,
            "@target-uri" => Self::TargetUri,
            "@authority" => Self::Authority,
            "@scheme" => Self::Scheme,
            "@request-target" => Self::RequestTarget,
            "@path" => Self::Path,
            "@query" => Self::Query,
            "content-length" => Self::Field(http::header::CONTENT_LENGTH),
            "host" => return Err("is signed as `@authority`".to_owned()),
            "authorization" | "signature" | "signature-input" => {
                return Err("cannot be signed".to_owned());
            }
            text if text.starts_with('@') => {
                return Err("is no component of a request that is known".to_owned());
            }
            text if text.bytes().any(|it| it.is_ascii_uppercase()) => {
                return Err("is to be written in small letters".to_owned());
            }
            text => Self::Field(check::header_name(text)?),
        })
    }

    /// Its name, and the name of the query's parameter.
    pub(super) fn name(&self) -> (&str, Option<&str>) {
        match self {
            Self::Field(name) => (name.as_str(), None),
            Self::Method => ("@method", None),
            Self::TargetUri => ("@target-uri", None),
            Self::Authority => ("@authority", None),
            Self::Scheme => ("@scheme", None),
            Self::RequestTarget => ("@request-target", None),
            Self::Path => ("@path", None),
            Self::Query => ("@query", None),
            Self::QueryParam(name) => ("@query-param", Some(name)),
        }
    }

    /// Its value; none where the request has none, or more than can be signed.
    pub(super) fn value(&self, request: &Request<Bytes>) -> Option<String> {
        let uri = request.uri();
        Some(match self {
            Self::Field(name) => field(request, name)?,
            Self::Method => request.method().as_str().to_owned(),
            Self::TargetUri => uri.to_string(),
            Self::Authority => uri.authority()?.as_str().to_owned(),
            Self::Scheme => uri.scheme_str()?.to_owned(),
            Self::RequestTarget => uri.path_and_query()?.as_str().to_owned(),
            Self::Path => uri.path().to_owned(),
            Self::Query => format!("?{}", uri.query().unwrap_or("")),
            Self::QueryParam(name) => parameter(uri.query().unwrap_or(""), name)?,
        })
    }
}

/// All values, trimmed, parted by commas (section 2.1).
fn field(request: &Request<Bytes>, name: &HeaderName) -> Option<String> {
    let values = request.headers().get_all(name).iter();
    let values: Option<Vec<_>> = values.map(|it| it.to_str().ok().map(str::trim)).collect();
    values.filter(|values| !values.is_empty()).map(|values| values.join(", "))
}

/// The value of the parameter, encoded anew (section 2.2.8); none where it is there twice.
fn parameter(query: &str, name: &str) -> Option<String> {
    let encoded = |text: &str| utf8_percent_encode(text, FORM).to_string();
    let mut values = form_urlencoded::parse(query.as_bytes())
        .filter(|(key, _)| encoded(key) == name)
        .map(|(_, value)| encoded(&value));
    values.next().filter(|_| values.next().is_none())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Request;

    use super::Component;

    #[track_caller]
    fn check(component: &str, uri: &str, expected: &str) {
        let mut request = Request::get(uri).body(Bytes::new()).expect("it is right");
        for value in [" a", "b, c ", ""] {
            request.headers_mut().append("x-a", value.parse().expect("it is a value"));
        }
        let value = Component::try_new(component).map(|it| it.value(&request));
        let said = value.map_or_else(|says| says, |it| it.unwrap_or_else(|| "none".to_owned()));
        assert_eq!(said, expected);
    }

    #[test]
    fn a_component_has_the_value_of_the_standard() {
        let uri = "https://www.example.com/path?param=value&foo=bar&baz=bat%2Dman";
        check("@method", uri, "GET");
        check("@target-uri", uri, uri);
        check("@authority", uri, "www.example.com");
        check("@scheme", uri, "https");
        check("@request-target", uri, "/path?param=value&foo=bar&baz=bat%2Dman");
        check("@path", uri, "/path");
        check("@query", uri, "?param=value&foo=bar&baz=bat%2Dman");
        check("@query", "https://a.example/path", "?");
        check("@query-param;name=\"baz\"", uri, "bat-man");
        check("@query-param;name=\"qux\"", uri, "none");
        check("@query-param;name=\"a\"", "https://a.example/?a=b&a=c", "none");
        // RFC 9421 section 2.2.8.
        let uri = "https://a.example/p?var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something";
        check("@query-param;name=\"var\"", uri, "this%20is%20a%20big%0Amultiline%20value");
        check("@query-param;name=\"bar\"", uri, "with%20plus%20whitespace");
        check("@query-param;name=\"façade\": \"", uri, "something");
        check("x-a", uri, "a, b, c, ");
        check("x-b", uri, "none");
    }

    #[test]
    fn what_is_no_component_is_said() {
        let uri = "https://a.example/";
        check("@status", uri, "is no component of a request that is known");
        check("X-A", uri, "is to be written in small letters");
        check("host", uri, "is signed as `@authority`");
        check("signature", uri, "cannot be signed");
        check("transfer-encoding", uri, "`transfer-encoding` is set by the engine: leave it out");
        check(
            "@query-param;name=\"\"",
            uri,
            "has no name: `@query-param;name=\"…\"` would be right",
        );
    }
}
