//! What the daemon answers is what its description says: looked at for every answer of these tests.

use std::{collections::BTreeSet, sync::OnceLock};

use fanfare::daemon::openapi;
use fanfare_testkit::Scripted;
use serde_json::{Value, json};

use super::stage::{Answer, Stage};

fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(openapi)
}

/// The path of the description that a request is for.
fn template(path: &str) -> Option<&'static str> {
    let path = path.split('?').next().unwrap();
    let fits = |template: &str| {
        let (found, wanted) = (path.split('/'), template.split('/'));
        found.clone().count() == wanted.clone().count()
            && found.zip(wanted).all(|(found, wanted)| wanted.starts_with('{') || found == wanted)
    };
    let paths = document()["paths"].as_object().unwrap();
    // What stands there word by word comes first.
    let exact = paths.keys().find(|template| template.as_str() == path);
    exact.or_else(|| paths.keys().find(|template| fits(template))).map(String::as_str)
}

/// Compares an answer with the description. What is not in it is answered with 403, 404 or 405.
pub(super) fn check(line: &str, answer: &Answer) {
    let (method, path) = line.split_once(' ').unwrap();
    let operation =
        template(path).map(|path| &document()["paths"][path][method.to_ascii_lowercase()]);
    let Some(operation) = operation.filter(|it| it.is_object()) else {
        assert!([401, 403, 404, 405].contains(&answer.status.as_u16()), "{line}: {answer:?}");
        return;
    };
    let described = &operation["responses"][answer.status.as_str()];
    assert!(described.is_object(), "{line}: {} is not described", answer.status);
    if answer.text.is_empty() {
        assert!(described.get("content").is_none(), "{line}: a body is described");
        return;
    }
    let media_type = answer.header("content-type").unwrap();
    let content = described["content"].as_object().unwrap();
    let known = content.iter().find(|(name, _)| media_type.starts_with(name.as_str()));
    let (_, known) = known.unwrap_or_else(|| panic!("{line}: {media_type} is not described"));
    if media_type.ends_with("json") {
        let schema = json!({ "allOf": [known["schema"]], "components": document()["components"] });
        let validator = jsonschema::validator_for(&schema).unwrap();
        let wrong: Vec<_> =
            validator.iter_errors(&answer.json()).map(|it| it.to_string()).collect();
        assert!(wrong.is_empty(), "{line} {}: {wrong:?}", answer.text);
        if let Some(kinds) =
            described["x-problem-types"].as_array().filter(|_| media_type.contains("problem"))
        {
            assert!(
                kinds.contains(&answer.json()["type"]),
                "{line}: {} is not described",
                answer.text
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_router_has_what_is_described_and_nothing_else() {
    let stage = Stage::new(&[Scripted::status(200)], &[]).await;
    for (path, operations) in document()["paths"].as_object().unwrap() {
        // Nothing is described for it.
        let answer = stage.ask(&format!("PATCH {path}"), &[], "").await;
        assert_eq!(answer.status, 405, "{path}");
        let allowed = answer.header("allow").unwrap().split(',').map(str::trim);
        let allowed: BTreeSet<_> = allowed.collect();
        let described = operations.as_object().unwrap().keys().map(|it| it.to_ascii_uppercase());
        let mut described: BTreeSet<_> = described.collect();
        if described.contains("GET") {
            described.insert("HEAD".to_owned());
        }
        assert_eq!(allowed, described.iter().map(String::as_str).collect(), "{path}");
    }
    let served = stage.get("/openapi.json").await;
    assert_eq!(&served.json(), document());
}

#[tokio::test(start_paused = true)]
async fn the_keys_of_bodies_are_those_that_are_read() {
    let stage = Stage::new(&[], &[]).await;
    let id = stage.send(r#"{"payload":1,"to":["crm"]}"#).await["id"].as_str().unwrap().to_owned();
    for (path, name) in [
        ("/v1/broadcasts".to_owned(), "Send"),
        (format!("/v1/broadcasts/{id}/replay"), "Replay"),
        ("/v1/dead-letters/replay".to_owned(), "ReplayAll"),
        ("/v1/dead-letters/discard".to_owned(), "Discard"),
    ] {
        let told = stage.post(&path, r#"{"odd":1}"#).await.told();
        let known = told.split("is not known: ").nth(1).unwrap().split(';').next().unwrap();
        let known: BTreeSet<_> = known.split('`').skip(1).step_by(2).collect();
        let schema = &document()["components"]["schemas"][name]["properties"];
        let described = schema.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(known, described, "{path}");
    }
}
