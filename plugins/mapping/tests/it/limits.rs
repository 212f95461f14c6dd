//! Bounds: of the output, of depth, of the expression.

use fanfare_mapping::{Filter, Limits, RunError, quickly};
use serde_json::{Value, json};

use crate::parse;

const SMALL: Limits = Limits { output_bytes_max: 20, steps_max: 10_000 };

#[test]
fn an_output_is_bounded() {
    let too_large = RunError::TooLarge { max: 20 };
    let fits = json!("123456789012345678");
    assert_eq!(parse(".").run(&fits, SMALL), Ok(fits.clone()));
    assert_eq!(parse(".").run_bytes(&fits, SMALL).unwrap().len(), 20);
    let over = json!("1234567890123456789");
    assert_eq!(parse(".").run(&over, SMALL), Err(too_large.clone()));
    assert_eq!(parse(".").run_bytes(&over, SMALL), Err(too_large.clone()));
    assert_eq!(parse(". + . + .").run_text(&over, SMALL), Err(too_large.clone()));
    for source in ["[range(1000)]", "{a: [range(1000)]}", r#"{("k" + "123456789012345678901"): 1}"#]
    {
        assert_eq!(parse(source).run(&Value::Null, SMALL), Err(too_large.clone()), "{source}");
        assert_eq!(
            parse(source).run_bytes(&Value::Null, SMALL),
            Err(too_large.clone()),
            "{source}"
        );
    }
    assert_eq!(parse("[range(1000)]").test(&Value::Null, SMALL), Ok(true));
}

/// `[., .]` sixty times over shares its parts: small in memory, and larger than any memory when it is written.
#[test]
fn a_shared_output_is_bounded_while_it_is_written() {
    let max = Limits::default().output_bytes_max;
    let shared = parse("reduce range(60) as $i (1; [., .])");
    assert_eq!(shared.run_bytes(&Value::Null, Limits::default()), Err(RunError::TooLarge { max }));
    assert_eq!(shared.run(&Value::Null, Limits::default()), Err(RunError::TooLarge { max }));
}

/// A text that values are turned into on the way is bounded as the output is: a payload can ask for more than memory has.
#[test]
fn texts_on_the_way_are_bounded() {
    let input = json!({"price": "x", "count": 1_000_000_000_000_000_i64, "list": vec!["aaaaaaaaaaaaaaaa"; 4]});
    let expected = Err(RunError::Failed("a text is larger than an output may be".into()));
    let shared = "reduce range(60) as $i (1; [., .])";
    for source in [
        ".price * .count",
        ".count * .price",
        ".price *= .count",
        ". as {(.price * .count): $x} | $x",
        ".list | join(\",\") | length",
        ".list | tojson | length",
        ".list | \"\\(.)\" | length",
        &format!("{shared} | tostring | length"),
    ] {
        let limits = Limits { output_bytes_max: 64, ..Limits::default() };
        assert_eq!(parse(source).run_bytes(&input, limits), expected, "{source}");
    }
}

#[test]
fn depth_is_bounded() {
    let nest = |depth: usize| parse(&format!("reduce range({depth}) as $i (0; [.])"));
    assert!(nest(64).run(&Value::Null, Limits::default()).is_ok());
    assert!(nest(64).run_bytes(&Value::Null, Limits::default()).is_ok());
    let too_deep = RunError::TooDeep { max: 64 };
    for depth in [65, 100_000] {
        assert_eq!(nest(depth).run(&Value::Null, Limits::default()), Err(too_deep.clone()));
        assert_eq!(nest(depth).run_bytes(&Value::Null, Limits::default()), Err(too_deep.clone()));
        assert_eq!(nest(depth).test(&Value::Null, Limits::default()), Ok(true));
    }
    let objects = parse("reduce range(65) as $i (0; {a: .})");
    assert_eq!(objects.run_bytes(&Value::Null, Limits::default()), Err(too_deep));
}

#[test]
fn the_depth_of_an_input_is_bounded() {
    let nest = |depth: usize| (0..depth).fold(Value::Null, |it, _| json!([it]));
    assert_eq!(parse("length").run(&nest(128), Limits::default()), Ok(json!(1)));
    let too_deep = Err(RunError::TooDeep { max: 128 });
    assert_eq!(parse("length").run(&nest(129), Limits::default()), too_deep);
    // A payload can hold JSON as text, and that can be as deep as it likes.
    let text = json!("[".repeat(100_000));
    let failed = Err(RunError::Failed("the text is not JSON".into()));
    assert_eq!(parse("fromjson").run(&text, Limits::default()), failed);
}

/// Runs on a test's thread, which has 2 MiB of stack: what is not refused must not need more.
#[test]
fn an_expression_is_bounded() {
    #[track_caller]
    fn check(of: impl Fn(usize) -> String, fits: usize, over: usize) {
        let filter = parse(&of(fits));
        filter.run_bytes(&Value::Null, Limits::default()).unwrap();
        let message = Filter::parse(&of(over)).expect_err("it is wrong").message;
        assert!(message.contains("too many") || message.contains("than"), "{message}");
    }
    let list =
        |item: &'static str, separator: &'static str| move |n: usize| vec![item; n].join(separator);
    let bracket = |left: &'static str, right: &'static str| {
        move |n: usize| format!("{}1{}", left.repeat(n), right.repeat(n))
    };
    check(list(".", "|"), 110, 130);
    check(|n| format!("[{}]", list(".[]?", "|")(n)), 100, 130);
    check(|n| format!("[{}]", list("..", "|")(n)), 100, 130);
    check(list("1", "+"), 110, 130);
    check(list("1", ","), 500, 600);
    check(list(".a", ""), 1000, 1100);
    check(|n| format!("[{}]", list("1", ",")(n)), 500, 600);
    check(|n| format!("{{{}}}", list("a:1", ",")(n)), 250, 300);
    check(|n| format!("\"{}\"", list("\\(1)", "x")(n)), 120, 200);
    check(bracket("(", ")"), 64, 65);
    check(bracket("{a:[", "]}"), 32, 33);
    check(bracket("1 as $x|", ""), 120, 130);
    check(bracket("def f:", ";1"), 120, 130);
    check(bracket("if . then ", " end"), 120, 130);
    check(bracket("try ", ""), 120, 130);
    check(bracket("- ", ""), 120, 130);
    check(|n| format!("1{}", " ".repeat(n)), 65_535, 65_536);
}

/// What goes on for ever, or for as long as a payload says, ends; and what the expression catches does not help it.
#[test]
fn steps_are_bounded() {
    let few = Limits { steps_max: 1_000, ..Limits::default() };
    let input = json!({"n": 1_000_000_000_000_u64});
    for source in [
        "def f: f; f",
        "def f: def g: f; g; f",
        "def f: f?; def g: (f, 1) | g; g",
        "def f: try f catch f; f",
        "until(false; .)",
        "last(repeat(1))",
        "[repeat(1)]",
        "[recurse(.)]",
        "[while(true; .)]",
        "[range(.n)]",
        "reduce range(.n) as $i (0; . + $i)",
        "range(.n) | select(. < 0)",
        "last(foreach range(1; infinite) as $i (0; $i))",
        "[limit(.n; repeat(1))]",
        "[label $out | foreach repeat(1) as $i (0; . + 1; if . > 100000 then ., break $out else empty end)]",
        "[1, 2] | [combinations(40)]",
        "path(def f: .a | f; f)",
    ] {
        let run = parse(source).run(&input, few);
        // How deep the calls may be is a matter of the build.
        let over = [RunError::TooLong { max: 1_000 }, RunError::TooDeepCalls].map(Err);
        assert!(over.contains(&run), "{source}: {run:?}");
    }
    for (source, expected) in [
        ("def f: if . > 900 then . else . + 1 | f end; 0 | f", json!(901)),
        ("[range(900)] | length", json!(900)),
        ("def sum: if . == [] then 0 else .[0] + (.[1:] | sum) end; [range(8)] | sum", json!(28)),
        ("[1, 2] | [combinations(3)] | length", json!(8)),
        ("def f: .a; {a: 1} | f |= 2", json!({"a": 2})),
        (
            "def last_one: if .next then .next | last_one else . end; {next: {next: {}}} | last_one = 1",
            json!({"next": {"next": 1}}),
        ),
    ] {
        assert_eq!(parse(source).run(&input, few), Ok(expected), "{source}");
    }
}

/// Runs on a test's thread, which has 2 MiB of stack. Without a bound the process would end.
#[test]
fn calls_are_not_too_deep() {
    let wide =
        ["1", "1 + 1", "(. as $x | [$x, {a: (if true then ($x | tostring) else 1 end)}] | length)"];
    for inner in wide {
        for source in [
            format!("def f: {inner} + f; f"),
            format!("def f: [{inner}, f]; f"),
            format!("def f: {{a: {inner}, b: f}}; f"),
            format!("def f: try ({inner} + f) catch f; f"),
            format!("def f(g): g + f({inner} + g); f(1)"),
            format!("def f: if .n == 0 then 0 else .n -= 1 | {inner} + f end; f"),
        ] {
            let input = json!({"n": 1_000_000});
            let run = parse(&source).run(&input, Limits::default());
            assert_eq!(run, Err(RunError::TooDeepCalls), "{source}");
        }
    }
    let deep = "def f: if . == 0 then 0 else 1 + (. - 1 | f) end; 10 | f";
    assert_eq!(parse(deep).run(&Value::Null, Limits::default()), Ok(json!(10)));
}

/// More outputs than one are not even begun.
#[test]
fn only_the_first_output_is_evaluated() {
    for source in [
        "1, error(\"x\")",
        "1, (def forever: forever; forever)",
        "1, repeat(1)",
        "1 | ., (def forever: forever; forever)",
        "(1, (def forever: forever; forever)) as $x | $x",
        "repeat(1)",
        "range(1; infinite)",
        "if (true, (def forever: forever; forever)) then 1 else 2 end",
    ] {
        assert_eq!(parse(source).run(&Value::Null, Limits::default()), Ok(json!(1)), "{source}");
        assert_eq!(parse(source).test(&Value::Null, Limits::default()), Ok(true), "{source}");
    }
}

/// What stands in another's way comes out as often as the product of both: of two lists of a payload, or of three.
#[test]
fn items_are_counted() {
    let few = Limits { steps_max: 1_000, ..Limits::default() };
    let input = json!({"a": vec![1; 100], "b": vec![1; 100], "o": {"x": {}, "y": {}}});
    let over = Err(RunError::TooLong { max: 1_000 });
    for source in [
        "[.a[] as $x | .b[] | select(. > $x)]",
        "[.a[] + .b[]]",
        "[{ a: .a[], b: .b[] }] | length",
        "[\"\\(.a[]) \\(.b[])\"] | length",
        "[.a[] as $x | .b[]? | $x] | length",
        "[.a | map(.) | .[] as $x | map($x)] | length",
        "[.a[] as $x | .. | $x] | length",
        "[.a[] as $x | recurse | $x] | length",
        "[.a[] as $x | paths | $x] | length",
        "[.a[] as $x | .b | to_entries[] | .value + $x] | length",
        "reduce .a[] as $x (0; . + 1) | [range(901)] | length",
        ".a[] as $x | .b[] |= . + $x | select(false)",
        "[.b[.a[]]] | length as $n | [range(901)] | length",
    ] {
        assert_eq!(parse(source).run(&input, few), over, "{source}");
    }
    for (source, expected) in [
        ("[.a[], .b[]] | length", json!(200)),
        ("[.a[:9][] as $x | .b[] | select(. > $x)]", json!([])),
        ("[.. | numbers] | add", json!(200)),
        (".o[] |= 1 | .o", json!({"x": 1, "y": 1})),
        ("[paths(type == \"object\")]", json!([["o"], ["o", "x"], ["o", "y"]])),
        ("del(.a[], .b) | .a", json!([])),
        ("[.o[].z?]", json!([null, null])),
        ("(.. | select(. == {})) |= 7 | .o", json!({"x": 7, "y": 7})),
        ("[.a[].x?]", json!([])),
    ] {
        assert_eq!(parse(source).run(&input, few), Ok(expected), "{source}");
    }
}

/// The same gives the same, in whatever time; only what takes too long gives nothing.
#[test]
fn what_is_not_quick_is_ended() {
    let quick = parse("[.a[] | { n: . }] | length");
    let input = json!({"a": (0..300).collect::<Vec<_>>()});
    assert_eq!(quickly(|| parse("1 + 1").run(&Value::Null, Limits::default())), Some(Ok(json!(2))));

    let slow = parse("[.a[] as $x | .a[] | select(. == $x)] | length");
    assert_eq!(quickly(|| slow.run(&input, Limits::default())), None);
    // What follows it is not begun anew; and what comes after is not concerned.
    assert_eq!(
        quickly(|| (slow.run(&input, Limits::default()), slow.run(&input, Limits::default()))),
        None
    );
    assert_eq!(slow.run(&input, Limits::default()), Ok(json!(300)));
    assert_eq!(quick.run(&input, Limits::default()), Ok(json!(300)));
    // Nor where the work panicked.
    let panicked = std::panic::catch_unwind(|| quickly(|| panic!("on purpose")));
    assert!(panicked.is_err());
    assert_eq!(slow.run(&input, Limits::default()), Ok(json!(300)));
}
