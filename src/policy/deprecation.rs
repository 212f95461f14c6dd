//! `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and the links that belong to them (RFC 8288, RFC 5829).

use fanfare_sdk::{Timestamp, http_date};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use sfv::{BareItem, Item, Parser};

use super::links::links;
use crate::report::Notice;

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// Bytes of a link that are kept, and told: a line. Longer ones are left out, since half of one leads nowhere.
const LINK_BYTES_MAX: usize = 1_000;

/// What the headers of a reply to a request to `url` announce; none where they announce nothing.
///
/// Older drafts are understood too: `true` and an HTTP-date for `Deprecation`. Where the sunset comes before the
/// deprecation, neither date is taken.
#[must_use]
pub fn notice(headers: &HeaderMap, url: Option<&Uri>) -> Option<Notice> {
    if !headers.contains_key(DEPRECATION) && !headers.contains_key(SUNSET) {
        return None;
    }
    let mut notice = Notice::default();
    if let Some(value) = headers.get(DEPRECATION) {
        match deprecation(value) {
            Some((at, old)) => {
                (notice.deprecated, notice.deprecated_at, notice.old_form) = (true, at, old);
            }
            None => notice.malformed = true,
        }
    }
    if let Some(value) = headers.get(SUNSET) {
        match date(value) {
            Some((at, old)) => (notice.sunset, notice.old_form) = (Some(at), notice.old_form | old),
            None => notice.malformed = true,
        }
    }
    if notice.deprecated_at.zip(notice.sunset).is_some_and(|(from, to)| to < from) {
        (notice.deprecated_at, notice.sunset, notice.malformed) = (None, None, true);
    }
    for value in headers.get_all(header::LINK) {
        for link in value.to_str().map(links).unwrap_or_default() {
            let place = match link.rel.as_str() {
                "successor-version" | "latest-version" => &mut notice.successor,
                "deprecation" | "sunset" => &mut notice.documentation,
                _ => continue,
            };
            if place.is_none() {
                *place = resolve(url, &link.target);
            }
        }
    }
    Some(notice)
}

/// Since when, none where no date is given; and whether that is the form of an older draft.
fn deprecation(value: &HeaderValue) -> Option<(Option<Timestamp>, bool)> {
    let text = value.to_str().ok()?.trim();
    if let Ok(item) = Parser::new(text).parse::<Item>() {
        return match item.bare_item {
            BareItem::Date(at) => {
                Some((Some(Timestamp::from_secs(at.unix_seconds().into())), false))
            }
            BareItem::Boolean(true) => Some((None, true)),
            BareItem::Token(word) if word.as_str().eq_ignore_ascii_case("true") => {
                Some((None, true))
            }
            _ => None,
        };
    }
    date(value).map(|(at, _)| (Some(at), true))
}

/// An HTTP-date (RFC 9110 section 5.6.7). `UTC` instead of `GMT` is understood too, and said.
fn date(value: &HeaderValue) -> Option<(Timestamp, bool)> {
    let text = value.to_str().ok()?.trim();
    let utc = text.strip_suffix("UTC");
    let text = utc.map_or(text.to_owned(), |start| format!("{start}GMT"));
    Some((http_date(&text)?, utc.is_some()))
}

