//! What is said about wrong expressions, and where.

use fanfare_mapping::Filter;

#[track_caller]
fn says(source: &str, expected: &str) {
    let error = Filter::parse(source).expect_err("it is wrong");
    assert_eq!(format!("{}: {}", error.offset, error.message), expected, "{source}");
    assert!(source.is_char_boundary(error.offset));
}

#[test]
fn what_does_not_parse() {
    says("", "0: expected an expression, but the expression ends");
    says(". |", "3: expected an expression, but the expression ends");
    says("{ a: 1", "0: the bracket that begins here is never closed");
    says(".a | (.b]", "8: expected `)` to close the `(` at byte 5, but found `]`");
    says(".a)", "2: found `)`, which closes nothing");
    says(".a | \"open", "5: the string that begins here is never closed");
    says("{ ü: 1 }", "2: expected `}` to close the `{` at byte 0, but found `ü`");
    says("{ \"ü\": 1, b 2 }", "13: expected `,` or `}`, but found a number");
    says(".a & .b", "3: found `&`, which has no meaning here");
    says(
        ".a .b | 1 2",
        "10: found a number, where the expression should be over or go on with an operator",
    );
    says(r#""a\qb""#, r"3: unknown escape sequence: write `\\` for a backslash");
    says(
        r#""\ud83d\ude00""#,
        r"3: `\u` takes four hexadecimal digits of one character; write a character beyond U+FFFF as it is",
    );
    says("if . then 1", "11: expected `elif`, `else` or `end`, but the expression ends");
    says("reduce .[] $x (0; .)", "11: expected `as`, but found `$x`");
    says("map(.a; )", "8: expected an expression, but found `)`");
    says("1.", "2: expected a digit, but the expression ends");
    says(". as | 1", "5: expected a variable or a pattern such as `[$x, $y]`, but found `|`");
    says("$", "1: expected a name, but the expression ends");
}

#[test]
fn what_is_not_defined() {
    says(".a | lenght", "5: there is no filter `lenght`");
    says("\"ü\" | map(.a; .b)", "7: `map` takes 1 argument, not 2");
    says("range(1; 2; 3; 4)", "0: `range` takes 1 or 2 or 3 arguments, not 4");
    says("reduce .[] as $x (0)", "0: `reduce` takes 2 arguments");
    says("{a: $x}", "4: the variable `$x` is not defined");
    says("break $out", "6: the label `$out` is not defined");
    says("a::b", "0: modules are not available: there is no `a`");
    says("[.x, nope, also_nope]", "5: there is no filter `nope`");
    says("@base32", "0: there is no filter `@base32`");
    says("tobytes", "0: there is no filter `tobytes`");
}

#[test]
fn what_is_not_available() {
    #[track_caller]
    fn refuses(source: &str, name: &str, why: &str) {
        let at = source.find(name).unwrap();
        says(source, &format!("{at}: `{name}` is not available: {why}"));
    }
    let same_bytes = "the same payload must always give the same bytes";
    refuses("{at: now}", "now", same_bytes);
    refuses("env.HOME", "env", same_bytes);
    refuses("$ENV.HOME", "$ENV", same_bytes);
    let time_zone = "the same payload must give the same bytes in every time zone; take";
    refuses(".at | localtime", "localtime", &format!("{time_zone} `gmtime`"));
    refuses(r#".at | strflocaltime("%H")"#, "strflocaltime", &format!("{time_zone} `strftime`"));
    let one_input = "the payload is the only input, and is `.`";
    refuses("[., input]", "input", one_input);
    refuses("[inputs]", "inputs", one_input);
    let no_effect = "an expression only calculates";
    refuses("debug | .a", "debug", no_effect);
    refuses(r#"debug("x")"#, "debug", no_effect);
    refuses(". | stderr", "stderr", no_effect);
    let no_end = "an expression cannot end the program; take `error`";
    refuses("halt", "halt", no_end);
    refuses(r#""x" | halt_error"#, "halt_error", no_end);
    refuses("halt_error(1)", "halt_error", no_end);
    let no_file = "the payload comes from no file";
    refuses("input_line_number", "input_line_number", no_file);
    refuses("input_filename", "input_filename", no_file);
    refuses("get_search_list", "get_search_list", no_file);
    let alone = "an expression stands alone";
    refuses(r#"import "a" as a; a::b"#, "import", alone);
    refuses(r#" include "a"; ."#, "include", alone);
    refuses("module {}; .", "module", alone);
}

/// jaq's own helpers behind what is refused are gone, too.
#[test]
fn there_is_no_back_door() {
    for name in ["debug_empty", "stderr_empty", "halt(1)", "env", "now", "repl", "read_file"] {
        assert!(Filter::parse(name).is_err(), "{name}");
    }
}
