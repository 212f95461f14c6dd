//! Each foreign crate that could spread has one home. Elsewhere its name does not occur.

use proc_macro2::TokenTree;

use super::{
    SourceFile, Violation,
    source::{every_run, line},
};

/// Crates, and the modules of `src` that may name them.
const HOMES: &[(&str, &[&str])] = &[
    ("reqwest", &["transport"]),
    ("rustls", &["transport"]),
    ("rustls_platform_verifier", &["transport"]),
    ("ractor", &["actor"]),
    ("clap", &["cli", "daemon"]),
    ("serde_saphyr", &["config"]),
    ("jsonschema", &["config"]),
    ("anstream", &["cli", "daemon"]),
    ("anstyle", &["cli", "daemon"]),
    ("axum", &["cli", "daemon"]),
    ("terminal_size", &["cli"]),
    ("unicode_width", &["cli"]),
];

/// Of `src` and `plugins`; a test pins facts about a crate, and a benchmark runs beside one, by naming it.
pub(super) fn check(file: &SourceFile) -> Vec<Violation> {
    if !["src/", "plugins/"].iter().any(|root| file.path.starts_with(root)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    every_run(&file.tokens, &mut |run| {
        for token in run {
            let TokenTree::Ident(ident) = token else { continue };
            let Some((name, homes)) = HOMES.iter().find(|(name, _)| ident == name) else {
                continue;
            };
            if !homes.iter().any(|home| is_inside(&file.path, home)) {
                let homes = folders(homes);
                let says = format!("`{name}` may be named in {homes} only: call what stands there");
                found.push(Violation::new(&file.path, line(token), says));
            }
        }
    });
    found
}

fn is_inside(path: &str, module: &str) -> bool {
    path.starts_with(&format!("src/{module}/")) || path == format!("src/{module}.rs")
}

fn folders(modules: &[&str]) -> String {
    modules.iter().map(|module| format!("src/{module}")).collect::<Vec<_>>().join(" and ")
}

#[test]
fn a_foreign_crate_stays_at_home() {
    #[track_caller]
    fn says(path: &str, text: &str, expected: &str) {
        let file = SourceFile::parse(path, text).expect("the snippet is Rust");
        assert_eq!(super::list(check(&file)), expected);
    }
    let elsewhere =
        "src/engine.rs:2: `reqwest` may be named in src/transport only: call what stands there";
    says("src/engine.rs", "\nuse reqwest::Client;", elsewhere);
    says("src/engine.rs", "\nfn f(c: &Vec<reqwest::Client>) {}", elsewhere);
    says("src/transport/http.rs", "use reqwest::Client;", "");
    says("src/engine.rs", "// reqwest\nconst A: &str = \"reqwest\";", "");
    says("tests/it/ractor.rs", "use ractor::Actor;", "");
    says(
        "plugins/http/src/lib.rs",
        "use clap::Parser;",
        "plugins/http/src/lib.rs:1: `clap` may be named in src/cli and src/daemon only: call what stands there",
    );
}
