//! The program, as a person runs it: against scripted APIs on loopback.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
    time::Duration,
};

use fanfare_testkit::{MockApi, Scripted};
use serde_json::Value;

use crate::schemas::check_file;

const HELLO: &str = r#"{"message":"Hello, APIs!"}"#;

fn fanfare(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
    command.args(args).env_remove("RUST_BACKTRACE").stdin(Stdio::null());
    command
}

/// Runs it on a thread of its own, so that the APIs of the test go on.
async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// What is different in every run reads `…`.
fn steady(text: &str, apis: &[&MockApi]) -> String {
    let mut text = text.to_owned();
    for (place, api) in apis.iter().enumerate() {
        text = text.replace(&api.address().to_string(), &format!("api{place}"));
    }
    let mut words: Vec<String> =
        text.split_inclusive([' ', '\n', ',']).map(str::to_owned).collect();
    for place in 0..words.len() {
        let bare = words[place].trim_end_matches([' ', '\n', ',', ':', '…']).to_owned();
        let hex = bare.len() >= 16 && bare.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        let unit = words.get(place + 1).is_some_and(|next| {
            ["ms", "s"].contains(&next.trim_end_matches([' ', '\n', ',', ':']))
        });
        if hex || (unit && bare.parse::<f64>().is_ok()) {
            words[place] = words[place].replace(&bare, "…");
        }
    }
    words.concat()
}

