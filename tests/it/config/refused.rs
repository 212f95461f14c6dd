//! What is no configuration, or cannot be meant so: refused by itself, and beside everything else that is wrong.

use std::{path::PathBuf, sync::Arc};

use fanfare::{
    config::{Lookup, Surroundings, load_str},
    policy::Connection,
};

use super::{kinds, read, target, wrong};

/// Each of these, below a target, is told in these words.
#[track_caller]
fn told(cases: &[(&str, &str)]) {
    for (lines, says) in cases {
        let found = read(&target(lines)).err().unwrap_or_default();
        assert!(found.contains(says) && !found.contains("s3cret"), "{lines}:\n{found}");
    }
}

#[test]
fn what_json_does_not_have_is_told_in_our_words() {
    told(&[
        (
            "queue: .nan",
            "has a number here that JSON does not have: neither infinity nor NaN can be sent",
        ),
        ("merge: { a: 1e999 }", "has a number here that JSON does not have"),
        ("merge: &a [*a]", "has an anchor here that contains itself"),
        ("auth: { bearer: { token: !vault s3cret } }", "has a tag here (`!…`), and none is known"),
        ("queue: 1_000", "queue: is text: a whole number would be right"),
        ("\"a\\nb\\e\": 1", r"targets.a.a\nb\u{1b}: is not a known key"),
    ]);
    let deep = format!("merge: {}1{}", "[".repeat(900), "]".repeat(900));
    told(&[(&deep, "is nested too deeply, or too large once its anchors are written out")]);
}

#[test]
fn numbers_and_durations_end_somewhere() {
    told(&[
        ("queue: 4294967296", "targets.a.queue: is more than 4294967295"),
        ("queue: 1e30", "targets.a.queue: is more than 4294967295"),
        ("timeout: 99999d", "targets.a.timeout: is longer than a year"),
        (
            "fallback: [{ park: { for: 99999999999d } }]",
            "targets.a.fallback.0.park.for: is longer than a year",
        ),
        ("fallback: [{ target: a, on: [700, -1] }]", "targets.a.fallback.0.on.0: is more than 599"),
        ("queue: 5.5", "targets.a.queue: is a number: a whole number would be right"),
    ]);
    for (written, queue) in [("5.0", 5), ("017", 17), ("1e3", 1000)] {
        let config = read(&target(&format!("queue: {written}"))).unwrap();
        assert_eq!(config.targets[0].policy.queue_max, queue, "{written}");
    }
}

#[test]
fn one_wrong_item_does_not_hide_what_is_wrong_with_the_others() {
    wrong(
        "targets:\n  a:\n    kind: http\n    url: https://a.example/\n    body:\n      multipart:\n        - { name: '', text: .a }\n        - { name: b }\n        - { name: c, text: '.[' }\n    classify:\n      - { status: 4xx }\n      - { status: 99, meaning: retry }\n      - { status: 5xx, meaning: retry, jq: '.[' }\n",
        &[
            "7:19: targets.a.body.multipart.0.name: is empty",
            "8:11: targets.a.body.multipart.1: has nothing in it: `text`, `json` or `bytes` would be right",
            "9:28: targets.a.body.multipart.2.text: is not jq: the bracket that begins here is never closed, at byte 1",
            "11:9: targets.a.classify.0.meaning: is missing",
            "12:19: targets.a.classify.1.status: is no status from 100 to 599: `429`, `4xx` or `500-504` would be right",
            "13:44: targets.a.classify.2.jq: is not jq: the bracket that begins here is never closed, at byte 1",
        ],
    );
    wrong(
        "targets:\n  a: { kind: http, url: 'https://a.example/{version}', versions: [5, '2', { name: '3', sunset: soon }, '2'] }\n",
        &[
            "2:67: targets.a.versions.0: is a number: text or a map with `name` would be right",
            "2:96: targets.a.versions.2.sunset: is not a date: `2027-06-30` or `2027-06-30T12:00:00Z` (RFC 3339) would be right",
            "2:104: targets.a.versions.3: stands there twice",
        ],
    );
}

