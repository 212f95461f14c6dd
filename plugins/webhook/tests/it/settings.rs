//! What people write is checked, every mistake is named at once, and nothing is printed.

use fanfare_sdk::{Registry, TargetKind, check};
use fanfare_webhook::{WebhookKind, WebhookSettings};
use serde_json::{Value, json};

const URL: &str = "https://audit.example/hook";
/// The key of the standard's example.
const PRIVATE: &str =
    "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[track_caller]
fn check(written: Value, expected: &[&str]) {
    let found = match WebhookKind.build(written) {
        Ok(_) => Vec::new(),
        Err(wrong) => wrong.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(found, expected);
}

#[track_caller]
fn secret(written: &str, expected: &[&str]) {
    check(json!({ "url": URL, "secret": written }), expected);
}

#[test]
fn a_secret_has_its_form() {
    let of = |bytes: usize| format!("whsec_{}", "A".repeat((bytes * 8).div_ceil(6)));
    secret(SECRET, &[]);
    secret(&of(25), &[]);
    secret(&format!("{}==", of(25)), &[]);
    secret(&of(64), &[]);
    secret(&of(23), &["/secret: is of 23 bytes: 24 to 64 random bytes would be right"]);
    secret(&of(65), &["/secret: is of 65 bytes: 24 to 64 random bytes would be right"]);
    secret("whsec_", &["/secret: is of 0 bytes: 24 to 64 random bytes would be right"]);
    secret(&SECRET[6..], &["/secret: begins neither with `whsec_` nor with `whsk_`"]);
    secret("", &["/secret: begins neither with `whsec_` nor with `whsk_`"]);
    secret(PRIVATE, &[]);
    secret(&PRIVATE.replace("==", ""), &[]);
    secret("whsk_6Xb/", &["/secret: is of 3 bytes: an ed25519 key has 64"]);
    secret(
        &PRIVATE.replace("whsk_6", "whsk_7"),
        &["/secret: is no ed25519 key: its halves do not belong together"],
    );
    secret(
        "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
        &["/secret: is a public key, which signs nothing: `whsk_…` would be right"],
    );
    let base64 = "/secret: is not base64 after `whsk_`: is there a line break or a space in it?";
    secret(&format!("{PRIVATE} "), &[base64]);
    let base64 = "/secret: is not base64 after `whsec_`: is there a line break or a space in it?";
    secret(&format!("{SECRET}\n"), &[base64]);
    secret("whsec_é", &[base64]);
}

#[test]
fn there_is_one_list_of_secrets() {
    check(json!({ "url": URL }), &["/secret: is missing: `whsec_…` would be right"]);
    check(json!({ "url": URL, "secrets": [] }), &["/secret: is missing: `whsec_…` would be right"]);
    check(json!({ "url": URL, "secrets": [SECRET, SECRET] }), &[]);
    check(
        json!({ "url": URL, "secrets": [SECRET, "a"] }),
        &["/secrets/1: begins neither with `whsec_` nor with `whsk_`"],
    );
    check(
        json!({ "url": URL, "secret": SECRET, "secrets": [SECRET] }),
        &["/secrets: stands beside `secret`: keep one of them"],
    );
    check(json!({ "url": URL, "secrets": vec![SECRET; 8] }), &[]);
    check(
        json!({ "url": URL, "secrets": vec![SECRET; 9] }),
        &["/secrets: are 9: at most 8 would be right"],
    );
}

#[test]
fn all_mistakes_are_named_at_once() {
    check(
        json!({ "url": "https://me@audit.example/#a", "secret": "b", "headers": { "Webhook-Id": "c", "Host": "d" } }),
        &[
            "/url: has a fragment, which is never sent: remove the part from `#` on",
            "/url: has user info: use `auth` (basic), which keeps it secret",
            "/secret: begins neither with `whsec_` nor with `whsk_`",
            "/headers/Host: `host` is set by the engine: leave it out",
            "/headers/Webhook-Id: `webhook-id` is set by the target: leave it out",
        ],
    );
    check(
        json!({ "url": "https://a.example/v{version}", "secret": SECRET }),
        &["/url: contains a character that has to be percent-encoded"],
    );
    check(json!({ "secret": SECRET }), &[": missing field `url`"]);
    check(
        json!({ "url": URL, "secret": [SECRET] }),
        &["/secret: is not what it should be: a string"],
    );
    check(
        json!({ "url": URL, "method": "PUT" }),
        &["/method: unknown field `method`, expected one of `url`, `secret`, `secrets`, `headers`"],
    );
}

#[test]
fn nothing_prints_a_secret() {
    const CANARY: &str = "canary71c0canary71c0canary71c0canary71c0";
    #[track_caller]
    fn seen(text: &str) {
        assert!(!text.contains(CANARY), "{text}");
    }
    let whsec = format!("whsec_{CANARY}");
    let whsk = format!("whsk_{CANARY}");
    let url = format!("{URL}/{CANARY}?{CANARY}");
    let right = json!({ "url": url, "secrets": [whsec, whsec], "headers": { "a": CANARY } });
    let settings: WebhookSettings = check::settings(right).unwrap();
    seen(&format!("{settings:?} {:?}", settings.build().unwrap()));
    for wrong in [
        json!({ "url": URL, "secret": CANARY }),
        json!({ "url": URL, "secret": format!("{whsec}\n") }),
        json!({ "url": URL, "secret": whsk }),
        json!({ "url": URL, "secret": format!("{whsk}?") }),
        json!({ "url": URL, "secret": format!("whpk_{CANARY}") }),
        json!({ "url": URL, "secret": format!("{whsec}{CANARY}{CANARY}{CANARY}") }),
        json!({ "url": URL, "secret": { "a": whsec } }),
        json!({ "url": URL, "secrets": whsec }),
        json!({ "url": format!("http://{CANARY}@a.example#{CANARY}"), "secret": whsec }),
        json!({ "url": URL, "secret": SECRET, "headers": { "webhook-signature": CANARY, "b": format!("{CANARY}\0") } }),
    ] {
        let errors = WebhookKind.build(wrong).unwrap_err();
        seen(&format!("{errors:?}"));
        errors.iter().for_each(|error| seen(&error.to_string()));
    }
}

#[test]
fn another_endpoint_is_a_url_too() {
    assert_eq!(WebhookKind.check_endpoint(&"https://eu.example/hook".into()), Ok(()));
    let wrong = WebhookKind.check_endpoint(&"ftp://eu.example/".into()).unwrap_err();
    assert_eq!(wrong, ["is neither `https://…` nor `http://…`"]);
}

#[test]
fn the_schema_keeps_off_the_engines_keys_and_the_page_names_every_key() {
    Registry::default().register(WebhookKind).unwrap();
    let schema = WebhookKind.schema();
    let page = include_str!("../../src/docs.md");
    for key in schema["properties"].as_object().unwrap().keys() {
        assert!(page.contains(&format!("| `{key}` |")), "{key}");
    }
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["required"], json!(["url"]));
}
