//! What people write: what is right is taken as it was meant, and everything that is wrong is told at once.

mod any;
mod classify;
mod cloud_events;
mod connection;
mod fallback;
mod notify;
mod refused;
mod versions;

use std::{collections::BTreeMap, time::Duration};

use fanfare::{
    config::{Config, DaemonLimits, Lookup, Surroundings, config_schema, load_str},
    sdk::Registry,
};
use serde_json::Value;

use crate::schemas::check_file;

/// Variables and files that a test has.
#[derive(Default)]
pub(crate) struct Given(BTreeMap<&'static str, &'static str>);

impl Lookup for Given {
    fn env(&self, name: &str) -> Result<Option<String>, String> {
        Ok(self.0.get(name).map(|&value| value.to_owned()))
    }

    fn file(&self, path: &str) -> Result<String, String> {
        self.0.get(path).map(|&text| text.to_owned()).ok_or_else(|| "is not there".to_owned())
    }
}

pub(crate) fn kinds() -> Registry {
    fanfare::targets::kinds()
}

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn given() -> Given {
    Given(BTreeMap::from([
        ("TOKEN", "s3cret-token"),
        ("EMPTY", ""),
        ("FOUR", "4"),
        ("NO", "false"),
        ("HOST", "crm.example"),
        ("/run/secrets/audit", SECRET),
        ("CRM_TOKEN", "s3cret-token"),
        ("order.json", r#"{ "required": ["id"] }"#),
        ("odd.yaml", "type: object\nproperties:\n  a: { $ref: 'b.json' }\n  a: {}\nminLength: x\n"),
    ]))
}

fn read(text: &str) -> Result<Config, String> {
    load_str("f.yaml", text, &kinds(), &given()).map_err(|error| error.to_string())
}

const ROUTE: &str = "targets:\n  a: { kind: http, url: 'https://a.example/' }\nroutes:\n  r:\n    to: [a]\n    schema:";

#[test]
fn a_schema_of_a_route_is_checked() {
    let route = |schema: &str| format!("{ROUTE} {schema}\n");
    for schema in ["{ type: object }", "true", "{ file: order.json }"] {
        wrong(&route(schema), &[]);
    }
    wrong(
        &route("\n      type: objct\n      properties: { id: { $ref: 'https://a.example/id' } }"),
        &[
            "7:13: routes.r.schema.type: is not one of `array`, `boolean`, `integer`, `null`, `number`, `object` or `string`",
            "8:33: routes.r.schema.properties.id.$ref: leads out of the document, and nothing is loaded from elsewhere: `#/$defs/…` would be right",
        ],
    );
    wrong(
        &route("{ file: odd.yaml }"),
        &[
            "6:21: routes.r.schema.file: odd.yaml:3:14: properties.a.$ref: leads out of the document, and nothing is loaded from elsewhere: `#/$defs/…` would be right",
            "6:21: routes.r.schema.file: odd.yaml:4:3: properties.a: is given twice: the first one stands in line 3",
            "6:21: routes.r.schema.file: odd.yaml:5:12: minLength: is text: a whole number would be right",
        ],
    );
    wrong(&route("{ file: none.json }"), &["6:21: routes.r.schema.file: `none.json` is not there"]);
    wrong(
        &route("{ file: a, type: object }"),
        &["6:21: routes.r.schema.file: stands alone: the schema is in the file, or here"],
    );
    wrong(&route("{ file: 7 }"), &["6:21: routes.r.schema.file: is a number: text would be right"]);
    wrong(
        &route(""),
        &["6:11: routes.r.schema: is empty: a map or `true` or `false` would be right"],
    );
    wrong(
        &route("text"),
        &["6:13: routes.r.schema: is text: a map or `true` or `false` would be right"],
    );
}

/// What is wrong, a line each, without the file's name.
#[track_caller]
fn wrong(text: &str, expected: &[&str]) {
    let found = read(text).err().unwrap_or_default();
    let found: Vec<_> =
        found.lines().map(|line| line.strip_prefix("f.yaml:").unwrap().trim_start()).collect();
    assert_eq!(found, expected, "\n{text}");
    assert!(!found.concat().contains("s3cret"), "a secret is told");
}

/// A target with these lines more.
fn target(lines: &str) -> String {
    format!("targets:\n  a:\n    kind: http\n    url: https://a.example/\n    {lines}\n")
}

/// Two targets and a route with these lines.
fn route(lines: &str) -> String {
    let b = "  b: { kind: http, url: 'https://b.example/', timeout: 2s }\n";
    format!("{}{b}routes:\n  r:\n    {lines}\n", target("timeout: 5s"))
}

#[test]
fn the_example_of_every_page_is_right() {
    let text = include_str!("../../examples/fanfare.yaml");
    let config = read(text).unwrap();
    let names: Vec<_> = config.targets.iter().map(|it| it.policy.target.as_str()).collect();
    assert_eq!(names, ["audit", "crm"]);
    let crm = &config.targets[1].policy;
    assert_eq!(crm.retry.attempts_max, 4);
    assert_eq!(crm.versions.iter().map(|v| v.as_str()).collect::<Vec<_>>(), ["3", "2"]);
    assert_eq!(crm.fallback.len(), 2);
    let route = &config.routes["signup"];
    assert_eq!(route.recipients.len(), 2);
    assert!(route.recipients[0].required && !route.recipients[1].required);
}

#[test]
fn callers_may_take_what_is_written() {
    let daemon = |lines: &str| format!("{}daemon:\n  limits: {lines}\n", target("timeout: 5s"));
    let limits = read(&daemon("{ connections: 7, wait: 5s, page: 10 }")).unwrap().daemon.limits;
    assert_eq!((limits.connections_max, limits.page_max), (7, 10));
    assert_eq!(limits.wait_max, Duration::from_secs(5));
    assert_eq!(read(&daemon("{}")).unwrap().daemon.limits, DaemonLimits::default());
    wrong(
        &daemon("{ conections: 7, head_timeout: 0s, requests: 0, body_bytes: 2, bodies_bytes: 1 }"),
        &[
            "7:13: daemon.limits.conections: is not a known key: did you mean `connections`?",
            "7:42: daemon.limits.head_timeout: must be longer than zero",
            "7:56: daemon.limits.requests: is less than 1",
            "7:71: daemon.limits.body_bytes: must not be more than `bodies_bytes`, which is for all of them",
        ],
    );
}

#[test]
fn what_is_left_out_is_as_the_engine_has_it() {
    let config = read(&target("")).unwrap();
    let api = fanfare::targets::HttpTarget::post("https://a.example/").unwrap();
    let by_code = fanfare::Target::http("a", api);
    assert_eq!(config.targets[0].policy, *by_code.policy());
}

#[test]
fn json_is_read_too() {
    let text = r#"{ "targets": { "a": { "kind": "http", "url": "https://a.example/" } } }"#;
    assert_eq!(read(text).unwrap().targets.len(), 1);
}

#[test]
fn references_are_looked_up() {
    let text = target("auth: { bearer: { token: '${env:TOKEN}' } }");
    assert!(!format!("{:?}", read(&text).unwrap()).contains("s3cret"));
    let attempts = |written: &str| {
        let config = read(&target(&format!("retry: {{ attempts: '{written}' }}"))).unwrap();
        config.targets[0].policy.retry.attempts_max
    };
    assert_eq!(attempts("${env:FOUR}"), 4);
    assert_eq!(attempts("${env:NOWHERE:-5}"), 5);
    assert_eq!(attempts("${env:EMPTY:-6}"), 6);
    let breaker = read(&target("breaker: '${env:NO}'")).unwrap();
    assert!(breaker.targets[0].policy.gate.breaker.is_none());
    let text = target("auth: { bearer: { token: '${command:printf s3cret}' } }");
    let printed = load_str("f.yaml", &text, &kinds(), &Surroundings::new("")).unwrap();
    assert!(!format!("{printed:?}").contains("s3cret"));
    let text = target("retry: { attempts: '${command:expr 3 + 4}' }");
    let printed = load_str("f.yaml", &text, &kinds(), &Surroundings::new("/")).unwrap();
    assert_eq!(printed.targets[0].policy.retry.attempts_max, 7);
    let url = "targets: { a: { kind: http, url: 'https://${env:HOST}/x' } }";
    assert!(format!("{:?}", read(url).unwrap().targets[0].api).contains("crm.example"));
}

#[test]
fn what_is_not_yaml_is_told_with_its_place() {
    wrong("targets: [", &["1:10: is not YAML: unclosed bracket '['"]);
    wrong("5", &["1:1: is not a map: `targets` and `routes` would be its keys"]);
    wrong("", &["1:1: is not a map: `targets` and `routes` would be its keys"]);
    wrong("targets: {}", &["1:10: targets: has no target: one at least would be right"]);
    wrong("targets: 5", &["1:10: targets: is not a map: names and their settings would be right"]);
}

#[test]
fn odd_documents_get_an_answer_too() {
    wrong("a: 1\n---\nb: 2\n", &["3:1: a second document begins here: one is read"]);
    wrong("targets: { ~: 5 }", &["1:12: has a key here that is not text"]);
    wrong("? [a]\n: 5", &["1:3: has a key here that is not text"]);
    let bomb: String = (0..6)
        .map(|n| {
            format!(
                "x-{}: &{} [{}]\n",
                n + 1,
                "abcdefg".as_bytes()[n + 1] as char,
                format!("*{},", "abcdefg".as_bytes()[n] as char).repeat(9)
            )
        })
        .collect();
    let says = read(&format!("x-0: &a [1,1,1,1,1,1,1,1,1]\n{bomb}")).err().unwrap();
    assert!(says.ends_with("too large once its anchors are written out"), "{says}");
    assert!(read(&format!("x-a: {}{}", "[".repeat(5_000), "]".repeat(5_000))).is_err());
}

#[test]
fn a_form_that_does_not_fit_is_told_where_it_does_not() {
    wrong(
        &target("auth: { bearer: { token: a }, basic: { user: a, password: b } }"),
        &["5:35: targets.a.auth.basic: cannot stand beside `bearer`"],
    );
    wrong(
        &target("auth: [ { bearer: { token: a } }, { oauth: {} } ]"),
        &["5:41: targets.a.auth.1.oauth: is not a known key: did you mean `oauth1`?"],
    );
    wrong(
        &target("auth: [ { bearer: { tokn: a } } ]"),
        &[
            "5:15: targets.a.auth.0.bearer.token: is missing",
            "5:25: targets.a.auth.0.bearer.tokn: is not a known key: did you mean `token`?",
        ],
    );
}

#[test]
fn keys_are_checked() {
    wrong(
        &target("timout: 5s"),
        &["5:5: targets.a.timout: is not a known key: did you mean `timeout`?"],
    );
    wrong(
        &target("methd: PUT"),
        &["5:5: targets.a.methd: is not a known key: did you mean `method`?"],
    );
    wrong("targets:\n  a: { kind: http }", &["2:3: targets.a.url: is missing"]);
    wrong(
        "targets:\n  a: { url: x }",
        &["2:3: targets.a.kind: is missing: `http`, `webhook`, `slack` or `github` would be right"],
    );
    wrong(
        "targets:\n  a: { kind: smtp }",
        &[
            "2:14: targets.a.kind: is not a kind of target: `http`, `webhook`, `slack` or `github` would be",
        ],
    );
    wrong(
        &format!("{}  a: {{ kind: http, url: 'https://b.example/' }}\nrutes: {{}}", target("")),
        &[
            "6:3: targets.a: is given twice: the first one stands in line 2",
            "7:1: rutes: is not a known key: did you mean `routes`?",
        ],
    );
    wrong(
        "targets: { 'a b': { kind: http, url: 'https://a.example/' } }",
        &[
            "1:12: targets.a b: is not a name: letters, digits, `_`, `.` and `-` would be (^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$)",
        ],
    );
    assert!(read(&format!("x-shared: &t 5s\n{}", target("timeout: *t"))).is_ok());
}

#[test]
fn types_are_checked() {
    wrong(
        &target("retry: { attempts: lots }"),
        &["5:24: targets.a.retry.attempts: is text: a whole number would be right"],
    );
    wrong(&target("retry: { attempts: 0 }"), &["5:24: targets.a.retry.attempts: is less than 1"]);
    wrong(
        &target("timeout: 5"),
        &[
            "5:14: targets.a.timeout: is a number: a duration like `250ms`, `5s` or `1m30s` would be right",
        ],
    );
    wrong(
        &target("timeout: soon"),
        &["5:14: targets.a.timeout: is not a duration: `250ms`, `5s` or `1m30s` would be right"],
    );
    wrong(
        &target("version_in: body"),
        &[
            "5:17: targets.a.version_in: is not right: `path` or a map with `header`, `query` or `media_type` would be",
        ],
    );
    wrong(
        &target("breaker: true"),
        &["5:14: targets.a.breaker: is `true`: `false` or a map would be right"],
    );
    wrong(
        &target("retry: { backoff: { initial: 20s, max: 10s } }"),
        &[
            "5:34: targets.a.retry.backoff.initial: `initial` (20s) must not be longer than `max` (10s)",
        ],
    );
    wrong(
        &target("retry: { backoff: { initial: 1s, pauses: [1s] } }"),
        &["5:34: targets.a.retry.backoff.initial: stands beside `pauses`: keep one of them"],
    );
}

#[test]
fn what_is_referred_to_has_to_be_there() {
    wrong(
        &target("auth: { bearer: { token: '${env:UNSET}' } }"),
        &[
            "5:30: targets.a.auth.bearer.token: the environment variable `UNSET` is not set: set it, or write `${env:UNSET:-default}`",
        ],
    );
    wrong(
        "targets: { a: { kind: webhook, url: 'https://a.example/', secret: '${file:nowhere}' } }",
        &["1:67: targets.a.secret: the file `nowhere` is not there"],
    );
    let failing = target("auth: { bearer: { token: '${command:echo s3cret; exit 3}' } }");
    let told = load_str("f.yaml", &failing, &kinds(), &Surroundings::new("")).unwrap_err();
    let expected =
        "f.yaml:5:30: targets.a.auth.bearer.token: the command ended with exit status: 3";
    assert_eq!(told.to_string().lines().next(), Some(expected));
    wrong(
        &target("auth: { bearer: { token: '${command:printf s3cret}' } }"),
        &["5:30: targets.a.auth.bearer.token: the command is not run here"],
    );
    wrong(
        &target("method: '${vault:x}'"),
        &[
            "5:13: targets.a.method: `${vault…}` is no reference: `${env:NAME}`, `${file:PATH}` or `${command:COMMAND}` would be right, and `$${` for the characters themselves",
        ],
    );
}

#[test]
fn urls_and_secrets_are_checked() {
    let url = |url: &str| format!("targets: {{ a: {{ kind: http, url: '{url}' }} }}");
    wrong(&url("a.example/x"), &["1:34: targets.a.url: has no scheme: `https://…` would be right"]);
    wrong(
        &url("https://me:s3cret@a.example/"),
        &["1:34: targets.a.url: has user info: use `auth` (basic), which keeps it secret"],
    );
    wrong(
        &url("https://a.example/?api_key=s3cret"),
        &["1:34: targets.a.url: has a query key that looks like a secret's: use `auth` (api_key)"],
    );
    wrong(
        &target("fallback: [ { endpoint: 'b.example' } ]"),
        &["5:29: targets.a.fallback.0.endpoint: has no scheme: `https://…` would be right"],
    );
    wrong(
        &target("versions: ['2']"),
        &[
            "5:15: targets.a.versions: have no place in its requests: `{version}` in `url`, or `version_in`, would give them one",
        ],
    );
}

#[test]
fn expressions_are_compiled() {
    for (line, key) in [
        ("body: '{ a: '", "body"),
        ("body: { form: '{ a: ' }", "body.form"),
        ("headers: { X-A: { jq: '{ a: ' } }", "headers.X-A.jq"),
        ("query: { q: { jq: '{ a: ' } }", "query.q.jq"),
        ("capture: { id: '{ a: ' }", "capture.id"),
    ] {
        let says = read(&target(line)).err().unwrap();
        assert!(says.contains(&format!(": targets.a.{key}: is not jq: ")), "{says}");
    }
    let says = read(&route("to: [ { target: a, when: '.a |' } ]")).err().unwrap();
    assert!(says.contains(": routes.r.to.0.when: is not jq: "), "{says}");
}

#[test]
fn targets_and_routes_fit_together() {
    wrong(&route("to: [ a, c ]"), &["9:14: routes.r.to.1: `c` is not a target"]);
    wrong(&route("to: [ a, a ]"), &["9:14: routes.r.to.1: `a` is a recipient twice"]);
    wrong(
        &route("to: [ a ]\n    completion: { quorum: 2 }"),
        &["10:27: routes.r.completion.quorum: is larger than the list: 1 would be the most"],
    );
    wrong(
        &route("to: [ a, b ]\n    deadline: 3s"),
        &[
            "10:15: routes.r.deadline: is shorter than one attempt at `a` may take: shorten its `timeout`, or give more time",
        ],
    );
    assert!(read(&route("to: [ { target: a, optional: true }, b ]\n    deadline: 3s")).is_ok());
    wrong(
        &target("fallback: [ { target: b } ]"),
        &["5:27: targets.a.fallback.0.target: `b` is not a target"],
    );
    wrong(
        &target("fallback: [ { target: a } ]"),
        &["5:27: targets.a.fallback.0.target: stands in for itself"],
    );
    let circle = "  b: { kind: http, url: 'https://b.example/', fallback: [ { target: a } ] }\n";
    let circle = format!("{}{circle}", target("fallback: [ version, { target: b } ]"));
    wrong(
        &circle,
        &[
            "5:36: targets.a.fallback.1.target: leads in a circle: from `a` to `b` to `a`",
            "6:69: targets.b.fallback.0.target: leads in a circle: from `b` to `a` to `b`",
        ],
    );
    let b = "  b: { kind: http, url: 'https://b.example/' }\nroutes: { r: { to: [ a, b ] } }\n";
    wrong(
        &format!("{}{b}", target("fallback: [ { target: b } ]")),
        &[
            "7:22: routes.r.to.0: its stand-in `b` is a recipient of this route too, and would get the payload twice",
        ],
    );
}

#[test]
fn what_may_be_under_way_at_once_makes_sense() {
    let below =
        "5:37: targets.a.concurrency.max: is below `initial`: the same or more would be right";
    wrong(&target("concurrency: { initial: 8, max: 7 }"), &[below]);
    assert!(read(&target("concurrency: { initial: 8, max: 8 }")).is_ok());
    let twice =
        "5:12: targets.a.hedge: would send twice what may act twice: `repeat` has to allow it";
    wrong(&target("hedge: { after: 1s }"), &[twice]);
    for after in ["1s", "p95"] {
        let hedge = format!("repeat: same_endpoint\n    hedge: {{ after: {after} }}");
        assert!(read(&target(&hedge)).is_ok());
    }
}

#[test]
fn everything_is_told_in_one_run() {
    let text = include_str!("config/everything_wrong.yaml");
    let says = load_str("fanfare.yaml", text, &kinds(), &given()).err().unwrap().to_string();
    check_file("tests/it/config/everything_wrong.txt", &format!("{says}\n"));
}

#[test]
fn the_schema_for_editors_is_up_to_date() {
    let schema = format!("{:#}\n", config_schema(&kinds()));
    assert!(schema.len() < 300_000, "what all kinds have is written once: {}", schema.len());
    check_file("schemas/config.schema.json", &schema);
}

/// The schema says of good and of bad documents what the loader says of them.
#[test]
fn the_schema_takes_what_the_loader_takes() {
    let schema = jsonschema::validator_for(&config_schema(&kinds())).unwrap();
    let fits = |text: &str| schema.is_valid(&serde_saphyr::from_str::<Value>(text).unwrap());
    assert!(fits(include_str!("../../examples/fanfare.yaml")));
    assert!(fits(&target("")) && fits(&route("to: [ a, { target: b, optional: true } ]")));
    assert!(fits(&format!("x-shared: 5\n{}", target("breaker: false"))));
    for line in [
        "timout: 5s",
        "retry: { attempts: lots }",
        "retry: { attempts: 0 }",
        "timeout: soon",
        "version_in: body",
        "breaker: true",
        "versions: [3]",
        "fallback: [ { endpiont: 'https://b.example' } ]",
        "headers: { X-A: { jq: 5 } }",
    ] {
        assert!(!fits(&target(line)), "{line}");
    }
    assert!(!fits("targets: { a: { kind: smtp } }") && !fits("targets: { a: { kind: http } }"));
    assert!(!fits(&route("to: []")) && !fits(&route("to: [ a ]\n    completion: most")));
}

/// The keys that are reserved for the engine are those that it has.
#[test]
fn the_engines_keys_are_reserved() {
    let schema = fanfare::config::target_schema(kinds().get("webhook").unwrap());
    let own = ["headers", "secret", "secrets", "url"];
    let keys = schema["properties"].as_object().unwrap().keys();
    let engine: Vec<_> = keys.map(String::as_str).filter(|key| !own.contains(key)).collect();
    let mut reserved = fanfare::sdk::RESERVED_KEYS.to_vec();
    reserved.sort_unstable();
    assert_eq!(engine, reserved);
}
