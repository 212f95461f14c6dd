//! Clients that others' generators make of `schemas/openapi.json`, used against a running daemon.
//!
//! The generators come from PyPI and npm into `target/clients-pypi` and `target/clients-npm` (`.ci/run` puts them there).
//! Where they are not installed the test says so and ends, except in CI, where it fails.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use fanfare_testkit::{MockApi, Scripted};
use tempfile::TempDir;
use tokio::process::Command;

use crate::child::Daemon;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const SAID: &str = "report satisfied crm delivered\nproblem 400 /route\n";

fn target(name: &str) -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or(Path::new(ROOT).join("target"), PathBuf::from).join(name)
}

fn is_there(needed: &Path, what: &str) -> bool {
    let there = needed.exists();
    assert!(there || env::var_os("CI").is_none(), "{} is not there", needed.display());
    if !there {
        eprintln!("skipped: {what} is not installed, `.ci/run` installs it");
    }
    there
}

/// Standard output, where it ends well.
async fn run(command: &mut Command) -> String {
    let output = command.output().await.unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{out}\n{err}");
    out
}

fn python(folder: &Path) -> Command {
    let mut python = Command::new("python3");
    let paths = [folder, &target("clients-pypi")].map(Path::to_path_buf);
    python.env("PYTHONPATH", env::join_paths(paths).unwrap()).env("PYTHONDONTWRITEBYTECODE", "1");
    python
}

async fn daemon(folder: &Path) -> (Daemon, MockApi) {
    let crm = MockApi::start(Scripted::status(201)).await;
    let config = format!("targets: {{ crm: {{ kind: http, url: '{}' }} }}\n", crm.url("/"));
    fs::write(folder.join("fanfare.yaml"), config).unwrap();
    (Daemon::start(folder, &[]).await, crm)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_of_openapi_accepts_the_description() {
    if is_there(&target("clients-pypi/openapi_spec_validator"), "openapi-spec-validator") {
        let description = format!("{ROOT}/schemas/openapi.json");
        let validate = ["-m", "openapi_spec_validator", "--schema", "3.1", &description];
        run(python(Path::new(ROOT)).args(validate)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_in_python_sends_and_reads_the_report() {
    if !is_there(&target("clients-pypi/openapi_python_client"), "openapi-python-client") {
        return;
    }
    let folder = TempDir::new().unwrap();
    let made = folder.path().join("fanfare_client").display().to_string();
    run(python(folder.path())
        .args(["-m", "openapi_python_client", "generate", "--meta", "none"])
        .args(["--path", &format!("{ROOT}/schemas/openapi.json"), "--output-path", &made])
        .args(["--config", &format!("{ROOT}/tests/it/clients/openapi-python-client.yaml")])
        .arg("--fail-on-warning"))
    .await;
    let (daemon, crm) = daemon(folder.path()).await;
    let url = format!("http://{}", daemon.address);
    let script = format!("{ROOT}/tests/it/clients/fanfare.py");
    assert_eq!(run(python(folder.path()).args([&script, &url])).await, SAID);
    assert_eq!(crm.received()[0].body, r#"{"from":"python"}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_in_typescript_sends_and_reads_the_report() {
    let tools = target("clients-npm/node_modules");
    if !is_there(&tools.join("openapi-typescript"), "openapi-typescript") {
        return;
    }
    let folder = TempDir::new().unwrap();
    for name in ["fanfare.ts", "tsconfig.json"] {
        fs::copy(format!("{ROOT}/tests/it/clients/{name}"), folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("package.json"), r#"{"type":"module"}"#).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(&tools, folder.path().join("node_modules")).unwrap();
    let tool = |name: &str| {
        let mut command = Command::new(tools.join(".bin").join(name));
        command.current_dir(folder.path());
        command
    };
    let description = format!("{ROOT}/schemas/openapi.json");
    run(tool("openapi-typescript").args([&description, "-o", "fanfare-api.d.ts"])).await;
    run(tool("tsc").args(["-p", "."])).await;
    let (daemon, crm) = daemon(folder.path()).await;
    let url = format!("http://{}", daemon.address);
    let mut node = Command::new("node");
    let said = run(node.args(["out/fanfare.js", &url]).current_dir(folder.path())).await;
    assert_eq!(said, SAID);
    assert_eq!(crm.received()[0].body, r#"{"from":"typescript"}"#);
}