/// The target of a link, relative to the request. Nothing is taken from a reply that anybody on the way could have
/// written: plain HTTP counts on loopback only.
fn resolve(url: Option<&Uri>, target: &str) -> Option<String> {
    let base = url::Url::parse(&url?.to_string()).ok()?;
    let local = match base.host()? {
        url::Host::Domain(name) => name == "localhost",
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => address.is_loopback(),
    };
    if base.scheme() != "https" && !local {
        return None;
    }
    let mut url = base.join(target).ok().filter(|url| matches!(url.scheme(), "https" | "http"))?;
    // What a secret could stand in.
    url.set_query(None);
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some(String::from(url)).filter(|url| url.len() <= LINK_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use proptest::{
        prelude::{Strategy, any},
        prop_assert, prop_oneof, proptest,
    };

    use serde_json::{Value, json};

    use super::{
        DEPRECATION, HeaderMap, HeaderName, HeaderValue, SUNSET, Timestamp, Uri, header, links,
        notice,
    };

    /// RFC 9745 and RFC 8594: their examples, and what is near them.
    const ANNOUNCED: &str = include_str!("vectors/deprecation_sunset.json");
    /// Of httpwg/structured-field-tests (3-clause BSD, beside it).
    const DATES: &str = include_str!("vectors/structured_date.json");

    #[track_caller]
    fn check(written: &[(&'static str, &str)], expected: &str) {
        let mut headers = HeaderMap::new();
        for (name, value) in written {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        let url = Uri::from_static("https://crm.example/v2/contacts?token=s3cret");
        let secs = |at: Option<Timestamp>| at.map(|at| at.as_micros() / 1_000_000);
        let found = notice(&headers, Some(&url)).map(|it| {
            format!(
                "{} {:?} {:?} {:?} {:?}{}{}",
                it.code(),
                secs(it.deprecated_at),
                secs(it.sunset),
                it.successor.as_deref().unwrap_or("-"),
                it.documentation.as_deref().unwrap_or("-"),
                if it.malformed { " malformed" } else { "" },
                if it.old_form { " old form" } else { "" },
            )
        });
        assert_eq!(found.as_deref().unwrap_or("nothing"), expected, "{written:?}");
    }

    #[test]
    fn dates_are_read() {
        check(&[], "nothing");
        check(&[("deprecation", "@1688169599")], r#"deprecated Some(1688169599) None "-" "-""#);
        check(
            &[("deprecation", "@1688169599"), ("sunset", "Sun, 30 Jun 2024 23:59:59 GMT")],
            r#"deprecated Some(1688169599) Some(1719791999) "-" "-""#,
        );
        check(
            &[("deprecation", "@1688169599"), ("sunset", "Sun, 30 Jun 2024 23:59:59 UTC")],
            r#"deprecated Some(1688169599) Some(1719791999) "-" "-" old form"#,
        );
        check(
            &[("deprecation", "@1719791999"), ("sunset", "Sun, 30 Jun 2024 23:59:59 GMT")],
            r#"deprecated Some(1719791999) Some(1719791999) "-" "-""#,
        );
        check(&[("sunset", "Thu, 01 Jan 1970 00:00:00 GMT")], r#"sunset None Some(0) "-" "-""#);
    }

    #[test]
    fn known_announcements_mean_what_they_mean() {
        let vectors: Value = serde_json::from_str(ANNOUNCED).unwrap();
        let url = Uri::from_static("https://crm.example/v1/x");
        for case in vectors["cases"].as_array().unwrap() {
            let mut headers = HeaderMap::new();
            for (name, value) in case["headers"].as_object().unwrap() {
                let name = HeaderName::try_from(name.to_ascii_lowercase()).unwrap();
                headers.insert(name, value.as_str().unwrap().parse().unwrap());
            }
            let found = notice(&headers, Some(&url)).unwrap_or_default();
            let [from, to] =
                [found.deprecated_at, found.sunset].map(|it| it.map(Timestamp::as_secs));
            match case.get("deprecation_unix") {
                // A lenient reader may know more, and says so.
                Some(Value::Null) => assert!(from.is_none() || found.old_form, "{case}"),
                Some(at) => assert_eq!(from, at.as_i64(), "{case}"),
                None => {}
            }
            if let Some(at) = case.get("sunset_unix") {
                assert_eq!((to, found.old_form), (at.as_i64(), false), "{case}");
            }
            if let Some(at) = case.get("sunset_unix_lenient") {
                assert_eq!((to, found.old_form), (at.as_i64(), true), "{case}");
            }
            if case["note"].as_str().is_some_and(|note| note.contains("trust neither")) {
                assert_eq!((from, to, found.malformed), (None, None, true), "{case}");
            }
            let line = headers.get(header::LINK).map_or("", |line| line.to_str().unwrap());
            let found: Vec<_> = links(line).into_iter().map(|it| [it.rel, it.target]).collect();
            assert_eq!(
                json!(found),
                case.get("links").cloned().unwrap_or_else(|| json!([])),
                "{case}"
            );
        }
    }

    #[test]
    fn a_date_is_one_of_structured_fields() {
        let vectors: Value = serde_json::from_str(DATES).unwrap();
        for case in vectors.as_array().unwrap() {
            let value = case["raw"][0].as_str().unwrap().parse().unwrap();
            let found = notice(&HeaderMap::from_iter([(DEPRECATION, value)]), None).unwrap();
            let expected = case["expected"][0]["value"].as_i64().map(Timestamp::from_secs);
            let refused = found.deprecated_at.is_none() && found.malformed;
            if case["must_fail"] == true {
                assert!(refused, "{case}");
            } else if !(refused && case["can_fail"] == true) {
                assert_eq!((found.deprecated_at, found.old_form), (expected, false), "{case}");
            }
        }
    }

    #[test]
    fn older_drafts_are_understood() {
        check(&[("deprecation", "true")], r#"deprecated None None "-" "-" old form"#);
        check(&[("deprecation", "?1")], r#"deprecated None None "-" "-" old form"#);
        check(
            &[("deprecation", "Sun, 11 Nov 2018 23:59:59 GMT")],
            r#"deprecated Some(1541980799) None "-" "-" old form"#,
        );
        check(
            &[("deprecation", "true"), ("sunset", "Sun, 30 Jun 2024 23:59:59 UTC")],
            r#"deprecated None Some(1719791999) "-" "-" old form"#,
        );
    }

    #[test]
    fn what_makes_no_sense_is_not_taken() {
        check(&[("deprecation", "1688169599")], r#"malformed None None "-" "-" malformed"#);
        check(&[("deprecation", "@1688169599.5")], r#"malformed None None "-" "-" malformed"#);
        check(&[("deprecation", "?0")], r#"malformed None None "-" "-" malformed"#);
        check(&[("deprecation", "soon")], r#"malformed None None "-" "-" malformed"#);
        check(&[("sunset", "soon")], r#"malformed None None "-" "-" malformed"#);
        check(
            &[("deprecation", "@1719792000"), ("sunset", "Fri, 30 Jun 2023 23:59:59 GMT")],
            r#"deprecated None None "-" "-" malformed"#,
        );
    }

    #[test]
    fn links_belong_to_it() {
        check(
            &[
                ("deprecation", "true"),
                (
                    "link",
                    "</v3/x?token=a>; rel=\"successor-version\", <https://e.example/policy>; rel=\"sunset deprecation\"",
                ),
            ],
            r#"deprecated None None "https://crm.example/v3/x" "https://e.example/policy" old form"#,
        );
        check(
            &[("deprecation", "true"), ("link", "<javascript:alert(1)>; rel=deprecation")],
            r#"deprecated None None "-" "-" old form"#,
        );
        check(&[("link", "</v3>; rel=successor-version")], "nothing");
    }

    #[test]
    fn a_link_that_is_too_long_is_left_out() {
        let path = "x".repeat(1_000 - "https://crm.example/".len());
        for (more, expected) in [
            ("", format!("{:?}", format!("https://crm.example/{path}"))),
            ("x", "\"-\"".to_owned()),
        ] {
            let link = format!("</{path}{more}>; rel=successor-version");
            let expected = format!("deprecated None None {expected} \"-\" old form");
            check(&[("deprecation", "true"), ("link", &link)], &expected);
        }
    }

    #[test]
    fn links_over_plain_http_are_not_trusted() {
        let mut headers = HeaderMap::new();
        headers.insert("deprecation", "true".parse().unwrap());
        headers.insert("link", "</v3>; rel=successor-version".parse().unwrap());
        let successor = |url: &'static str| {
            notice(&headers, Some(&Uri::from_static(url))).and_then(|notice| notice.successor)
        };
        assert_eq!(successor("http://crm.example/v2"), None);
        assert_eq!(successor("http://127.0.0.1:80/v2").as_deref(), Some("http://127.0.0.1/v3"));
    }

    /// What such headers hold, nearly, and anything.
    fn value() -> impl Strategy<Value = HeaderValue> {
        let near = prop_oneof![
            "@-?[0-9]{1,16}(;[a-z]=[0-9])?",
            "\\?[01]|true|[0-9]{1,20}|:[A-Za-z0-9=]{0,9}:|\"[ -~]{0,9}\"?",
            "(Sun|Mon), [0-9]{1,2} (Jan|Feb|Nov) [0-9]{1,5} [0-9]{2}:[0-9]{2}:[0-9]{2} (GMT|UTC)",
            "(<[ -~]{0,20}>?; ?(rel|title)=\"?[ -~]{0,20}\"?,? ?){0,4}",
            "<(https?:)?//?[a-z@:.0-9\\[\\]]{0,12}[ -~]{0,9}>; rel=(sunset|deprecation|successor-version)",
        ];
        let bytes = prop_oneof![
            4 => near.prop_map(String::into_bytes),
            1 => proptest::collection::vec(any::<u8>(), 0..40),
        ];
        bytes.prop_filter_map("no header", |bytes| HeaderValue::from_bytes(&bytes).ok())
    }

    proptest! {
        #[test]
        fn nothing_that_is_announced_makes_it_panic(
            deprecation in value(),
            sunset in value(),
            link in value(),
            local: bool,
        ) {
            let here = "http://127.0.0.1/a";
            let url = Uri::from_static(if local { here } else { "https://crm.example/a?key=c4n4ry" });
            let headers = HeaderMap::from_iter([(DEPRECATION, deprecation), (SUNSET, sunset), (header::LINK, link)]);
            let notice = notice(&headers, Some(&url)).expect("there is something");
            if let (Some(from), Some(to)) = (notice.deprecated_at, notice.sunset) {
                prop_assert!(from <= to);
            }
            for link in notice.successor.iter().chain(&notice.documentation) {
                prop_assert!(url::Url::parse(link).is_ok_and(|url| url.query().is_none() && url.username().is_empty()));
            }
            let plain = Uri::from_static("http://crm.example/a");
            let told = super::notice(&headers, Some(&plain)).expect("there is something");
            prop_assert!(told.successor.is_none() && told.documentation.is_none());
        }
    }
}
