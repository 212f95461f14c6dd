//! What is said when a run fails: which part of the expression, never what the payload held.

use fanfare_mapping::RunError;

use crate::first;

#[track_caller]
fn fails(input: &str, source: &str, expected: &str) {
    assert_eq!(first(input, source), Err(RunError::Failed(expected.to_owned())), "{source}");
}

#[test]
fn nothing_comes_out() {
    for source in ["empty", ".[]?", "select(false)", ".a?, empty", "label $x | break $x"] {
        assert_eq!(first("5", source), Err(RunError::NoOutput), "{source}");
    }
}

#[test]
fn values_of_the_wrong_kind() {
    fails(r#"{"a": "secret"}"#, ".a.b", "cannot take `b` of a string");
    fails(r#"{"a": ["secret"]}"#, r#".a["b c"]"#, "cannot take `b c` of an array");
    fails(r#"{"a": [1], "k": "secret"}"#, ".k as $k | .a[$k]", "cannot take that part of an array");
    fails(r#"{"a": {"x": "secret"}}"#, ".a[0:2]", "cannot take an object for an array or string");
    fails("5", ".[]", "cannot take a number for an array or object");
    fails("null", "length | keys", "cannot take a number for an array or object");
    fails("true", "length", "a boolean has no length");
    fails("false", ".a", "cannot take `a` of a boolean");
    // However deep it is; jaq writes it by recursion.
    for nest in ["[.]", "{a: .}"] {
        let source = format!("reduce range(6000) as $i (0; {nest}) | . - 1");
        let kind = if nest == "[.]" { "an array" } else { "an object" };
        fails("null", &source, &format!("cannot calculate with {kind}"));
    }
    fails(r#""secret""#, ". - 1", "cannot calculate with a string");
    fails("{}", ".a.b = 1", "cannot take null for an array or object");
    fails("{}", "path(1)", "`path`, `del` or an assignment was given something that is no path");
    fails("[{}]", r#"join(",")"#, "cannot take an object for a string");
    fails("[{}]", "@csv", "@csv and @tsv take strings, numbers, booleans and nulls");
    fails("[1]", "@xml", "@xml takes strings, numbers, booleans and nulls");
    fails(r#""a\u0000b""#, "@xml", "@xml: XML has no such character");
    fails(r#""\ufffe""#, r#"@xml "<a>\(.)</a>""#, "@xml: XML has no such character");
    fails("{}", "@tsv", "@csv and @tsv take an array");
    fails(r#""secret""#, "tonumber", "cannot parse as number");
    fails(r#""{secret""#, "fromjson", "the text is not JSON");
}

#[test]
fn errors_that_the_expression_raises() {
    let hidden = "an error was raised, whose text is not shown: it may hold parts of the payload";
    fails("null", r#"error("no \"country\"")"#, r#"no "country""#);
    fails(r#"{"s": "secret"}"#, r#"error("country \(.s) is unknown")"#, "country …");
    fails(r#"{"s": "secret"}"#, r#"error("\(.s) is unknown")"#, hidden);
    fails(r#"{"s": "secret"}"#, "error(.s)", hidden);
    fails(r#"{"s": "secret"}"#, "error", "an object was raised as an error");
    fails("null", "error", "null was raised as an error");
    fails(r#""secret""#, "fromdate", hidden);
    fails(r#""secret!""#, "@base64d", hidden);
    fails(r#""secret(""#, r#". as $re | "x" | test($re)"#, "a regular expression is invalid");
    fails(r#""x""#, r#"test("x"; "q")"#, "a flag of a regular expression is unknown");
    fails("1e15", "todate", "the time is out of range");
    fails("1000000000000000000", "gmtime", "the time is out of range");
    let time_zone = "`%Q` is not available: time zones differ between machines";
    fails(r#""x""#, r#"strptime("%Y %Q")"#, time_zone);
    fails(r#""x""#, r#"strptime("%-:Q")"#, time_zone);
}

#[test]
fn what_json_cannot_say() {
    let not_finite = "the output has a number that is not finite, which JSON cannot say";
    fails("null", "nan", not_finite);
    fails("null", "[1 / 0]", not_finite);
    fails("1e308", ". * 10", not_finite);
    fails("null", "{a: -infinite} | tojson", "a number is not finite, which JSON cannot say");
    fails("null", "{(1): 2}", "the output has an object with a key that is not a string");
}

#[test]
fn a_message_has_a_bound() {
    let text = "ü".repeat(150);
    let Err(RunError::Failed(message)) = first("null", &format!("error(\"{text}\")")) else {
        panic!("it fails");
    };
    assert_eq!(message, "ü".repeat(100));
    // However large the value at fault is, and were it larger than memory.
    fails(
        "null",
        r#"reduce range(200) as $i ("x"; [., .]) | .a"#,
        "cannot take that part of an array",
    );
}

/// jaq overflows here, which panics in debug builds and is refused as a month in release builds.
#[test]
fn a_panic_is_an_error() {
    assert!(matches!(first("[2024, 127, 1, 0, 0, 0]", "mktime"), Err(RunError::Failed(_))));
}
