//! Another configuration is taken over while the daemon runs: all of it, or nothing.

use std::time::Duration;

use fanfare_testkit::Scripted;
use serde_json::{Value, json};

use super::stage::{CONFIG, Stage, outcomes};

async fn stage() -> Stage {
    let ok = [Scripted::status(200)];
    Stage::new(&ok, &ok).await
}

/// Writes the configuration, has it read, and gives the answer: `crm~ new+ old-; route+`, or the problem.
async fn reload(stage: &Stage, text: &str) -> String {
    stage.configure(text);
    let answer = stage.post("/v1/reload", "").await;
    if answer.status != 200 {
        return answer.told();
    }
    let told = answer.json();
    let names = |of: &Value| {
        let marks = [("added", '+'), ("replaced", '~'), ("removed", '-')];
        let marked = marks.iter().flat_map(|(key, mark)| {
            let names = of[key].as_array().unwrap().iter();
            names.map(move |name| format!("{}{mark}", name.as_str().unwrap()))
        });
        marked.collect::<Vec<_>>().join(" ")
    };
    let mut says = format!("{}; {}", names(&told["targets"]), names(&told["routes"]));
    if told["engine"] == true {
        says += "; engine";
    }
    for key in told["restart"].as_array().unwrap() {
        says += &format!("; {} after a restart", key.as_str().unwrap());
    }
    assert_eq!(
        told["changed"] == true,
        told["targets"] != json!({"added": [], "replaced": [], "removed": []})
            || told["routes"] != json!({"added": [], "replaced": [], "removed": []})
            || told["engine"] == true
    );
    says
}

