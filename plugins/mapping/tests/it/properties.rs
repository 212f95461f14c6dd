//! For any payload: the same bytes every time, both ways of output agree, and no error tells what the payload held.

use std::sync::LazyLock;

use fanfare_mapping::{Filter, Limits};
use proptest::{
    collection::{btree_map, vec},
    prelude::{Just, Strategy, any, prop_oneof, proptest},
    test_runner::TestCaseError,
};
use serde_json::Value;

use crate::parse;

/// Expressions of all kinds; most payloads fit some of them and fail others.
const SOURCES: &[&str] = &[
    ".",
    "..",
    ".a",
    ".a.b",
    ".[0]",
    "keys",
    "to_entries",
    "[paths]",
    "[..] | sort",
    "group_by(.)",
    "unique",
    "map(. * 2)",
    "with_entries(.value |= tojson)",
    "[.[] | tostring] | join(\",\")",
    "tojson | fromjson",
    "walk(if type == \"number\" then . + 0.5 else . end)",
    "{b: ., a: [.], c: \"x\\(.)\"}",
    ". + .",
    ". - 1",
    ".[\"a\"] = 1",
    "del(.[0])",
    "del(.a)",
    "@csv",
    "@xml",
    "@base64d",
    "todate",
    "fromdate",
    "strptime(\"%Y\")",
    "tonumber",
    "ascii_downcase | test(\"a+\")",
    ". as $re | \"aa\" | test($re)",
    "error",
    "error(.a)",
    "error({a: .})",
    "error(\"got \\(.)\")",
    "try (.a.b.c.d) catch error(.)",
    "implode",
    "splits(.)",
    "ltrimstr(1) | length",
    ".[1:] | first",
    "flatten | add",
    "min_by(.a), max_by(.b)",
    "limit(3; .[])",
    "reduce .[] as [$x, $y] (0; . + $x)",
    "has(\"a\")",
    "getpath([\"a\", 0])",
    "gmtime | mktime",
    "@sh, @html, @uri",
];

/// Marks whatever text and number a payload has, so that it is found in an error.
const MARK: &str = "zq7";

fn payload() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z\\[\\\\(%\"{ü0-9]{0,6}".prop_map(|it| Value::from(format!("{MARK}{it}{MARK}"))),
        "[0-9]{4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::Array),
            btree_map(
                prop_oneof![Just("a".to_owned()), Just("b".to_owned()), Just(MARK.to_owned())],
                inner,
                0..4
            )
            .prop_map(|it| Value::Object(it.into_iter().collect())),
        ]
    })
}

/// Each compiled twice.
static FILTERS: LazyLock<Vec<[Filter; 2]>> =
    LazyLock::new(|| SOURCES.iter().map(|it| [parse(it), parse(it)]).collect());

fn check([filter, same]: &[Filter; 2], input: &Value) -> Result<(), TestCaseError> {
    let source = filter.source();
    let bytes = filter.run_bytes(input, Limits::default());
    // Nothing is left of a run, and nothing depends on what was compiled before.
    for other in [filter, same] {
        let again = other.run_bytes(input, Limits::default());
        proptest::prop_assert_eq!(&again, &bytes, "{}", source);
    }
    match (&bytes, filter.run(input, Limits::default())) {
        (Ok(bytes), Ok(value)) => {
            // Both read from text, which does not keep every float to its last bit.
            let read = |text: &[u8]| serde_json::from_slice::<Value>(text).ok();
            let value = value.to_string();
            proptest::prop_assert_eq!(read(bytes), read(value.as_bytes()), "{}", source);
        }
        (Err(error), Err(other)) => {
            proptest::prop_assert_eq!(error, &other, "{}", source);
            let says = format!("{error} {error:?}");
            proptest::prop_assert!(!says.contains(MARK), "{}: {}", source, says);
            let digits = says.chars().filter(char::is_ascii_digit).count();
            proptest::prop_assert!(digits == 0, "{}: {}", source, says);
        }
        (bytes, value) => {
            proptest::prop_assert!(false, "{source}: {bytes:?} but {value:?}");
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn the_same_payload_gives_the_same_bytes(input in payload()) {
        for filters in FILTERS.iter() {
            check(filters, &input)?;
        }
    }

    #[test]
    fn any_text_is_an_expression_or_refused_where_it_is_wrong(
        source in "([.|,;:?()\\[\\]{}\"\\\\$@#+*/%=<>!& 0-9a-eü-]|as|if|then|else|end|reduce|def|try|label|import|\\\\\\(){0,40}",
    ) {
        if let Err(error) = Filter::parse(&source) {
            proptest::prop_assert!(source.is_char_boundary(error.offset));
            proptest::prop_assert!(!error.message.is_empty());
        }
    }
}
