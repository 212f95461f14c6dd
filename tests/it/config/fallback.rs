//! What is done when a way has failed for good.

use fanfare::policy::FallbackTo;

use super::{read, target, wrong};

#[test]
fn fallbacks_are_words_or_maps() {
    let read = |lines: &str| {
        let config = read(&target(&format!(
            "fallback: {lines}\n  b: {{ kind: http, url: 'https://b.example/' }}"
        )))
        .unwrap();
        let rules = &config.targets[0].policy.fallback;
        let rules = rules.iter().map(|rule| {
            let to = match &rule.to {
                FallbackTo::Version => "version".to_owned(),
                FallbackTo::Endpoint(endpoint) => format!("endpoint {endpoint}"),
                FallbackTo::Target(name) => format!("target {name}"),
                FallbackTo::Reply(reply) => {
                    let headers: Vec<_> = reply.headers.keys().map(|name| name.as_str()).collect();
                    let body = std::str::from_utf8(&reply.body).unwrap();
                    format!("reply {:?} {headers:?} {body}", reply.status)
                }
                FallbackTo::Park(park) => format!("park {:?} {}", park.wait, park.times),
            };
            let attempts = rule.retry.as_ref().map(|retry| retry.attempts_max);
            format!("{to} {:?} {attempts:?} {:?}", rule.on, rule.timeout)
        });
        rules.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(read("[ version ]"), "version [] None None");
    assert_eq!(
        read(
            "[ { version: next, on: [ 5xx, 410, version_rejected ] }, { target: b, on: [ connect ] } ]"
        ),
        "version [Class(5), Status(410), Code(\"version_rejected\")] None None\n\
         target b [Code(\"connect\")] None None"
    );
    assert_eq!(
        read("[ { endpoint: 'https://c.example/', retry: { attempts: 1 }, timeout: 2s } ]"),
        "endpoint https://c.example/ [] Some(1) Some(2s)"
    );
    assert_eq!(
        read(
            "[ { reply: { status: 203, headers: { x-a: b }, body: { ok: false } }, on: [ 422 ] }, { park: { for: 6h } } ]"
        ),
        "reply Some(203) [\"x-a\"] {\"ok\":false} [Status(422)] None None\npark 21600s 1 [] None None"
    );
}

#[test]
fn what_makes_no_sense_of_a_fallback_is_told() {
    let check = |lines: &str, expected: &[&str]| {
        let text = target(&format!("fallback: {lines}"));
        let found = read(&text).err().unwrap_or_default();
        let found: Vec<_> =
            found.lines().map(|line| line.split_once("targets.a.fallback").unwrap().1).collect();
        assert_eq!(found, expected, "{text}");
    };
    check(
        "[ 5, verzion ]",
        &[
            ".0: is a number: `version` or a map would be right",
            ".1: is not right: `version` or a map would be",
        ],
    );
    check(
        "[ {} ]",
        &[
            ".0: names no way: one of `version`, `endpoint`, `target`, `reply` and `park` would be right",
        ],
    );
    check(
        "[ { version: next, reply: {} } ]",
        &[
            ".0: names several ways: one of `version`, `endpoint`, `target`, `reply` and `park` would be right",
        ],
    );
    check(
        "[ { version: next, on: [ conect, 200, 503, '503' ] } ]",
        &[
            ".0.on.0: is no failure: did you mean `connect`?",
            ".0.on.1: is no failure: `connect`, `breaker`, `503` or `5xx` would be right",
            ".0.on.3: stands there twice",
        ],
    );
    check(
        "[ { park: { for: 0s }, timeout: 2s }, version ]",
        &[
            ".0.park.for: is nothing: longer than zero would be right",
            ".0.timeout: cannot stand beside `park`: nothing is sent",
            ".1: is never reached: `fallback.0` always ends the delivery",
        ],
    );
    check("[ { reply: { status: 99 } } ]", &[".0.reply.status: is less than 100"]);
    check(
        "[ { reply: { headers: { 'x a': b } } } ]",
        &[".0.reply.headers.x a: is not the name of a header"],
    );
    check(
        "[ { endpoint: 'https://c.example/', retry: { budget: false } } ]",
        &[".0.retry.budget: belongs to the whole target: not to a fallback"],
    );
    check("[ version, { version: next } ]", &[".1: stands there twice"]);
    check(
        "[ { endpiont: 'https://c.example/' } ]",
        &[".0.endpiont: is not a known key: did you mean `endpoint`?"],
    );
    wrong(
        &target("fallback: [ { target: b, on: [ 5xx ] } ]"),
        &["5:27: targets.a.fallback.0.target: `b` is not a target"],
    );
}