#[test]
fn what_is_wrong_is_told_once() {
    let target = |more: &str| {
        format!("targets:\n  a: {{ kind: http, url: 'https://a.example/', {more} }}\n")
    };
    wrong(
        "targets: [a]\n",
        &["1:10: targets: is not a map: names and their settings would be right"],
    );
    wrong(
        &target("auth: { hmac: { secret: 5, header: X, signed: '{body}' } }"),
        &["2:71: targets.a.auth.hmac.secret: is a number: text would be right"],
    );
    wrong(
        &target("auth: { bearer: '${env:UNSET}' }"),
        &[
            "2:63: targets.a.auth.bearer: the environment variable `UNSET` is not set: set it, or write `${env:UNSET:-default}`",
        ],
    );
    wrong(
        &target("auth: { hmac: { preset: paypal, secret: a } }"),
        &[
            "2:71: targets.a.auth.hmac.preset: is not right: `github`, `stripe`, `slack`, `shopify` or `svix` would be",
        ],
    );
    wrong(
        &target(
            "auth: { oauth2: { token_url: 'https://t.example/', client_id: a, client_secret: '${env:UNSET}' } }",
        ),
        &[
            "2:127: targets.a.auth.oauth2.client_secret: the environment variable `UNSET` is not set: set it, or write `${env:UNSET:-default}`",
        ],
    );
    wrong(
        &target("fallback: [{ park: { for: 1h }, on: [] }, { reply: {} }]"),
        &["2:83: targets.a.fallback.0.on: has less than 1 item"],
    );
}

#[test]
fn a_word_that_is_none_of_a_choice_is_named() {
    told(&[
        (
            "auth: { baerer: { token: s3cret } }",
            "targets.a.auth.baerer: is not a known key: did you mean `bearer`?",
        ),
        (
            "auth: [{ bearer: { token: s3cret } }, { basik: {} }]",
            "targets.a.auth.1.basik: is not a known key: did you mean `basic`?",
        ),
        ("body: { from: .text }", "targets.a.body.from: is not a known key: did you mean `form`?"),
        (
            "capture: { detail: .body.errors[0].detail }",
            "; what has `[`, `{`, `,` or `: ` in it needs quotes there",
        ),
        ("method: get", "targets.a.method: is not in capital letters: `GET` would be right"),
    ]);
    let webhook = "targets:\n  a: { kind: webhook, url: 'https://a.example/', secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, versions: ['2'] }\n";
    let found = read(webhook).unwrap_err();
    assert!(
        found.contains("targets.a.versions: mean nothing to this kind of target: leave them out"),
        "{found}"
    );
}

#[test]
fn what_came_by_a_reference_is_in_no_message() {
    told(&[
        (
            "fallback: [{ target: '${env:TOKEN}' }]",
            "targets.a.fallback.0.target: what is referred to is not the name of a target",
        ),
        ("body: '${env:TOKEN} ]'", "targets.a.body: is not jq, at byte"),
        ("headers: { X: { jq: '${env:TOKEN} ]' } }", "targets.a.headers.X.jq: is not jq, at byte"),
        (
            "auth: { bearer: { token: 'pa${s3cret}' } }",
            "targets.a.auth.bearer.token: `${…}` is no reference",
        ),
    ]);
    let routes = format!(
        "{}routes: {{ r: {{ to: ['${{env:TOKEN}}', '${{env:TOKEN}}'], notify: '${{env:TOKEN}}' }} }}\n",
        target("")
    );
    let found = read(&routes).unwrap_err();
    assert_eq!(
        found.matches("what is referred to is not the name of a target").count(),
        3,
        "{found}"
    );
    assert!(!found.contains("s3cret"), "{found}");
}

#[test]
fn who_we_are_and_where_we_go_is_not_left_out_by_being_left_empty() {
    for key in ["auth", "addresses", "proxy", "tls", "unix"] {
        told(&[(&format!("{key}:"), &format!("targets.a.{key}: is empty: "))]);
    }
}

