//! The form of a file: its first line, its length, and what must not stand in it.

use proc_macro2::{Delimiter, TokenTree};

use super::{
    SourceFile, Violation,
    source::{every_run, is_ident, is_punct, line},
};

/// Longer than a reader follows.
const LINES_MAX: usize = 500;

pub(super) fn check(file: &SourceFile, roadmap: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    if !file.text.starts_with("//! ") {
        let says = "the first line is to say what the file is for: `//! …`";
        found.push(Violation::new(&file.path, 1, says));
    }
    let lines = file.text.lines().count();
    if lines > LINES_MAX {
        let says = format!("{lines} lines; at most {LINES_MAX}: split it by its nouns");
        found.push(Violation::new(&file.path, lines, says));
    }
    found.extend(promises(file, roadmap));
    if file.path.ends_with("/mod.rs") {
        found.extend(only_a_table_of_contents(file));
    }
    every_run(&file.tokens, &mut |run| {
        for at in 0..run.len() {
            let says = shortcut(&run[at..]).or_else(|| glob_import(&run[at..]));
            found.extend(says.map(|says| Violation::new(&file.path, line(&run[at]), says)));
        }
    });
    found
}

/// A promise in a comment names its entry in the roadmap: promises are kept there.
fn promises(file: &SourceFile, roadmap: &str) -> Vec<Violation> {
    let roadmap = roadmap.to_lowercase();
    let broken = |comment: &str| {
        let (_, after) = comment.split_once("TODO")?;
        let word = after.strip_prefix('(').and_then(|it| it.split_once(')')).map(|(word, _)| word);
        let kept = word.is_some_and(|it| !it.is_empty() && roadmap.contains(&it.to_lowercase()));
        (!kept).then_some("write `TODO(word)`, with a line in docs/roadmap.md that has the word")
    };
    let comments =
        file.text.lines().enumerate().filter_map(|(at, line)| Some((at, line.split_once("//")?.1)));
    comments
        .filter_map(|(at, comment)| Some(Violation::new(&file.path, at + 1, broken(comment)?)))
        .collect()
}

/// Ways to silence the compiler or to leave something undone.
fn shortcut(run: &[TokenTree]) -> Option<&'static str> {
    if ["todo", "unimplemented"].iter().any(|name| is_ident(run.first(), name))
        && is_punct(run.get(1), '!')
    {
        return Some(
            "`todo!` and `unimplemented!` are outcomes nobody modelled: write it, or leave it out",
        );
    }
    let bang = usize::from(is_punct(run.get(1), '!'));
    let (true, Some(TokenTree::Group(attribute))) = (is_punct(run.first(), '#'), run.get(1 + bang))
    else {
        return None;
    };
    let mut says = None;
    every_run(&attribute.stream(), &mut |inner| {
        for pair in inner.windows(2) {
            if is_ident(pair.first(), "allow") && matches!(pair[1], TokenTree::Group(_)) {
                says = Some("write `#[expect(lint, reason = \"…\")]` instead of `allow`");
            }
        }
        if is_ident(inner.first(), "ignore") {
            says = Some("a test that does not run proves nothing: mend it, or remove it");
        }
    });
    says
}

fn glob_import(run: &[TokenTree]) -> Option<&'static str> {
    // `use<'a>` is a bound, not an import.
    if !is_ident(run.first(), "use") || is_punct(run.get(1), '<') {
        return None;
    }
    let import = run.iter().take_while(|token| !is_punct(Some(token), ';')).cloned().collect();
    let mut glob = false;
    every_run(&import, &mut |inner| glob |= inner.iter().any(|token| is_punct(Some(token), '*')));
    glob.then_some("no glob imports: name what is used")
}