#[tokio::test]
async fn a_payload_that_does_not_fit_its_route_is_wrong_usage() {
    let folder = tempfile::TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(at("order.json"), r#"{"required": ["id", "name"]}"#).unwrap();
    let config = "targets: { a: { kind: http, url: 'http://127.0.0.1:1/' } }\n\
                  routes: { r: { to: [a], schema: { file: order.json } } }\n";
    std::fs::write(at("f.yaml"), config).unwrap();
    let config = at("f.yaml");
    let output = run(fanfare(&["send", HELLO, "--config", &config, "--route", "r"])).await;
    let expected = "error: the payload: /id is missing\nerror: the payload: /name is missing\n";
    assert!(err(&output).starts_with(expected), "{}", err(&output));
    assert_eq!(output.status.code(), Some(2));
    let checked = run(fanfare(&["check", "--config", &config])).await;
    assert_eq!(checked.status.code(), Some(0), "{}", err(&checked));
    std::fs::write(at("order.json"), r#"{"$ref": "https://a.example/order"}"#).unwrap();
    let checked = run(fanfare(&["check", "--config", &config])).await;
    assert!(err(&checked).contains("routes.r.schema.file: order.json:1:10: $ref: leads out"));
    assert_eq!(checked.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_variable_leads_it_to_a_proxy() {
    let api = MockApi::start(Scripted::status(200)).await;
    let proxy = MockApi::start(Scripted::status(502)).await;
    let (url, elsewhere) = (api.url("/hook"), proxy.url(""));
    let mut command = fanfare(&["send", HELLO, "--to", &url]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env(name, &elsewhere).env(name.to_lowercase(), &elsewhere);
    }
    command.env_remove("NO_PROXY").env_remove("no_proxy").env_remove("REQUEST_METHOD");
    let output = run(command).await;
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!((api.received().len(), proxy.received().len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_apis_get_it_and_the_report_fits_its_schema() {
    let [a, b] = [
        MockApi::start(Scripted::status(201).body(r#"{"id":7}"#)).await,
        MockApi::start(Scripted::status(204)).await,
    ];
    let urls = [a.url("/a"), b.url("/b")];
    let output = run(fanfare(&[
        "send", HELLO, "--to", &urls[0], "--to", &urls[1], "--output", "json", "--trace",
    ]))
    .await;
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let schema: Value =
        serde_json::from_str(include_str!("../../schemas/report.schema.json")).unwrap();
    let wrong: Vec<_> = jsonschema::validator_for(&schema)
        .unwrap()
        .iter_errors(&report)
        .map(|e| e.to_string())
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(
        (&report["verdict"], &report["deliveries"][0]["reply"]["body"]["id"]),
        (&"satisfied".into(), &7.into())
    );
    assert!(
        err(&output).contains(report["trace_id"].as_str().unwrap()),
        "the trace is told beside the report"
    );
    for api in [&a, &b] {
        let received = api.received();
        assert_eq!((received.len(), received[0].text().as_str()), (1, HELLO));
        assert!(
            received[0]
                .header("traceparent")
                .unwrap()
                .contains(report["trace_id"].as_str().unwrap())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_went_wrong_is_told_for_each_target() {
    let ok = MockApi::start(Scripted::status(200)).await;
    let mute = MockApi::start(Scripted::hang()).await;
    let gone = MockApi::start(Scripted::status(200)).await;
    let urls = [ok.url("/ok"), mute.url("/mute"), gone.url("/gone")];
    let gone_at = gone.address().to_string();
    gone.stop().await;
    let to = ["--to", &urls[0], "--to", &urls[1], "--to", &urls[2]];
    let output = run(fanfare(&[&["send", HELLO, "--timeout", "300ms"][..], &to].concat())).await;
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    let text = steady(&out(&output).replace(&gone_at, "gone"), &[&ok, &mute]);
    let lines: Vec<_> =
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(lines[0], "delivered api0/ok 200 1 attempt … ms");
    assert_eq!(
        lines[1],
        "indeterminate api1/mute - 1 attempt … ms may have been applied, no answer in time, a repeat is not known to be safe"
    );
    assert!(lines[2].starts_with("failed gone/gone - 3 attempts"), "{}", lines[2]);
    assert!(lines[2].ends_with("no connection: connection refused, all attempts used up"));
    assert!(lines[3].ends_with("too few targets can accept it any more"), "{}", lines[3]);
    assert_eq!(mute.received().len(), 1, "what may have been applied is not sent again");
}

/// Each of these gets its answer, and exit status 2.
async fn refused(cases: &[(&[&str], &str)]) {
    for (args, expected) in cases {
        let output = run(fanfare(args)).await;
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", err(&output));
        assert!(err(&output).contains(expected), "{args:?} says:\n{}", err(&output));
        assert!(!err(&output).contains("s3cret") && output.stdout.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_input_gets_an_answer_and_nothing_is_sent() {
    let api = MockApi::start(Scripted::status(200)).await;
    let url = api.url("/");
    let cases: &[(&[&str], &str)] = &[
        (&["send", HELLO], "error: nobody to send to: add `--to URL`"),
        (
            &["send", HELLO, "--to", "localhost:80/a"],
            "error: --to: `localhost:80/a` has no scheme: `http://localhost:80/a` would be right",
        ),
        (
            &["send", HELLO, "--to", "http://u:s3cret@localhost/"],
            "error: --to http://localhost/…: has user info: use `--bearer-env NAME` or `--header`, which keeps it secret",
        ),
        (&["send", HELLO, "--to", &url, "--to", &url], "is given twice"),
        (
            &["send", "--to", &url],
            "error: no payload: give it as it is, as `@FILE`, or as `-` for standard input",
        ),
        (
            &["send", "hello", "--to", &url],
            "error: the payload is not JSON (expected value at line 1 column 1): mend it, or say what it is with --content-type text/plain",
        ),
        (
            &["send", "@/no/such/file", "--to", &url],
            "error: the payload's file `/no/such/file`: No such file or directory",
        ),
        (
            &["send", HELLO, "--to", &url, "--timeout", "5"],
            "error: --timeout: `5` is not a duration: `250ms`, `5s` or `1m30s` would be right",
        ),
        (
            &["send", HELLO, "--to", &url, "--header", "x"],
            "error: --header: has no `:`: `NAME: VALUE` would be right",
        ),
        (&["send", HELLO, "--to", &url, "--header", "host: x"], "`host` is set by the engine"),
        (
            &["send", HELLO, "--to", &url, "--bearer-env", "NO_SUCH"],
            "error: --bearer-env: the environment variable `NO_SUCH` is not set: `export NO_SUCH=…` would be right",
        ),
        (
            &["send", HELLO, "--to", &url, "--method", "post"],
            "error: --method: is not in capital letters: `POST` would be right",
        ),
        (
            &["send", HELLO, "--to", &url, "--attempts", "0"],
            "error: --attempts: must be at least 1",
        ),
        (&["send", HELLO, "--to", &url, "--nonsense"], "unexpected argument '--nonsense'"),
        (
            &["explain", "--script", "200, nonsense"],
            "error: --script line 1, answer 2: `nonsense`: a status, `hang`, `reset` or `refused` would be right",
        ),
    ];
    refused(cases).await;
    refused(&[
        (&["send", HELLO, "--to", "u:s3cret@localhost/a"], "`http://localhost/a` would be right"),
        (
            &["send", HELLO, "--to", "localhost/a?token=s3cret"],
            "`http://localhost/a` would be right",
        ),
        (
            &["send", HELLO, "--to", "http://localhost/v{version}/"],
            "write the version that is meant",
        ),
        (&["send", "{", "--to", &url, "--timeout", "0s"], "--timeout: must be longer than zero"),
    ])
    .await;
    let all = run(fanfare(&["send", "{", "--to", "x", "--header", "y", "--timeout", "z"])).await;
    assert_eq!(err(&all).lines().count(), 4, "all at once: {}", err(&all));
    assert_eq!(api.received().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_that_makes_no_sense_gets_an_answer() {
    refused(&[
        (
            &["explain", "--load", "10/s for 1m", "--outage", "target: down from 9s to 8s"],
            "error: --outage 1: `from 9s to 8s`: it ends before it begins",
        ),
        (&["explain", "--script", "200", "--outage", "target: down"], "--load <RATE>"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_printed() {
    let api = MockApi::start(
        Scripted::status(200)
            .header("set-cookie", "sid=c4n4ry")
            .header("x-token", "c4n4ry")
            .header("location", "http://x/?t=c4n4ry")
            .header("proxy-authenticate", "c4n4ry"),
    )
    .await;
    let url = api.url("/");
    let base =
        ["send", HELLO, "--to", &url, "--bearer-env", "TOKEN", "--header", "x-api-key: c4n4ry"];
    for more in [&["--trace"][..], &["--output", "json", "--trace"], &["--dry-run"]] {
        let mut command = fanfare(&[&base[..], more].concat());
        command.env("TOKEN", "c4n4ry");
        let output = run(command).await;
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        assert!(!(out(&output) + &err(&output)).contains("c4n4ry"), "{}", out(&output));
    }
    let received = api.received();
    assert_eq!(received.len(), 2, "a dry run sends nothing");
    assert_eq!(received[0].header("authorization"), Some("Bearer c4n4ry"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_is_a_secret_is_not_shown() {
    let api = MockApi::start(Scripted::status(200).body("ok")).await;
    let folder = tempfile::TempDir::new().unwrap();
    let config = folder.path().join("f.yaml").display().to_string();
    let text =
        "targets: { ops: { kind: slack, webhook: '${env:HOOK}' } }\nroutes: { r: { to: [ops] } }\n";
    std::fs::write(&config, text).unwrap();
    let base = ["send", r#"{"text":"hello"}"#, "--config", &config, "--target", "ops"];
    for more in [&["--trace"][..], &["--output", "json"], &["--dry-run"]] {
        let mut command = fanfare(&[&base[..], more].concat());
        command.env("HOOK", api.url("/services/c4n4ry"));
        let output = run(command).await;
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        assert!(!(out(&output) + &err(&output)).contains("c4n4ry"), "{}", out(&output));
    }
    assert_eq!(api.received().len(), 2, "a dry run sends nothing");
    assert_eq!(api.received()[0].path(), "/services/c4n4ry");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_comes_from_a_file_or_from_standard_input() {
    let api = MockApi::start(Scripted::status(200)).await;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"{\"from\":\"a file\"}").unwrap();
    let at = format!("@{}", file.path().display());
    assert_eq!(run(fanfare(&["send", &at, "--to", &api.url("/")])).await.status.code(), Some(0));
    let mut command =
        fanfare(&["send", "-", "--to", &api.url("/"), "--header", "content-type: text/plain"]);
    command.stdin(Stdio::from(std::fs::File::open(file.path()).unwrap()));
    assert_eq!(run(command).await.status.code(), Some(0));
    let texts: Vec<_> = api.received().iter().map(fanfare_testkit::Received::text).collect();
    assert_eq!(texts, ["{\"from\":\"a file\"}", "{\"from\":\"a file\"}"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_interruption_ends_at_once_and_a_doubt_stays_a_doubt() {
    let api = MockApi::start(Scripted::hang()).await;
    let mut command = fanfare(&["send", HELLO, "--to", &api.url("/"), "--timeout", "1h"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    api.at_least(1).await;
    let pid = child.id().to_string();
    let mut err = std::io::BufReader::new(child.stderr.take().unwrap());
    let output = tokio::task::spawn_blocking(move || {
        let interrupt =
            || assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        interrupt();
        // The first one has been heard when it has been answered.
        std::io::BufRead::read_line(&mut err, &mut String::new()).unwrap();
        interrupt();
        child.wait_with_output().unwrap()
    })
    .await
    .unwrap();
    assert_eq!(output.status.code(), Some(130));
    let text = out(&output);
    assert!(text.contains("may have been applied") && !text.contains("accepted"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_told_on_standard_error_where_somebody_asks_for_it() {
    // Slow enough that there is something to be seen meanwhile.
    let api = MockApi::start(Scripted::status(400).after(Duration::from_millis(50))).await;
    let url = api.url("/a");
    let send = ["send", HELLO, "--to", &url, "--progress"];
    let told = run(fanfare(&[&send[..], &["plain"]].concat())).await;
    assert_eq!(
        steady(&err(&told), &[&api]),
        "api0/a: attempt 1: 400, … ms\napi0/a: failed: 400, refused by the API, 1 attempt, … ms\n"
    );
    let live = run(fanfare(&[&send[..], &["live"]].concat())).await;
    assert!(err(&live).ends_with("\x1b[1A\x1b[J"), "the live lines go away: {:?}", err(&live));
    for quiet in ["auto", "none"] {
        assert_eq!(err(&run(fanfare(&[&send[..], &[quiet]].concat())).await), "");
    }
    assert_eq!(
        steady(&out(&told), &[&api]),
        steady(&out(&live), &[&api]),
        "the result is the same"
    );
    assert!(!out(&live).contains('\x1b'));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interruption_leaves_no_live_line() {
    let api = MockApi::start(Scripted::status(503).header("retry-after", "60")).await;
    let mut command = fanfare(&["send", HELLO, "--to", &api.url("/"), "--progress", "live"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    api.at_least(1).await;
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output =
        tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    let err = err(&output);
    let (_, after) = err.rsplit_once("\x1b[J").unwrap();
    assert!(["", "error: interrupted: what is open is cancelled\n"].contains(&after), "{err:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_pipe_changes_nothing_of_the_verdict() {
    let api = MockApi::start(Scripted::status(400)).await;
    let mut command = fanfare(&["send", HELLO, "--to", &api.url("/"), "--output", "json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    let status = tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap();
    assert_eq!(status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_made_before_the_deadline_ends_at_once() {
    let api = MockApi::start(Scripted::status(503).header("retry-after", "60")).await;
    let output = run(fanfare(&["send", HELLO, "--to", &api.url("/"), "--deadline", "30s"])).await;
    assert_eq!(output.status.code(), Some(1));
    let text = out(&output);
    assert!(text.starts_with("failed") && text.contains("its time was over"), "{text}");
    assert_eq!(api.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interruption_cancels_and_still_reports() {
    let api = MockApi::start(Scripted::status(503).header("retry-after", "60")).await;
    let mut command = fanfare(&["send", HELLO, "--to", &api.url("/")]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    api.at_least(1).await;
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output =
        tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", err(&output));
    assert!(out(&output).starts_with("cancelled"), "{}", out(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_prints_is_as_it_was() {
    let api = MockApi::start(Scripted::status(201)).await;
    let mut text = String::new();
    let url = api.url("/orders");
    let runs: &[&[&str]] = &[
        &["send", HELLO, "--to", &url, "--trace"],
        &["send", HELLO, "--to", &url, "--header", "authorization: x", "--dry-run"],
        &[
            "explain",
            "--script",
            "503 retry-after=2, 410, hang",
            "--versions",
            "3,2",
            "--jitter",
            "none",
        ],
        &[
            "explain",
            "--script",
            "refused",
            "--endpoint",
            "b",
            "--stand-in",
            "backup",
            "--jitter",
            "none",
            "--attempts",
            "1",
        ],
        &["explain", "--script", "200 after=4s", "--cancel-after", "1s"],
        &["explain", "--load", "20/s for 1m", "--outage", "target: 503 30% from 5s to 50s"],
        &["explain", "--load", "3 at once", "--outage", "target: down", "--output", "json"],
    ];
    for args in runs {
        let output = run(fanfare(args)).await;
        // What is explained happens in virtual time: nothing of it differs.
        let says = if args[0] == "explain" { out(&output) } else { steady(&out(&output), &[&api]) };
        text += &format!(
            "$ fanfare {}\n{says}\n",
            args.join(" ").replace(&api.address().to_string(), "api0")
        );
    }
    check_file("tests/it/snapshots/cli.txt", &text);
    let mut help = String::new();
    for args in [
        &["--help"][..],
        &["send", "--help"],
        &["explain", "--help"],
        &["quickstart", "--help"],
        &["new-target", "--help"],
    ] {
        help += &format!("$ fanfare {}\n{}\n", args.join(" "), out(&run(fanfare(args)).await));
    }
    check_file("tests/it/snapshots/help.txt", &help);
}