#[test]
fn names_and_forms_are_those_of_what_they_are_for() {
    let two = format!("unix: /{}", "x".repeat(107));
    let socks = |user: &str| {
        format!("proxy: {{ url: 'socks5://p.example:1', user: '{user}', password: p }}")
    };
    let long = socks(&"x".repeat(256));
    told(&[
        ("capture: { 'a b': . }", "targets.a.capture.a b: is not a name"),
        ("unix: ''", "targets.a.unix: is no path of a socket: 1 to 107 bytes would be"),
        (&two, "targets.a.unix: is no path of a socket"),
        ("unix: \"/a\\0\"", "targets.a.unix: is no path of a socket"),
        ("proxy: { url: 'http://p.example/a' }", "proxy.url: has more than a host and a port"),
        ("proxy: { url: 'http://p.example', user: 'a:b' }", "proxy.user: contains a `:`"),
        (
            "proxy: { url: 'http://p.example', user: a, password: \"s3cret\\n\" }",
            "proxy.password: contains a control character",
        ),
        (&long, "proxy.user: has not from 1 to 255 bytes (RFC 1929)"),
    ]);
    let many: Vec<_> = (0..65).map(|at| format!("c{at}: .")).collect();
    told(&[(
        &format!("capture: {{ {} }}", many.join(", ")),
        "targets.a.capture: has more than 64 keys",
    )]);
    read(&target(&socks("me"))).unwrap();
}

#[test]
fn no_two_proofs_are_written_into_one_place() {
    let bearer = "{ bearer: { token: s3cret } }";
    let key = |place: &str| format!("{{ api_key: {{ in: {place}, value: s3cret }} }}");
    let (x, query) = (key("{ header: X-A }"), key("{ query: k }"));
    let says = "writes the header `authorization`, as `auth.0` does: keep one of them";
    told(&[
        (
            &format!("auth: [{bearer}, {{ basic: {{ user: a, password: b }} }}]"),
            &format!("targets.a.auth.1: {says}"),
        ),
        (
            &format!("auth: [{query}, {query}]"),
            "targets.a.auth.1: writes `k` in the query, as `auth.0` does",
        ),
        (
            &format!("idempotency_key: {{ header: x-a }}\n    auth: {x}"),
            "targets.a.idempotency_key.header: is written by `auth`: another one would be right",
        ),
    ]);
    read(&target(&format!(
        "auth: [{bearer}, {x}, {query}]\n    idempotency_key: {{ header: X-A, send: false }}"
    )))
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("r").display().to_string();
    let one = |name: &str, token: &str| {
        format!(
            "  {name}: {{ kind: http, url: 'https://a.example/', auth: {{ oauth2: {{ token_url: 'https://t.example/', client_auth: none, grant: {{ refresh_token: {{ token: {token}, file: '{file}' }} }} }} }} }}\n"
        )
    };
    read(&format!("targets:\n{}{}", one("a", "s3cret"), one("b", "s3cret"))).unwrap();
    let found =
        read(&format!("targets:\n{}{}", one("a", "s3cret"), one("b", "s3cret-2"))).unwrap_err();
    assert!(found.contains("targets.b.auth.oauth2.grant.refresh_token.file: keeps the token of `a`, which is another one"), "{found}");
}

#[test]
fn what_is_made_of_a_payload_is_sent() {
    let none = "is never sent: the `method` carries no body";
    told(&[
        ("method: GET\n    body: .a", &format!("targets.a.body: {none}")),
        ("method: GET\n    compress: gzip", "targets.a.compress: has nothing to compress"),
        (
            "compress: gzip\n    headers: { Content-Encoding: br }",
            "targets.a.compress: writes `content-encoding`, which stands in `headers` too",
        ),
        (
            "headers: { content-type: multipart/form-data }\n    body: { multipart: [{ name: a, text: .a }] }",
            "targets.a.body: has a `content-type` of its own, with the boundary of its parts",
        ),
        (
            "idempotency_key: { body: k }\n    body: { text: .a }",
            "targets.a.body: has no place for `idempotency_key.body`: `json` or `form` has, and `text` has not",
        ),
        (
            "idempotency_key: { body: '/a~2' }",
            "targets.a.idempotency_key.body: is no name and no JSON pointer",
        ),
        (
            "idempotency_key: { header: Content-Type }",
            "targets.a.idempotency_key.header: `content-type` says something else",
        ),
    ]);
    read(&target(
        "idempotency_key: { body: k }\n    cloudevents: structured\n    body: { text: .a }",
    ))
    .unwrap();
}