/// `mod.rs` says which modules there are and what they show; what they do stands in them.
fn only_a_table_of_contents(file: &SourceFile) -> Option<Violation> {
    let tokens: Vec<_> = file.tokens.clone().into_iter().collect();
    let mut rest = tokens.as_slice();
    while !rest.is_empty() {
        let item = rest;
        rest = skip_attribute(rest);
        if rest.len() < item.len() {
            continue;
        }
        let public = is_ident(rest.first(), "pub");
        if public {
            let scoped = matches!(rest.get(1), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
            rest = &rest[1 + usize::from(scoped)..];
        }
        let end = rest.iter().position(|token| is_punct(Some(token), ';'));
        let module = is_ident(rest.first(), "mod") && end == Some(2);
        let export = public && is_ident(rest.first(), "use");
        match end {
            Some(end) if module || export => rest = &rest[end + 1..],
            _ => {
                let says = "mod.rs holds `mod`, `pub use` and its doc only: move this into a file with a name";
                return Some(Violation::new(&file.path, line(&item[0]), says));
            }
        }
    }
    None
}

fn skip_attribute(run: &[TokenTree]) -> &[TokenTree] {
    let bang = usize::from(is_punct(run.get(1), '!'));
    match (is_punct(run.first(), '#'), run.get(1 + bang)) {
        (true, Some(TokenTree::Group(_))) => &run[2 + bang..],
        _ => run,
    }
}

#[test]
fn a_file_has_its_form() {
    #[track_caller]
    fn says(path: &str, text: &str, expected: &str) {
        let file = SourceFile::parse(path, text).expect("the snippet is Rust");
        let found = super::list(check(&file, "* **Hedging**: a second attempt."));
        assert!(found.contains(expected) && found.is_empty() == expected.is_empty(), "{found}");
    }
    #[track_caller]
    fn body(text: &str, expected: &str) {
        says("src/a.rs", &format!("//! A.\n{text}\n"), expected);
    }
    says(
        "src/a.rs",
        "use std::fmt;\n",
        "src/a.rs:1: the first line is to say what the file is for: `//! …`",
    );
    body(&"\n".repeat(499), "src/a.rs:501: 501 lines; at most 500");
    body(&"\n".repeat(498), "");
    body("#[allow(dead_code)] fn f() {}", "src/a.rs:2: write `#[expect(lint, reason = \"…\")]`");
    body("#![allow(dead_code)]", "instead of `allow`");
    body("#[cfg_attr(test, allow(dead_code))] fn f() {}", "instead of `allow`");
    body("#[expect(dead_code, reason = \"allow(it)\")] fn f() { allow(1) }", "");
    body("fn f() { todo!() }", "src/a.rs:2: `todo!` and `unimplemented!`");
    body("fn f() { unimplemented!(\"x\") }", "outcomes nobody modelled");
    body("#[test]\n#[ignore = \"slow\"]\nfn f() {}", "src/a.rs:3: a test that does not run");
    body("use super::*;", "src/a.rs:2: no glob imports: name what is used");
    body("fn f() { use a::{b, c::*}; }", "no glob imports");
    body("fn f<'a>(x: &'a u8) -> impl Fn() + use<'a> { *x }", "");
    body(concat!("// TO", "DO: hedge"), "src/a.rs:2: write");
    body(concat!("// TO", "DO(streams): later"), "with a line in docs/roadmap.md");
    body(concat!("// TO", "DO(hedging): later"), "");
    let contents =
        "//! A.\n#[cfg(test)]\nmod tests;\npub(crate) mod b;\n/// B.\npub use self::b::{B, C};\n";
    says("src/a/mod.rs", contents, "");
    says(
        "src/a/mod.rs",
        "//! A.\nuse b::B;\n",
        "src/a/mod.rs:2: mod.rs holds `mod`, `pub use` and its doc only",
    );
    says("src/a/mod.rs", "//! A.\nmod b;\npub(crate) fn f() {}\n", "src/a/mod.rs:3: mod.rs holds");
    says("src/a/mod.rs", "//! A.\nmod b { }\nmod c;\n", "src/a/mod.rs:2: mod.rs holds");
}
