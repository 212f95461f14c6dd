//! Texts with places for what is known of a request: what is signed, and the header that carries the signature.

use bytes::Bytes;
use fanfare_sdk::Call;
use http::Request;

/// What a place can be filled with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    Body,
    Host,
    Hmac,
    Id,
    Method,
    Nonce,
    Path,
    Query,
    Signatures,
    Target,
    Timestamp,
    TimestampMs,
}

const PLACES: &[(&str, Place)] = &[
    ("body", Place::Body),
    ("host", Place::Host),
    ("hmac", Place::Hmac),
    ("id", Place::Id),
    ("method", Place::Method),
    ("nonce", Place::Nonce),
    ("path", Place::Path),
    ("query", Place::Query),
    ("signatures", Place::Signatures),
    ("target", Place::Target),
    ("timestamp", Place::Timestamp),
    ("timestamp_ms", Place::TimestampMs),
];

/// A text with places.
#[derive(Clone, Debug)]
pub(super) struct Template(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Place(Place),
}

/// What is known of a request.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    request: &'a Request<Bytes>,
    id: &'a str,
    pub(super) timestamp: String,
    timestamp_ms: String,
    pub(super) nonce: String,
}

// === impl Template ===

impl Template {
    /// Reads it: `{name}` is a place, `{{` and `}}` are braces.
    ///
    /// # Errors
    /// When a brace stands alone, or a place is none that can be filled here.
    pub(super) fn try_new(text: &str, is_known: impl Fn(Place) -> bool) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                literal.push_str(brace);
                rest = after;
                continue;
            }
            let place = rest.split_once('}').filter(|_| brace == "{");
            let Some((name, after)) = place else {
                return Err("has a brace that stands alone: `{{` and `}}` stand for braces".into());
            };
            let known = PLACES.iter().filter(|(_, place)| is_known(*place));
            let Some((_, place)) = known.clone().find(|(known, _)| *known == name) else {
                let known: Vec<_> = known.map(|(known, _)| format!("`{{{known}}}`")).collect();
                return Err(format!("has an unknown place: there are {}", known.join(", ")));
            };
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(Part::Place(*place));
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self(parts))
    }

    pub(super) fn has(&self, wanted: Place) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Place(place) if *place == wanted))
    }

    /// Whether it is the same for every request.
    pub(super) fn is_fixed(&self) -> bool {
        !self.0.iter().any(|part| matches!(part, Part::Place(_)))
    }

    /// Its parts, filled; `made` stands for what is made of the request, and not known of it.
    pub(super) fn filled<'a>(
        &'a self,
        facts: &'a Facts<'_>,
        made: &'a str,
    ) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().map(move |part| match part {
            Part::Text(text) => text.as_bytes(),
            Part::Place(place) => facts.of(*place, made),
        })
    }
}

// === impl Facts ===

impl<'a> Facts<'a> {
    pub(super) fn new(call: &'a Call, request: &'a Request<Bytes>) -> Self {
        let id = call.delivery_id.as_str();
        let timestamp = call.now.as_secs().to_string();
        let timestamp_ms = call.now.as_micros().div_euclid(1_000).to_string();
        Self { request, id, timestamp, timestamp_ms, nonce: hex::encode(call.nonce) }
    }

    fn of<'b>(&'b self, place: Place, made: &'b str) -> &'b [u8] {
        let uri = self.request.uri();
        match place {
            Place::Body => self.request.body(),
            Place::Host => uri.authority().map_or("", |it| it.as_str()).as_bytes(),
            Place::Hmac | Place::Signatures => made.as_bytes(),
            Place::Id => self.id.as_bytes(),
            Place::Method => self.request.method().as_str().as_bytes(),
            Place::Nonce => self.nonce.as_bytes(),
            Place::Path => uri.path().as_bytes(),
            Place::Query => uri.query().unwrap_or("").as_bytes(),
            Place::Target => uri.path_and_query().map_or("/", |it| it.as_str()).as_bytes(),
            Place::Timestamp => self.timestamp.as_bytes(),
            Place::TimestampMs => self.timestamp_ms.as_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, Template};

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let read = Template::try_new(text, |place| matches!(place, Place::Body | Place::Id));
        let said = read.map_or_else(|says| says, |it| format!("{:?}", it.0));
        assert_eq!(said, expected);
    }

    #[test]
    fn a_template_is_read() {
        let alone = "has a brace that stands alone: `{{` and `}}` stand for braces";
        let unknown = "has an unknown place: there are `{body}`, `{id}`";
        check("", "[]");
        check("a{body}", "[Text(\"a\"), Place(Body)]");
        check("{id}.{body}", "[Place(Id), Text(\".\"), Place(Body)]");
        check("{{{id}}}", "[Text(\"{\"), Place(Id), Text(\"}\")]");
        check("é{{id}}", "[Text(\"é{id}\")]");
        check("{id", alone);
        check("id}", alone);
        check("{", alone);
        check("{ID}", unknown);
        check("{}", unknown);
        check("{hmac}", unknown);
    }
}
