//! What an embedder builds, with and without the bundled targets, has no command line, no server, no YAML in it.

use std::{collections::BTreeSet, process::Command};

/// What only the program needs.
const PROGRAM_ONLY: &[&str] = &[
    "clap",
    "serde-saphyr",
    "axum",
    "anstream",
    "opentelemetry",
    "opentelemetry-otlp",
    "prometheus",
    "rusqlite",
    "tracing-subscriber",
];

/// The packages that the library is built from, by name. Asks cargo, not the network.
fn packages(features: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--edges",
            "normal",
            "--package",
            "fanfare",
            "--prefix",
            "none",
            "--offline",
            "--locked",
        ])
        .args(features)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo can be run");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo tree {features:?}: {error}");
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn the_library_comes_without_the_program() {
    let program = packages(&[]);
    assert!(program.contains("clap"), "the check sees what the program is built from: {program:?}");
    for features in
        [&["--no-default-features"][..], &["--no-default-features", "--features", "targets"]]
    {
        let library = packages(features);
        assert!(
            library.contains("tokio"),
            "the check sees what the library is built from: {library:?}"
        );
        let strays: Vec<_> = PROGRAM_ONLY.iter().filter(|it| library.contains(**it)).collect();
        assert!(
            strays.is_empty(),
            "{features:?} brings {strays:?}: put them behind the feature `cli`; \
             `cargo tree -e normal -i NAME {}` says who asks for them",
            features.join(" "),
        );
    }
}
