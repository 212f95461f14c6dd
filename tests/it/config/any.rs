//! Any text as a configuration: nothing makes the loader panic, and every mistake has its place.

use proptest::{
    collection::vec,
    prelude::{Just, ProptestConfig, Strategy, any},
    prop_assert, prop_oneof, proptest,
    sample::Index,
};

use super::read;

const RIGHT: &str = include_str!("../../../src/cli/quickstart/fanfare.yaml");
const WRONG: &str = include_str!("everything_wrong.yaml");

/// A text of which some was taken out, put in, or said twice.
fn changed() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[:{}\\[\\]#&*!|>'\"%@`,?-]{1,3}",
        "\\n {0,6}[a-z_]{1,9}: ?",
        "\\$\\{(env|file|x)?:?[A-Za-z]{0,5}\\}?",
        "-?[0-9]{1,20}(ms|s|m|h|d|KiB|%)?",
        "\\PC{0,5}",
        Just("\t".to_owned()),
    ];
    let change = (any::<Index>(), 0_usize..9, piece);
    let text = prop_oneof![Just(RIGHT), Just(WRONG)];
    (text, vec(change, 1..5)).prop_map(|(text, changes)| {
        let mut text: Vec<char> = text.chars().collect();
        for (at, taken, piece) in changes {
            let from = at.index(text.len() + 1);
            let to = (from + taken).min(text.len());
            text.splice(from..to, piece.chars());
        }
        text.into_iter().collect()
    })
}

/// A document with keys that are known, and values of any kind.
fn document() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?[0-9]{1,22}(\\.[0-9]{1,3})?",
        "\"[ -!#-\\[\\]-~]{0,9}\"",
        Just("\"https://a.example/{version}\"".to_owned()),
        Just("\"5s\"".to_owned()),
        Just("http".to_owned()),
        Just("a".to_owned()),
    ];
    let key = prop_oneof![
        4 => "targets|routes|daemon|engine|journal|kind|url|to|body|auth|bearer|token|retry|attempts|backoff|timeout",
        4 => "versions|fallback|headers|query|method|completion|deadline|schema|when|target|classify|status|meaning",
        4 => "breaker|rate_limit|concurrency|hedge|capture|baggage|notify|limits|name|sunset|tls|proxy|redirects|a|http",
        1 => "[a-z~/.]{1,6}",
    ];
    let value = leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|all| format!("[{}]", all.join(", "))),
            vec((key.clone(), inner), 0..5).prop_map(|all| {
                let pairs: Vec<_> =
                    all.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
                format!("{{{}}}", pairs.join(", "))
            }),
        ]
    });
    (value.clone(), value).prop_map(|(targets, routes)| {
        format!("targets:\n  a: {targets}\n  b: {{kind: http, url: \"https://b.example/\"}}\nroutes:\n  r: {routes}\n")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn nothing_makes_the_loader_panic(text in prop_oneof![changed(), document(), "\\PC{0,80}"]) {
        let Err(wrong) = read(&text) else { return Ok(()) };
        prop_assert!(!wrong.is_empty());
        for line in wrong.lines() {
            let mut parts = line.splitn(4, ':');
            let mut number = || parts.next().and_then(|part| part.parse::<usize>().ok());
            prop_assert!(number().is_none(), "the file comes first: {}", line);
            let (at, column) = (number(), number());
            prop_assert!(at.is_some_and(|at| at <= text.lines().count() + 1), "no place: {}", line);
            prop_assert!(column.is_some(), "no column: {}", line);
        }
    }
}
