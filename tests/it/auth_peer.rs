//! Authorizers against servers that others have written, and that refuse what is wrong.
//!
//! They come from PyPI into `target/auth-pypi` and `target/aws-pypi` (`.ci/run` puts them there). Where they are not installed there is nobody to ask:
//! the test says so and ends, except in CI, where it fails.

use std::{env, path::PathBuf, process::Stdio};

use fanfare::{Broadcast, Engine, config::load_str, sdk::Payload};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::config::{Given, kinds};

/// Where the servers are, and what has to be there.
const HTTPBIN: [&str; 2] = ["auth-pypi", "httpbin"];
const MOTO: [&str; 2] = ["aws-pypi", "moto"];

/// A server on loopback; it ends with this.
pub(crate) struct Server {
    pub(crate) port: u16,
    /// What else it said when it began.
    said: Vec<String>,
    _child: Child,
}

impl Server {
    /// None where what it needs is not installed.
    pub(crate) async fn start(program: &str, [folder, needs]: [&str; 2]) -> Option<Self> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let target = env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), PathBuf::from);
        let modules = target.join(folder);
        if !modules.join(needs).exists() {
            assert!(env::var_os("CI").is_none(), "{needs} is not installed: .ci/run does it");
            eprintln!("skipped: {needs} is not installed");
            return None;
        }
        let mut child = Command::new("python3")
            .arg(root.join("tests/it").join(program))
            .env("PYTHONPATH", modules)
            .env("KEYS", root.join("plugins/auth/tests/keys"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut said).await.unwrap();
        let mut said = said.split_whitespace().map(str::to_owned);
        let port = said.next().expect("it says its port").parse().unwrap();
        Some(Self { port, said: said.collect(), _child: child })
    }

    /// What becomes of deliveries to a target with these lines, one after the other: the statuses of the attempts of each.
    async fn statuses(&self, path: &str, lines: &str, deliveries: usize) -> Vec<Vec<u16>> {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let text = format!("targets:\n  a:\n    kind: http\n    url: \"{url}\"\n    {lines}\n");
        let mut config = load_str("f.yaml", &text, &kinds(), &Given::default()).unwrap();
        let engine = Engine::builder().configured(&mut config).start().await.unwrap();
        let mut all = Vec::new();
        for _ in 0..deliveries {
            let broadcast = Broadcast::new(Payload::json(&json!({ "a": 1 }))).to("a");
            let report = engine.broadcast(broadcast).await.unwrap();
            let attempts = &report.deliveries[0].attempts;
            let status = attempts.iter().map(|it| it.ended.as_ref().unwrap().status.unwrap());
            all.push(status.collect());
        }
        all
    }
}

#[tokio::test]
async fn httpbin_lets_user_and_password_in() {
    let Some(server) = Server::start("auth_peer/serve_httpbin.py", HTTPBIN).await else { return };
    let basic = |password| {
        format!("method: GET\n    auth: {{ basic: {{ user: u, password: {password} }} }}")
    };
    assert_eq!(server.statuses("/basic-auth/u/p", &basic("p"), 1).await, [[200]]);
    assert_eq!(server.statuses("/basic-auth/u/p", &basic("q"), 1).await, [[401]]);
}

#[tokio::test]
async fn httpbin_lets_digests_in_and_nonces_be_reused() {
    let Some(server) = Server::start("auth_peer/serve_httpbin.py", HTTPBIN).await else { return };
    for algorithm in ["MD5", "SHA-256"] {
        for qop in ["auth", "auth-int", "both"] {
            let path = format!("/digest-auth/{qop}/u/p/{algorithm}/never");
            let digest =
                |rest| format!("method: GET\n    auth: {{ digest: {{ user: u, {rest} }} }}");
            let right = digest("password: p");
            let expected = vec![vec![401, 200], vec![200], vec![200]];
            assert_eq!(server.statuses(&path, &right, 3).await, expected, "{path}");
            let int = digest("password: p, auth_int: true");
            assert_eq!(server.statuses(&path, &int, 3).await, expected, "{path}");
            let wrong = digest("password: q");
            assert_eq!(server.statuses(&path, &wrong, 2).await, [vec![401, 401], vec![401]]);
        }
    }
}

/// It works out the hash of the body that it has received.
#[tokio::test]
async fn httpbin_lets_bodies_in_that_are_protected() {
    let Some(server) = Server::start("auth_peer/serve_httpbin.py", HTTPBIN).await else { return };
    for algorithm in ["MD5", "SHA-256"] {
        let path = format!("/digest-auth/auth-int/u/p/{algorithm}/never");
        for more in ["", "\n    compress: gzip\n    compress_above: 1"] {
            let lines = |password| {
                format!(
                    "auth: {{ digest: {{ user: u, password: {password}, auth_int: true }} }}{more}"
                )
            };
            let expected = vec![vec![401, 200], vec![200]];
            assert_eq!(server.statuses(&path, &lines("p"), 2).await, expected, "{path}{more}");
            assert_eq!(server.statuses(&path, &lines("q"), 1).await, [[401, 401]]);
        }
    }
}

#[tokio::test]
async fn moto_lets_requests_for_aws_in_that_are_signed_right() {
    let Some(server) = Server::start("auth_peer/serve_aws.py", MOTO).await else { return };
    let [id, secret] = &server.said[..] else { panic!("it says a key and its secret") };
    let lines = |service: &str, secret: &str| {
        format!(
            "method: PUT\n    headers: {{ x-amz-meta-a: 'b  c' }}\n    auth: {{ aws: {{ region: us-east-1, service: {service}, access_key: {id}, secret_key: '{secret}' }} }}"
        )
    };
    // Once encoded and not normalized; a path that another form would be signed for.
    for path in ["/bucket/a", "/bucket/a%20b/c", "/bucket/a//b", "/bucket/a?b=c%20d&a=&b=a"] {
        assert_eq!(server.statuses(path, &lines("s3", secret), 1).await, [[200]], "{path}");
        assert_eq!(server.statuses(path, &lines("s3", "wrong"), 1).await, [[403]], "{path}");
    }
    // Another service: it lists its queues, or refuses to.
    let form =
        "method: POST\n    body: { form: '{Action: \"ListQueues\", Version: \"2012-11-05\"}' }";
    let post = |secret: &str| lines("sqs", secret).replace("method: PUT", form);
    assert_eq!(server.statuses("/", &post(secret), 1).await, [[200]]);
    assert_eq!(server.statuses("/", &post("wrong"), 1).await, [[403]]);
}

#[tokio::test]
async fn moto_lets_a_compressed_body_in() {
    let Some(server) = Server::start("auth_peer/serve_aws.py", MOTO).await else { return };
    let [id, secret] = &server.said[..] else { panic!("it says a key and its secret") };
    for coding in ["gzip", "br", "zstd"] {
        let lines = format!(
            "method: PUT\n    compress: {coding}\n    compress_above: 1\n    auth: {{ aws: {{ region: us-east-1, service: s3, access_key: {id}, secret_key: '{secret}' }} }}"
        );
        assert_eq!(server.statuses("/bucket/a", &lines, 1).await, [[200]], "{coding}");
    }
}
