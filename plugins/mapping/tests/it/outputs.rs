//! What expressions give: jq's manual, what is ours, and where jaq is not jq.

use crate::first;

#[track_caller]
fn gives(input: &str, source: &str, expected: &str) {
    let output = first(input, source).unwrap_or_else(|error| panic!("{source}: {error}"));
    assert_eq!(output, expected, "{source}");
}

#[test]
fn paths_and_constructors() {
    gives(r#"{"foo": 42, "bar": "less"}"#, ".foo", "42");
    gives(r#"{"notfoo": true}"#, ".foo", "null");
    gives(r#"{"foo": 42}"#, r#".["foo"]"#, "42");
    gives("null", ".a.b.c", "null");
    gives("[1]", "[.[] | .a?]", "[]");
    gives("[1, 2, 3]", ".[-2]", "2");
    gives(r#"["a", "b", "c", "d"]"#, ".[2:]", r#"["c","d"]"#);
    gives(r#""abcdefghi""#, ".[2:4]", r#""cd""#);
    gives("[[1, 2]]", "[..]", "[[[1,2]],[1,2],1,2]");
    gives(
        r#"{"user": "u", "titles": ["JQ", "More"]}"#,
        "[{user, title: .titles[]}]",
        r#"[{"user":"u","title":"JQ"},{"user":"u","title":"More"}]"#,
    );
    gives(r#"{"user": "u", "n": 1}"#, "{(.user): .n}", r#"{"u":1}"#);
    gives(
        r#"{"customer": {"name": "Ada", "email": "a@b"}, "n": 1}"#,
        "{ name: .customer.name, email: .customer.email }",
        r#"{"name":"Ada","email":"a@b"}"#,
    );
}

#[test]
fn calculation_and_comparison() {
    gives(r#"{"a": 7}"#, ".a + 1", "8");
    gives(r#"{"a": 1}"#, ".a + null", "1");
    gives(r#"["x", "y", "z"]"#, r#". - ["y"]"#, r#"["x","z"]"#);
    gives("5", "10 / . * 3", "6");
    gives("null", r#""a, b,c" / ", ""#, r#"["a","b,c"]"#);
    gives("null", "{k: {a: 1, b: 2}} * {k: {a: 0, c: 3}}", r#"{"k":{"a":0,"b":2,"c":3}}"#);
    gives("[[0, 1], {\"a\": 1}, \"a\", null]", "map(length)", "[2,1,1,0]");
    gives("2", r#"if . == 0 then "zero" elif . == 1 then "one" else "many" end"#, r#""many""#);
    gives(
        "null",
        "[true, (true or false), (true and false), (null | not)]",
        "[true,true,false,true]",
    );
    gives("[null, false, 3]", "[.[] // 0, (.[0] // 7)]", "[3,7]");
    gives("[1, 5, 3]", "map(select(. >= 2))", "[5,3]");
    gives(
        r#"["a", 1, [], {}, null, true]"#,
        "sort | map(type)",
        r#"["null","boolean","number","string","array","object"]"#,
    );
}

#[test]
fn arrays_and_objects() {
    gives(r#"{"abc": 1, "abcd": 2, "Foo": 3}"#, "keys", r#"["Foo","abc","abcd"]"#);
    gives("[1, 2, 3]", "add / length", "2");
    gives("[[1, 2], [3]]", "[flatten, any(. == [3]), all(length > 0)]", "[[1,2,3],true,true]");
    gives("[1, 2, 1]", "unique, (group_by(.))", "[1,2]");
    gives(
        r#"[{"k": 2, "v": 1}, {"k": 1, "v": 2}]"#,
        "sort_by(.k), empty",
        r#"[{"k":1,"v":2},{"k":2,"v":1}]"#,
    );
    gives(r#"[{"k": 2}, {"k": 1}]"#, "[min_by(.k), max_by(.k)]", r#"[{"k":1},{"k":2}]"#);
    gives(r#"{"a": 1}"#, "to_entries", r#"[{"key":"a","value":1}]"#);
    gives(
        r#"[{"Name": "a", "Value": 1}, {"key": 2, "value": 3}]"#,
        "from_entries",
        r#"{"a":1,"2":3}"#,
    );
    gives(r#"{"a": 1}"#, r#"with_entries(.key |= "x_" + .)"#, r#"{"x_a":1}"#);
    gives(r#"{"a": [1, 2]}"#, ".a[0] |= . + 1 | .b = 5 | .a[1] *= 10", r#"{"a":[2,20],"b":5}"#);
    gives(r#"{"a": {"b": 1}, "c": 2}"#, "[paths]", r#"[["a"],["a","b"],["c"]]"#);
    gives(r#"{"a": {"b": 1}}"#, r#"[getpath(["a", "b"]), ([leaf_paths] | length)]"#, "[1,1]");
    gives(r#"{"a": 1, "b": 2}"#, "del(.b), pick(.a)", r#"{"a":1}"#);
    gives("[1, [2]]", r#"walk(if type == "number" then . + 1 else . end)"#, "[2,[3]]");
    gives("[3, 4]", "[IN(.[]; 4, 5), (map({id: .}) | INDEX(.id) | keys)]", r#"[true,["3","4"]]"#);
    gives("[[1, 2], [3, 4]]", "transpose", "[[1,3],[2,4]]");
}

#[test]
fn control() {
    gives("[1, 2, 3]", "reduce .[] as $x (0; . + $x)", "6");
    gives("[1, 2, 3]", "[foreach .[] as $x (0; . + $x; [$x, .])]", "[[1,1],[2,3],[3,6]]");
    gives("null", "[limit(3; repeat(1))], error", "[1,1,1]");
    gives(
        "null",
        "[first(range(5; 10)), nth(2; range(10)), (range(3) | select(. > 1))]",
        "[5,2,2]",
    );
    gives("null", r#"[(try error("x") catch .), (error({a: 1})? // 2)]"#, r#"["x",2]"#);
    gives(
        "[[1, 2], [3, 4]]",
        "[.[] as [$a, $b] | {a: $a, $b}]",
        r#"[{"a":1,"b":2},{"a":3,"b":4}]"#,
    );
    gives("[1, null, 2]", "[label $out | .[] | if . == null then break $out else . end]", "[1]");
    gives("3", "def fac: if . <= 1 then 1 else . * (. - 1 | fac) end; fac", "6");
    gives("1", "[while(. < 9; . * 2), until(. > 9; . * 2)]", "[1,2,4,8,16]");
    gives("1", "def now: 5; now", "5");
}

#[test]
fn strings_and_formats() {
    gives(r#""AbC""#, "[ascii_downcase, ascii_upcase]", r#"["abc","ABC"]"#);
    gives(r#"["a", 1, 2.3, true, null, false]"#, r#"join(" ")"#, r#""a 1 2.3 true  false""#);
    gives(r#"[1, "1", [1]]"#, "map(tostring)", r#"["1","1","[1]"]"#);
    gives(r#"["1", 1, "1.5", " 2"]"#, "map(tonumber)", "[1,1,1.5,2]");
    gives(r#""a,b, c""#, r#"[split(","), splits(", *")]"#, r#"[["a","b"," c"],"a","b","c"]"#);
    gives(
        r#""foobar""#,
        r#"[startswith("foo"), ltrimstr("foo"), contains("ob"), index("b")]"#,
        r#"[true,"bar",true,3]"#,
    );
    gives("5", r#"[ltrimstr("a"), trimstr("a")]"#, "[5,5]");
    gives(r#""xyz-12""#, r#"capture("(?<a>[a-z]+)-(?<n>[0-9]+)")"#, r#"{"a":"xyz","n":"12"}"#);
    gives(r#""foo BAR""#, r#"[test("bar"; "i"), (match("o"; "g") | .offset)]"#, "[true,1,2]");
    gives(
        r#""a1b2""#,
        r##"[sub("[0-9]"; "#"), gsub("(?<d>[0-9])"; "<\(.d)>"), [scan("[a-z]")]]"##,
        r##"["a#b2","a<1>b<2>",["a","b"]]"##,
    );
    gives(r#""<a> & 'b' \"c\"""#, "@xml", r#""&lt;a&gt; &amp; &apos;b&apos; &quot;c&quot;""#);
    gives(
        r#"{"x": "a]]>\r\n€", "n": 1.50}"#,
        r#"@xml "<t n='\(.n)'>\(.x)</t>""#,
        r#""<t n='1.5'>a]]&gt;&#13;\n€</t>""#,
    );
    gives(r#"[1, "a\"b", null, true, 1.50]"#, "@csv", r#""1,\"a\"\"b\",,true,1.5""#);
    gives(r#"["a\tb\\", 1, null]"#, "@tsv", r#""a\\tb\\\\\t1\t""#);
    gives(
        r#"["<&>", "ü /", "it's"]"#,
        "[.[0] | @html] + [.[1] | @uri] + [.[2] | @sh]",
        r#"["&lt;&amp;&gt;","%C3%BC%20%2F","'it'\\''s'"]"#,
    );
    gives(
        r#""hi""#,
        r#"[@base64, (@base64 | @base64d), @json, @base64 "x\(.)"]"#,
        r#"["aGk=","hi","\"hi\"","xaGk="]"#,
    );
    gives(r#"{"z": 1, "a": [1.0, null]}"#, "tojson, .", r#""{\"a\":[1.0,null],\"z\":1}""#);
    gives(r#""{\"a\": [1, 2.5]}""#, "fromjson", r#"{"a":[1,2.5]}"#);
    gives("[65]", "[implode, (\"é\" | utf8bytelength, explode)]", r#"["A",2,[233]]"#);
    gives("null", r#""\(10 / 2) \(null) \("x") \({a: 1})""#, r#""5 null x {\"a\":1}""#);
    gives(r#""/w==""#, "@base64d", "\"\u{fffd}\"");
}

#[test]
fn numbers() {
    gives("[9, 2.5, -3.7]", "[(.[0] | sqrt), (.[1] | round), (.[2] | floor, abs)]", "[3,3,-4,3.7]");
    gives("null", "[pow(2; 10), (17 % 5), -(3), ([3, 1] | min)]", "[1024,2,-3,1]");
    gives("18446744073709551615", "[., . - 1]", "[18446744073709551615,18446744073709551614]");
    gives("-9223372036854775808", "[., . - 1]", "[-9223372036854775808,-9.223372036854776e+18]");
    gives("9007199254740993", ". + 0", "9007199254740993");
    gives("[1.0, 1e2, 12.5]", "., map(. + 0)", "[1.0,100.0,12.5]");
    gives("[1.0, 1e2, 12.5]", "map(. * 100)", "[100,10000,1250]");
    gives("0.1", ". + 0.2", "0.30000000000000004");
    gives("null", "[1.10, 1 / 3 * 3, (1 / 0 > 5)]", "[1.1,1,true]");
}

#[test]
fn dates() {
    gives("1425599621", "[todate, date]", r#"["2015-03-05T23:53:41Z","2015-03-05T23:53:41Z"]"#);
    gives(r#""2015-03-05T23:51:47Z""#, "fromdate", "1425599507");
    gives(r#""2024-01-01T00:00:00+01:00[Europe/Berlin]""#, "fromdate", "1704063600");
    gives("1425599621", "gmtime", "[2015,2,5,23,53,41,4,63]");
    gives(
        "1425599621",
        r#"[(gmtime | mktime), strftime("%A, %B %d, %Y %Z")]"#,
        r#"[1425599621,"Thursday, March 05, 2015 UTC"]"#,
    );
    gives(r#""2015-03-05T23:51:47Z""#, r#"strptime("%Y-%m-%dT%H:%M:%SZ") | mktime"#, "1425599507");
}

/// Keys stay as the expression puts them; the payload's come as `serde_json` has them, which is sorted.
#[test]
fn the_order_of_keys() {
    gives("null", "{b: 1, a: 2, c: 3}", r#"{"b":1,"a":2,"c":3}"#);
    gives("null", "{b: 1, a: 2} + {c: 3, b: 4}", r#"{"b":4,"a":2,"c":3}"#);
    gives(r#"{"b": 1, "a": 2}"#, ". + {Z: 0}", r#"{"a":2,"b":1,"Z":0}"#);
    // The last one takes the place of one that is deleted.
    gives("null", "{a: 1, b: 2, c: 3, d: 4} | del(.a)", r#"{"d":4,"b":2,"c":3}"#);
}

/// `*` is ours, and `,` is put into another shape: neither may change what comes out, nor the order.
#[test]
fn what_is_rewritten_means_the_same() {
    gives("[1, 2]", "[.[] * (10, 100)]", "[10,100,20,200]");
    gives("null", "[(1, 2) * (3, 4), 5, (6, 7), 8 | . * 2]", "[6,8,12,16,10,12,14,16]");
    gives("null", "[(1, 2) + (10, 20), (1, 2) * (10, 20)]", "[11,21,12,22,10,20,20,40]");
    gives("[1, 2]", "[.[] *= (2, 3)]", "[[2,4],[3,6]]");
    gives(
        "null",
        r#"["ab" * 3, 2 * "x", "x" * 0, {a: 1} * {b: 2}]"#,
        r#"["ababab","xx",null,{"a":1,"b":2}]"#,
    );
    gives("null", "[1, 2, 3, 4, 5, 6, 7 | select(. % 2 == 1)]", "[1,3,5,7]");
}
