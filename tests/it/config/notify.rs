//! Whom a route notifies.

use super::{read, route, wrong};

#[test]
fn who_is_notified_fits_the_route() {
    let config = |lines: &str| {
        let found = read(&route(&format!("to: [ a ]\n    notify: {lines}"))).unwrap();
        let notify = found.routes["r"].notify.clone().unwrap();
        let on: Vec<_> = notify.on.iter().map(|occasion| occasion.code()).collect();
        format!("{} on {}", notify.target, on.join(", "))
    };
    assert_eq!(config("b"), "b on verdict, settled");
    assert_eq!(config("{ target: b }"), "b on verdict, settled");
    assert_eq!(config("{ target: b, on: [ settled ] }"), "b on settled");
    let wrong = |to: &str, lines: &str, expected: &[&str]| {
        wrong(&route(&format!("to: [ {to} ]\n    notify: {lines}")), expected);
    };
    wrong("a", "c", &["10:13: routes.r.notify: `c` is not a target"]);
    wrong(
        "a",
        "{ target: a }",
        &[
            "10:23: routes.r.notify.target: `a` is a recipient of this route: who gets the payload is not notified too",
        ],
    );
    wrong(
        "a",
        "{ target: b, on: [ verdict, verdict ] }",
        &["10:41: routes.r.notify.on.1: stands there twice"],
    );
    for (lines, part) in [
        ("{ target: b, on: [ verdikt ] }", ": routes.r.notify.on.0: is not right"),
        ("{ target: b, on: [] }", ": routes.r.notify.on: "),
        ("{ target: b, when: [ settled ] }", ": routes.r.notify.when: is not a known key"),
        ("{ on: [ verdict ] }", ": routes.r.notify.target: is missing"),
        ("[ b ]", ": routes.r.notify: "),
    ] {
        let says = read(&route(&format!("to: [ a ]\n    notify: {lines}"))).err().unwrap();
        assert!(says.contains(part), "{says}");
    }
    let text = "targets:\n  a: { kind: http, url: 'https://a.example/', fallback: [ { target: b } ] }\n  \
                b: { kind: http, url: 'https://b.example/' }\n  \
                c: { kind: http, url: 'https://c.example/', method: GET }\n  \
                ops-hook: { kind: http, url: 'https://ops.example/' }\n\
                routes:\n  r: { to: [ a ], notify: b }\n  s: { to: [ a ], notify: c }\n  \
                t: { to: [ a ], notify: ops-hok }\n";
    super::wrong(
        text,
        &[
            "7:27: routes.r.notify: `b` stands in for `a`: who gets the payload is not notified too",
            "8:27: routes.s.notify: `c` sends no body: a `method` like `POST` would be right",
            "9:27: routes.t.notify: `ops-hok` is not a target: did you mean `ops-hook`?",
        ],
    );
}
