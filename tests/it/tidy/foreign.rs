//! Each foreign crate that could spread has one home. Elsewhere its name does not occur.

use proc_macro2::TokenTree;

use super::{
    SourceFile, Violation,
    source::{every_run, line},
};

/// Crates, and where they may be named: modules of `src`, or folders.
const HOMES: &[(&str, &[&str])] = &[
    ("reqwest", &["transport"]),
    ("rustls", &["transport", "src/daemon/tls"]),
    ("tokio_rustls", &["src/daemon/tls"]),
    ("rustls_platform_verifier", &["transport"]),
    ("h2", &["transport"]),
    ("brotli", &["transport"]),
    ("memchr", &["transport"]),
    ("ractor", &["actor"]),
    ("rusqlite", &["journal"]),
    (
        "aws_lc_rs",
        &[
            "transport",
            "src/journal/sqlite/crypto",
            "src/daemon/callers/token",
            "src/daemon/tls",
            "plugins/auth/src",
            "plugins/webhook/src/signature",
        ],
    ),
    ("zeroize", &["src/journal/sqlite/crypto"]),
    ("opentelemetry", &["telemetry", "cli", "daemon"]),
    ("opentelemetry_sdk", &["telemetry", "cli", "daemon"]),
    ("opentelemetry_otlp", &["cli", "daemon"]),
    ("tracing_opentelemetry", &["telemetry", "cli", "daemon"]),
    ("clap", &["cli", "daemon"]),
    ("rustix", &["src/config/command"]),
    ("serde_saphyr", &["config"]),
    ("jsonschema", &["config"]),
    ("anstream", &["cli", "daemon"]),
    ("anstyle", &["cli", "daemon"]),
    ("opentelemetry_prometheus", &["cli", "daemon"]),
    ("prometheus", &["daemon"]),
    ("hyper_util", &["daemon"]),
    ("tracing_subscriber", &["cli"]),
    ("axum", &["cli", "daemon"]),
    ("ratatui", &["cli"]),
    ("terminal_size", &["cli"]),
    ("unicode_width", &["cli"]),
    ("iri_string", &["plugins/http"]),
    ("jsonwebtoken", &["plugins/auth"]),
    ("jaq_core", &["plugins/mapping"]),
    ("jaq_json", &["plugins/mapping"]),
    ("jaq_std", &["plugins/mapping"]),
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

fn is_inside(path: &str, home: &str) -> bool {
    let folder = folder(home);
    path.starts_with(&format!("{folder}/")) || path == format!("{folder}.rs")
}

fn folder(home: &str) -> String {
    if home.contains('/') { home.to_owned() } else { format!("src/{home}") }
}

fn folders(homes: &[&str]) -> String {
    homes.iter().map(|home| folder(home)).collect::<Vec<_>>().join(" and ")
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
    says("plugins/mapping/src/value.rs", "use jaq_json::Val;", "");
    says(
        "plugins/http/src/lib.rs",
        "use jaq_json::Val;",
        "plugins/http/src/lib.rs:1: `jaq_json` may be named in plugins/mapping only: call what stands there",
    );
}
