//! `fanfare send --dry-run` shows every request, and none of what a reference has brought in.

use std::process::{Command, Stdio};

use tempfile::TempDir;

const SECRET: &str = "s3cret/c4n4ry &+x";

const CONFIG: &str = r#"
targets:
  query:
    kind: http
    url: http://127.0.0.1:1/x?page=1
    auth: { api_key: { in: { query: app_id }, value: "${env:S}" } }
  audit: { kind: http, url: "http://127.0.0.1:1/audit" }
  typed:
    kind: http
    url: http://127.0.0.1:1/x
    auth: { api_key: { in: { query: app_id }, value: c4n4ry-typed } }
  path:
    kind: http
    url: http://127.0.0.1:1/bot${env:TOKEN}/send?chat=${env:TOKEN}&thread=7
    query: { t: { jq: '"${env:TOKEN}"' }, q: "${env:S}" }
    headers: { X-Tenant-Pass: "${env:TOKEN}", X-Plain: plain }
    body: '{ routing_key: "${env:S}", n: .n }'
  form:
    kind: http
    url: http://127.0.0.1:1/form
    body: { form: '{ token: "${env:S}", n: .n }' }
    classify: [{ jq: '.body.ok != true', meaning: throttled }]
  fetched:
    kind: http
    url: http://127.0.0.1:1/orders
    auth: { oauth2: { token_url: "http://127.0.0.1:1/t", client_id: c, client_secret: "${env:S}", client_auth: post } }
    fallback: [{ target: spare }]
  refreshed:
    kind: http
    method: GET
    url: http://127.0.0.1:1/mine
    auth:
      oauth2:
        token_url: http://127.0.0.1:1/t
        client_id: c
        client_auth: none
        grant: { refresh_token: { token: "${env:S}", file: "FOLDER/rt.tok" } }
  spare: { kind: http, url: "http://127.0.0.1:1/spare" }
  error: { kind: http, url: "http://127.0.0.1:1/", body: '"${env:TOKEN}" | error' }
routes:
  q: { to: [query, { target: audit, when: "false" }, typed, path, form, fetched, refreshed], completion: any, rest: cancel }
  wrong: { to: [error, audit] }
"#;

const EXPECTED: &str = r#"# query
POST http://127.0.0.1:1/x?page=1&app_id=***
content-type: application/json

{"n":1}

# audit: skipped

# typed
POST http://127.0.0.1:1/x?app_id=***
content-type: application/json

{"n":1}

# path
POST http://127.0.0.1:1/bot***/send?chat=***&thread=7&q=***&t=***
x-plain: plain
x-tenant-pass: ***
content-type: application/json

{"routing_key":"***","n":1}

# form
POST http://127.0.0.1:1/form
content-type: application/x-www-form-urlencoded

n=1&token=***

# fetched
POST http://127.0.0.1:1/orders
content-type: application/json
authorization: Bearer ***

{"n":1}

# refreshed
GET http://127.0.0.1:1/mine
authorization: Bearer ***
"#;

/// Runs it: how it ended, what it printed without what is another one each time, and what it complained of.
fn dry_run(folder: &TempDir, route: &str) -> (Option<i32>, String, String) {
    let config = folder.path().join("f.yaml");
    let text = CONFIG.replace("FOLDER", &folder.path().display().to_string());
    std::fs::write(&config, text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_fanfare"))
        .args(["send", r#"{"n":1}"#, "--dry-run", "--route", route, "--config"])
        .arg(&config)
        .env("S", SECRET)
        .env("TOKEN", "abcd-c4n4ry")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let changes = |line: &&str| {
        !["idempotency-key: ", "traceparent: "].iter().any(|name| line.starts_with(name))
    };
    let printed = text(&output.stdout);
    let printed = printed.split_inclusive('\n').filter(changes).collect();
    (output.status.code(), printed, text(&output.stderr))
}

#[test]
fn every_request_is_shown_and_no_secret() {
    let folder = TempDir::new().unwrap();
    let (status, printed, complaints) = dry_run(&folder, "q");
    assert!(!(printed.clone() + &complaints).contains("c4n4ry"), "{printed}{complaints}");
    assert_eq!(complaints, "");
    assert_eq!(printed, EXPECTED);
    assert_eq!(status, Some(0));
    let files = std::fs::read_dir(folder.path()).unwrap();
    assert_eq!(files.count(), 1, "nothing was written beside the configuration");
}

#[test]
fn what_cannot_be_sent_is_told() {
    let (status, printed, complaints) = dry_run(&TempDir::new().unwrap(), "wrong");
    let expected =
        "# audit\nPOST http://127.0.0.1:1/audit\ncontent-type: application/json\n\n{\"n\":1}\n";
    assert_eq!(printed, expected);
    assert!(complaints.ends_with("could not be prepared: `body`: ***\n"), "{complaints}");
    assert_eq!(status, Some(1));
}
