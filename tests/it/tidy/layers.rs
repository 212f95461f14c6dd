//! A module names modules of lower layers, or its own. Nothing else.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::{
    SourceFile, Violation,
    source::{is_ident, is_punct, line},
};

/// The modules of the library and the program. Those of the same number do not know each other.
const LAYERS: &[(&str, u8)] = &[
    ("sabotage", 0),
    ("report", 1),
    ("policy", 2),
    ("telemetry", 2),
    ("mapping", 2),
    ("config", 3),
    ("transport", 3),
    ("journal", 3),
    ("actor", 4),
    ("wire", 4),
    ("engine", 5),
    ("daemon", 6),
    ("cli", 7),
];

/// The layer whose modules see the crate as its users do, so that they may also name what `lib.rs` re-exports.
const USERS: u8 = 6;

pub(super) fn check(file: &SourceFile) -> Vec<Violation> {
    let Some((home, depth)) = place(&file.path) else { return Vec::new() };
    let Some(own) = layer(&home) else {
        let says = format!("`{home}` has no layer: give it a number in tests/it/tidy/layers.rs");
        return vec![Violation::new(&file.path, 1, says)];
    };
    let mut found = Vec::new();
    for (name, line) in named_from_root(&file.tokens, depth) {
        let says = match layer(&name) {
            _ if name == home => continue,
            None if own >= USERS => continue,
            None => format!("`crate::{name}` is no layer: name it by the module that has it"),
            Some(other) if other < own => continue,
            Some(other) => format!(
                "`{home}` (layer {own}) names `crate::{name}` (layer {other}), but may name lower layers only: \
                 move what it needs down, or hand it in"
            ),
        };
        found.push(Violation::new(&file.path, line, says));
    }
    found
}

fn layer(module: &str) -> Option<u8> {
    LAYERS.iter().find(|(name, _)| *name == module).map(|(_, number)| *number)
}

/// The layer's module that a file of `src` belongs to, and how deep below the crate's root the file's own
/// module is; none for the root itself.
fn place(path: &str) -> Option<(String, usize)> {
    let inside = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let inside = inside.strip_suffix("/mod").unwrap_or(inside);
    let home = inside.split('/').next()?;
    (!["lib", "main"].contains(&inside)).then(|| (home.to_owned(), inside.split('/').count()))
}

/// What follows `crate::`, or as many `super::` as lead there, with its line.
fn named_from_root(tokens: &TokenStream, depth: usize) -> Vec<(String, usize)> {
    let run: Vec<_> = tokens.clone().into_iter().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < run.len() {
        let rest = &run[at..];
        let supers = count_supers(rest);
        if is_ident(rest.first(), "crate") && is_path_sign(&rest[1..]) {
            found.extend(heads(&rest[3..]));
        } else if supers >= depth {
            found.extend(heads(&rest[supers * 3..]));
        }
        if let TokenTree::Group(group) = &rest[0] {
            found.extend(named_from_root(
                &group.stream(),
                depth + usize::from(opens_module(&run, at)),
            ));
        }
        at += (supers * 3).max(1);
    }
    found
}

/// How many `super::` there are at the beginning of a run.
fn count_supers(run: &[TokenTree]) -> usize {
    run.chunks(3).take_while(|it| is_ident(it.first(), "super") && is_path_sign(&it[1..])).count()
}

fn is_path_sign(run: &[TokenTree]) -> bool {
    is_punct(run.first(), ':') && is_punct(run.get(1), ':')
}

/// Whether the group at `at` is the body of `mod name { … }`.
fn opens_module(run: &[TokenTree], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).and_then(|i| run.get(i));
    is_ident(before(2), "mod") && matches!(before(1), Some(TokenTree::Ident(_)))
}

/// The first names behind a `::`: one, or one for each branch of a group.
fn heads(rest: &[TokenTree]) -> Vec<(String, usize)> {
    match rest.first() {
        Some(TokenTree::Ident(name)) => vec![(name.to_string(), line(&rest[0]))],
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
            let branches: Vec<_> = group.stream().into_iter().collect();
            branches.split(|token| is_punct(Some(token), ',')).flat_map(heads).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn a_layer_names_lower_layers_only() {
    #[track_caller]
    fn says(path: &str, text: &str, expected: &str) {
        let file = SourceFile::parse(path, text).expect("the snippet is Rust");
        let found = super::list(check(&file));
        let expected = expected.replace('|', "names `crate::");
        assert!(found.contains(&expected) && found.is_empty() == expected.is_empty(), "{found}");
    }
    says("src/policy/next.rs", "use crate::report::Event;", "");
    says("src/policy/next.rs", "use crate::policy::Plan;", "");
    says(
        "src/policy/next.rs",
        "\nuse crate::actor::Slot;",
        "src/policy/next.rs:2: `policy` (layer 2) |actor`",
    );
    says(
        "src/policy/mod.rs",
        "use crate::telemetry::X;",
        "|telemetry` (layer 2), but may name lower layers only",
    );
    says("src/policy/next.rs", "use crate::{report::A, engine::B};", "|engine` (layer 5)");
    says(
        "src/policy/next.rs",
        "use crate::{\n  report::{A, B},\n  config,\n};",
        "rs:3: `policy` (layer 2) |config`",
    );
    says("src/policy/next.rs", "fn f() { let _ = crate::wire::Report; }", "|wire` (layer 4)");
    says("src/policy/next.rs", "vec![crate::wire::Report];", "|wire` (layer 4)");
    says("src/policy/next.rs", "use super::super::actor::Slot;", "|actor` (layer 4)");
    says("src/policy/next.rs", "mod tests { use super::super::Plan; }", "");
    says(
        "src/policy/next.rs",
        "mod tests { use super::super::super::actor; }",
        "|actor` (layer 4)",
    );
    says("src/policy/mod.rs", "use super::actor::Slot;", "|actor` (layer 4)");
    says("src/engine.rs", "use crate::wire::Report;", "");
    says("src/actor.rs", "use crate::wire::Report;", "|wire` (layer 4)");
    says("src/cli/send.rs", "use crate::{Engine, engine, wire, config};", "");
    says(
        "src/policy/next.rs",
        "use crate::Engine;",
        "`crate::Engine` is no layer: name it by the module",
    );
    says("src/misc/mod.rs", "", "src/misc/mod.rs:1: `misc` has no layer: give it a number");
    says(
        "src/policy/next.rs",
        "//! [`crate::actor`]\npub(crate) fn f() { g(\"crate::actor\") }",
        "",
    );
    says("src/lib.rs", "use crate::actor::Slot;", "");
    says("plugins/sdk/src/call.rs", "use crate::actor::Slot;", "");
}