#[tokio::test(start_paused = true)]
async fn what_comes_changes_and_goes_is_told_and_holds() {
    let stage = stage().await;
    assert_eq!(reload(&stage, CONFIG).await, "; ", "nothing has changed");
    let other = "
journal: { keep: 3d }
engine: { limits: { recipients: 2 } }
targets:
  crm: { kind: http, url: 'http://audit.example/', retry: { attempts: 1 } }
  new: { kind: http, url: 'http://crm.example/' }
routes:
  both: { to: [crm, new] }
  fresh: { to: [new] }
";
    let says = reload(&stage, other).await;
    assert_eq!(
        says,
        "new+ crm~ audit-; fresh+ both~ signup- some- strict-; engine; journal after a restart"
    );
    let report = stage.send(r#"{"route":"both","payload":1}"#).await;
    assert_eq!(outcomes(&report), "crm delivered, new delivered");
    assert_eq!(report["deliveries"][0]["served_by"]["endpoint"], "http://audit.example");
    let gone = stage.post("/v1/broadcasts", r#"{"route":"signup","payload":1}"#).await;
    assert_eq!(gone.told(), "400 invalid-request: /route there is no route `signup`");
    let gone = stage.post("/v1/broadcasts", r#"{"to":["audit"],"payload":1}"#).await;
    assert_eq!(gone.told(), "400 invalid-request: /to/0 there is no target `audit`");
    assert_eq!(stage.post("/v1/targets/audit/pause", "").await.status, 404);
    let names = |list: &Value| {
        let names = list.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(&stage.get("/v1/targets").await.json()["targets"]), "crm new");
    assert_eq!(names(&stage.get("/v1/routes").await.json()["routes"]), "both fresh");
    // What takes a restart is told until there was one.
    assert_eq!(reload(&stage, other).await, "; ; journal after a restart");
    assert_eq!(reload(&stage, &other.replace("journal: { keep: 3d }", "")).await, "; ");
}

#[tokio::test(start_paused = true)]
async fn a_configuration_with_mistakes_is_refused_and_the_one_before_holds() {
    let stage = stage().await;
    let wrong = CONFIG
        .replace("completion: any", "completion: some")
        .replace("kind: http, url: 'http://audit", "kind: htp, url: 'http://audit");
    let says = reload(&stage, &wrong).await;
    assert!(
        says.starts_with("422 configuration-refused: ")
            && says.contains("fanfare.yaml:4:18: targets.audit.kind is not a kind"),
        "{says}"
    );
    assert!(says.contains("routes.some.completion"), "both mistakes: {says}");
    let ready = stage.get("/readyz").await;
    let told = ready.json();
    assert_eq!((ready.status.as_u16(), &told["reload"]["refused"]), (200, &json!(true)), "{told}");
    assert_eq!(told["reload"]["mistakes"], 2, "{told}");
    let report = stage.send(r#"{"route":"both","payload":1}"#).await;
    assert_eq!(outcomes(&report), "crm delivered, audit delivered");
    assert_eq!(reload(&stage, CONFIG).await, "; ");
    assert_eq!(stage.get("/readyz").await.json()["reload"]["refused"], false);
    let metrics = stage.get("/metrics").await.text;
    let count = |result: &str| {
        metrics.lines().any(|line| {
            line.starts_with("fanfare_reloads_total")
                && line.contains(result)
                && line.ends_with(" 1")
        })
    };
    assert!(count("\"refused\"") && count("\"unchanged\""), "{metrics}");
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_exchanged_is_sent_and_nothing_else_is_touched() {
    let stage = stage().await;
    let with_token =
        CONFIG.replace("  audit: { ", "  audit: { auth: { bearer: { token: '${file:token}' } }, ");
    stage.write("token", "one");
    assert_eq!(reload(&stage, &with_token).await, "audit~; ");
    stage.post("/v1/targets/crm/pause", "").await;
    stage.send(r#"{"to":["audit"],"payload":1}"#).await;
    stage.write("token", "two");
    assert_eq!(reload(&stage, &with_token).await, "audit~; ");
    assert_eq!(reload(&stage, &with_token).await, "; ");
    stage.send(r#"{"to":["audit"],"payload":1}"#).await;
    let tokens = stage
        .apis
        .received()
        .into_iter()
        .map(|it| it.headers.get("authorization").unwrap().to_str().unwrap().to_owned());
    assert_eq!(tokens.collect::<Vec<_>>(), ["Bearer one", "Bearer two"]);
    let targets = stage.get("/v1/targets").await.json();
    assert_eq!(targets["targets"][1]["state"], "paused", "{targets}");
}

#[tokio::test(start_paused = true)]
async fn a_schema_in_a_file_of_its_own_is_taken_over_too() {
    let stage = stage().await;
    let with_schema =
        CONFIG.replace("to: [crm, audit] }", "to: [crm, audit], schema: { file: s.json } }");
    stage.write("s.json", r#"{"type": "number"}"#);
    assert_eq!(reload(&stage, &with_schema).await, "; both~");
    stage.send(r#"{"route":"both","payload":1}"#).await;
    stage.write("s.json", r#"{"type": "string"}"#);
    assert_eq!(reload(&stage, &with_schema).await, "; both~");
    assert_eq!(reload(&stage, &with_schema).await, "; ");
    let refused = stage.post("/v1/broadcasts", r#"{"route":"both","payload":1}"#).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
}

const WITHOUT_CRM: &str = "
targets:
  audit: { kind: http, url: 'http://audit.example/', retry: { attempts: 1 } }
routes:
  both: { to: [audit] }
";

/// A delivery to `crm` is open.
async fn open() -> (Stage, String) {
    let stage = stage().await;
    stage.post("/v1/targets/crm/pause", "").await;
    let answer = stage.post("/v1/broadcasts", r#"{"route":"both","payload":1}"#).await;
    (stage, answer.json()["id"].as_str().unwrap().to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_target_with_open_deliveries_stays_unless_it_is_said_what_becomes_of_them() {
    let (stage, id) = open().await;
    let refused = "422 configuration-refused: targets target `crm` is gone, and 1 deliveries in the journal are open for it";
    assert_eq!(reload(&stage, WITHOUT_CRM).await, refused);
    let report = stage.send(r#"{"route":"both","payload":1, "completion": "any"}"#).await;
    assert_eq!(report["deliveries"].as_array().unwrap().len(), 2, "nothing has changed");

    let finish = format!("engine: {{ on_removed: finish }}\n{WITHOUT_CRM}");
    assert_eq!(reload(&stage, &finish).await, "crm-; both~ signup- some- strict-; engine");
    let gone = stage.post("/v1/broadcasts", r#"{"to":["crm"],"payload":1}"#).await;
    assert_eq!(gone.told(), "400 invalid-request: /to/0 there is no target `crm`");
    let targets = stage.get("/v1/targets").await.json();
    assert_eq!(targets["targets"][1]["state"], "leaving", "{targets}");
    assert_eq!(stage.post("/v1/targets/crm/resume", "").await.status, 204);
    assert_eq!(outcomes(&stage.settled(&id).await), "crm delivered, audit delivered");
    tokio::time::sleep(Duration::from_secs(60)).await;
    let targets = stage.get("/v1/targets").await.json();
    assert_eq!(targets["targets"].as_array().unwrap().len(), 1, "{targets}");
    assert_eq!(stage.post("/v1/targets/crm/pause", "").await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_with_its_target_has_failed() {
    let (stage, id) = open().await;
    let fail = format!("engine: {{ on_removed: fail }}\n{WITHOUT_CRM}");
    assert_eq!(reload(&stage, &fail).await, "crm-; both~ signup- some- strict-; engine");
    assert_eq!(outcomes(&stage.settled(&id).await), "crm failed, audit delivered");
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_leaving_can_come_back() {
    let (stage, id) = open().await;
    let finish = format!("engine: {{ on_removed: finish }}\n{WITHOUT_CRM}");
    assert_eq!(reload(&stage, &finish).await, "crm-; both~ signup- some- strict-; engine");
    assert_eq!(reload(&stage, CONFIG).await, "crm+; signup+ some+ strict+ both~; engine");
    stage.post("/v1/targets/crm/resume", "").await;
    assert_eq!(outcomes(&stage.settled(&id).await), "crm delivered, audit delivered");
    tokio::time::sleep(Duration::from_secs(60)).await;
    let report = stage.send(r#"{"route":"both","payload":1}"#).await;
    assert_eq!(outcomes(&report), "crm delivered, audit delivered", "it has stayed");
}
