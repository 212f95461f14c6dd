//! What whoever operates the daemon is given fits the daemon: alarms and dashboard name metrics that there are, manifests name
//! flags that there are.

use std::{collections::BTreeSet, fs, process::Command, time::Duration};

use fanfare_testkit::Scripted;
use serde_json::Value;

use super::stage::{CONFIG, Stage};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations");

fn read(name: &str) -> String {
    fs::read_to_string(format!("{FOLDER}/{name}")).unwrap()
}

/// Everything that a daemon tells Prometheus when much has happened: names of metrics, and names of labels.
async fn exposed() -> (BTreeSet<String>, BTreeSet<String>) {
    let ends = Scripted::status(200)
        .header("deprecation", "@1767225600")
        .header("sunset", "Thu, 31 Dec 2099 23:59:59 GMT");
    let stage = Stage::new(&[Scripted::status(503)], &[ends]).await;
    let third = "  third: { kind: http, url: 'http://audit.example/' }\nroutes:";
    let once = "retry: { attempts: 1 }";
    let limited = CONFIG
        .replace("routes:", third)
        .replace(once, &format!("breaker: {{ failures: 1 }}, {once}"));
    stage.configure(&format!("engine: {{ limits: {{ recipients: 2 }} }}\n{limited}"));
    assert_eq!(stage.post("/v1/reload", "").await.status, 200);
    stage.send(r#"{"route":"both","payload":1}"#).await;
    // More recipients than there may be.
    let many = r#"{"to":["crm","audit","third"],"payload":1}"#;
    assert_eq!(stage.post("/v1/broadcasts", many).await.status, 400);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let text = stage.get("/metrics").await.text;
    let (mut metrics, mut labels) = (BTreeSet::new(), BTreeSet::new());
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, rest) = line.split_once(['{', ' ']).unwrap();
        metrics.insert(name.to_owned());
        let pairs = rest.split("=\"").filter_map(|part| part.rsplit([',', '{', '"']).next());
        labels.extend(pairs.map(|label| label.trim().to_owned()));
    }
    (metrics, labels)
}

/// The words of an expression that a daemon must know, which is what is not a function, not a number and not in quotes.
fn names(expression: &str) -> Vec<String> {
    let bare: String = expression.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    let words = bare.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let ours =
        words.filter(|word| ["fanfare_", "http_", "server_"].iter().any(|it| word.starts_with(it)));
    ours.map(str::to_owned).collect()
}

/// All strings below a key of that name.
fn below(value: &Value, key: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                match value {
                    Value::String(text) if name == key => found.push(text.clone()),
                    other => below(other, key, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| below(item, key, found)),
        _ => {}
    }
}

#[tokio::test(start_paused = true)]
async fn alarms_and_dashboard_name_metrics_that_there_are() {
    let (metrics, labels) = exposed().await;
    let dashboard: Value = serde_json::from_str(&read("dashboard.json")).unwrap();
    let mut expressions = Vec::new();
    below(&dashboard, "expr", &mut expressions);
    below(&dashboard, "query", &mut expressions);
    assert!(expressions.len() > 15, "{expressions:?}");
    expressions.push(read("alarms.yaml"));
    for expression in expressions {
        for name in names(&expression) {
            let is_there = metrics.contains(&name) || labels.contains(&name);
            assert!(is_there, "`{name}` of {expression}\nis none of {metrics:?}, {labels:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_metric_that_is_not_there_would_be_found() {
    assert_eq!(names(r#"rate(fanfare_odd{a="fanfare_b"}[5m]) > 0"#), ["fanfare_odd"]);
    let (metrics, labels) = exposed().await;
    assert!(metrics.contains("fanfare_reloads_total") && !metrics.contains("fanfare_odd"));
    assert!(labels.contains("fanfare_target") && labels.contains("le"), "{labels:?}");
}

#[test]
fn every_alarm_stands_in_the_runbook() {
    let (alarms, runbook) = (read("alarms.yaml"), read("runbook.md"));
    let named: Vec<_> =
        alarms.lines().filter_map(|it| it.trim().strip_prefix("- alert: ")).collect();
    assert!(named.len() > 5);
    for alarm in named {
        assert!(runbook.contains(&format!("### {alarm}\n")), "runbook.md lacks {alarm}");
        let anchor = format!("runbook: runbook.md#{}\n", alarm.to_lowercase());
        assert!(alarms.contains(&anchor), "{alarm} does not lead there");
    }
}

#[test]
fn manifests_name_flags_that_there_are() {
    let help = Command::new(env!("CARGO_BIN_EXE_fanfare")).args(["serve", "--help"]).output();
    let help = String::from_utf8(help.unwrap().stdout).unwrap();
    let lines = ["fanfare.service", "Dockerfile", "kubernetes.yaml"].map(read).join("\n");
    let serves = lines.lines().filter(|line| {
        line.contains(" serve ") || line.contains("\"serve\"") || line.trim().starts_with("- --")
    });
    let flags: BTreeSet<_> = serves
        .flat_map(|line| line.split([' ', '"', '=', ',']))
        .filter(|word| word.starts_with("--") && word.len() > 2)
        .collect();
    assert!(flags.len() >= 5, "{flags:?}");
    for flag in flags {
        assert!(
            help.contains(&format!("{flag} ")) || help.contains(&format!("{flag}\n")),
            "`serve` has no {flag}"
        );
    }
}
