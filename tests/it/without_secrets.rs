//! A configuration is looked at where its secrets are not.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use fanfare::config::load_without_secrets;
use tempfile::TempDir;

use crate::config::kinds;

#[test]
fn the_examples_are_right_without_secrets() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/apis");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut seen = 0;
    for file in files.filter(|file| file.extension().is_some_and(|it| it == "yaml")) {
        let config =
            load_without_secrets(&file, &kinds()).unwrap_or_else(|wrong| panic!("{wrong}"));
        assert_eq!(config.targets.len(), config.fingerprints.targets.len(), "{}", file.display());
        seen += 1;
    }
    assert!(seen > 10, "{seen} examples");
}

const ALL_KINDS_OF_VALUES: &str = r#"
targets:
  a:
    kind: http
    url: ${env:NOT_SET_URL}
    timeout: ${env:NOT_SET_TIMEOUT}
    propagate: ${env:NOT_SET_FLAG}
    queue: ${env:NOT_SET_COUNT}
    body: ${file:not-there.jq}
    headers: { X-A: "is ${env:NOT_SET}" }
    auth: { jwt: { algorithm: RS256, key: "${file:not-there.pem}" } }
    fallback:
      - endpoint: ${env:NOT_SET_B}
      - endpoint: ${env:NOT_SET_C}
      - endpoint: https://c.example/${command:touch run}
  b: { kind: webhook, url: "https://b.example/", secret: "${file:not-there}" }
  c: { kind: slack, webhook: "${env:NOT_SET}" }
routes: { r: { to: [a, b, c] } }
"#;

#[test]
fn what_stands_in_is_what_is_wanted_there() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("f.yaml");
    std::fs::write(&file, ALL_KINDS_OF_VALUES).unwrap();
    let config = load_without_secrets(&file, &kinds()).unwrap();
    let names: Vec<_> = config.targets.iter().map(|it| it.policy.target.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(config.targets[0].policy.fallback.len(), 3);
    assert!(!folder.path().join("run").exists(), "no command is run");
}

#[test]
fn all_else_that_is_wrong_is_told() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("f.yaml");
    let wrong = ALL_KINDS_OF_VALUES
        .replace("X-A: \"is ${env:NOT_SET}\"", "X-A: \"${vault:a}\"")
        .replace("to: [a, b, c]", "to: [a, b, d]")
        .replace("algorithm: RS256", "algorithm: RS25");
    std::fs::write(&file, wrong).unwrap();
    let error = load_without_secrets(&file, &kinds()).unwrap_err();
    let keys: Vec<_> = error.problems.iter().map(|it| it.key.as_str()).collect();
    let expected = ["targets.a.headers.X-A", "targets.a.auth.jwt.algorithm", "routes.r.to.2"];
    assert_eq!(keys, expected, "{error}");
}

fn fanfare(folder: &TempDir, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fanfare"))
        .args(args)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn a_configuration_is_checked_and_explained_without_its_secrets() {
    let folder = TempDir::new().unwrap();
    let text = "targets: { a: { kind: http, url: 'https://a.example/', auth: { bearer: { token: '${env:NOT_SET}' } } } }";
    std::fs::write(folder.path().join("fanfare.yaml"), text).unwrap();
    let status = |args: &[&str]| fanfare(&folder, args).status.code();
    assert_eq!(status(&["check"]), Some(2));
    assert_eq!(status(&["check", "--without-secrets", "--probe"]), Some(2));
    let checked = fanfare(&folder, &["check", "--without-secrets"]);
    let told = String::from_utf8_lossy(&checked.stdout);
    assert_eq!((checked.status.code(), &*told), (Some(0), "fanfare.yaml: 1 target and 0 routes\n"));
    assert_eq!(status(&["explain", "--target", "a", "--script", "200"]), Some(0));
    assert_eq!(status(&["explain", "--target", "a", "--load", "5 at once"]), Some(0));
    assert_eq!(status(&["versions"]), Some(0));
}
