//! The declarative HTTP target keeps the contract.

use std::sync::Arc;

use fanfare_http::{HttpKind, HttpSettings, HttpTarget, VersionIn};
use fanfare_sdk::{ApiTarget, Http, Repeat};
use fanfare_testkit::Conformance;
use serde_json::json;

const CANARY: &str = "canary-71c0";

async fn check(target: HttpTarget) {
    let make = || -> Arc<dyn ApiTarget> { Arc::new(Http(target.clone())) };
    Conformance::builder().secret(CANARY).run(make).await.assert();
}

fn post() -> HttpSettings {
    HttpSettings::post("https://a.example/b").header("X-Api-Key", CANARY)
}

#[tokio::test(start_paused = true)]
async fn without_versions() {
    check(post().build().unwrap()).await;
    check(post().query("q", CANARY).repeat(Repeat::SameEndpoint).build().unwrap()).await;
    check(HttpSettings::new("GET", format!("https://a.example/{CANARY}")).build().unwrap()).await;
}

#[tokio::test(start_paused = true)]
async fn with_versions() {
    for place in [VersionIn::Header("v".into()), VersionIn::Query("v".into())] {
        let target = post().version_in(place).build().unwrap();
        check(target.with_versions(["2", "1"]).unwrap()).await;
    }
    let target = HttpSettings::new("PUT", "https://a.example/v{version}").build().unwrap();
    check(target.with_versions(["2", "1"]).unwrap()).await;
}

#[test]
fn the_kind_keeps_the_contract() {
    Conformance::of_kind(&HttpKind, &json!({ "url": "https://a.example/b" })).assert();
}