#[test]
fn a_url_that_is_never_called_is_told() {
    let url =
        |url: &str, more: &str| format!("targets:\n  a: {{ kind: http, url: '{url}'{more} }}\n");
    let check = |text: &str, says: &str| {
        let found = read(text).err().unwrap_or_default();
        assert!(found.contains(says), "{text}:\n{found}");
    };
    let never = "targets.a.url: is never called: ";
    check(
        &url("http://127.0.0.1/", ", addresses: public"),
        &format!("{never}it is not public (loopback)"),
    );
    check(
        &url("http://2130706433/{id}", ", addresses: public, variables: { id: .id }"),
        &format!("{never}it is not public (loopback)"),
    );
    check(
        &url("http://a.example/", ", addresses: { https_only: true }"),
        &format!("{never}`addresses` allows https only"),
    );
    check(
        &url("https://a.example:8443/", ", addresses: { ports: [443] }"),
        &format!("{never}`addresses.ports` does not have 8443"),
    );
    check(&url("http://1.2.3.999/", ""), "targets.a.url: cannot be called: invalid IPv4 address");
    check(
        &url(
            "https://a.example/",
            ", fallback: [{ endpoint: 'https://b.example/{id}{?q:3}' }], variables: { id: .id }",
        ),
        "targets.a.fallback.0.endpoint: uses `q`, which `variables` does not have",
    );
    read(&url("http://127.0.0.1/", "")).unwrap();
    read(&url("https://a.example/{id}", ", addresses: public, variables: { id: .id }")).unwrap();
}

/// A lookup that finds something wrong with every connection.
struct Unconnected;

impl Lookup for Unconnected {
    fn env(&self, _: &str) -> Result<Option<String>, String> {
        Ok(None)
    }

    fn file(&self, _: &str) -> Result<String, String> {
        Err("is not there".to_owned())
    }

    fn unconnected(&self, _: &Arc<Connection>) -> Vec<(&'static str, String)> {
        vec![("tls/ca", "ca.pem: is no file".to_owned())]
    }
}

#[test]
fn files_by_which_it_is_connected_are_told_beside_all_else() {
    let text =
        "targets:\n  a: { kind: http, url: 'https://a.example/', tls: { ca: ca.pem }, queue: 0 }\n";
    let found = load_str("f.yaml", text, &kinds(), &Unconnected).unwrap_err().to_string();
    assert_eq!(
        found,
        "f.yaml:2:58: targets.a.tls.ca: ca.pem: is no file\nf.yaml:2:75: targets.a.queue: is less than 1"
    );
}

#[cfg(unix)]
#[test]
fn a_file_is_read_as_a_secret_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let here = Surroundings::new(folder.path());
    let write = |name: &str, text: &[u8]| std::fs::write(folder.path().join(name), text).unwrap();
    write("marked", "\u{feff}s3cret\r\n".as_bytes());
    assert_eq!(here.file("marked"), Ok("s3cret".to_owned()));
    write("large", &vec![b'a'; (64 << 10) + 1]);
    assert_eq!(here.file("large"), Err("has more than 65536 bytes".to_owned()));
    // What is no file is read, too, as long as something comes.
    let fifo: PathBuf = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let writes = std::thread::spawn(move || std::fs::write(fifo, "s3cret\n"));
    assert_eq!(here.file("pipe"), Ok("s3cret".to_owned()));
    writes.join().unwrap().unwrap();
    assert_eq!(here.file("/dev/zero"), Err("has more than 65536 bytes".to_owned()));
}
