//! Salesforce: a token for a token that we sign, versions that are retired, and a limit that lasts.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use fanfare_testkit::Scripted;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::{Value, json};

use super::{
    ask::{self, Ask},
    stage::{Example, Mock},
    standins::standin,
    throttle::Throttle,
};

const LOGIN: &str = "https://login.salesforce.com";
const TOKEN: &str = "POST https://acme.my.salesforce.com/services/oauth2/token";
const DATA: &str = "PATCH https://acme.my.salesforce.com/services/data/v";

/// Registered with the connected app: what belongs to the key that the configuration has.
const PUBLIC_KEY: &[u8] = include_bytes!("../../../plugins/auth/tests/keys/rsa.pub.pem");

/// Tokens given out by all of them: no two are the same, as tokens are kept for all who ask the same endpoint.
static TOKENS: AtomicU32 = AtomicU32::new(0);

/// An organisation: its contacts by their external id, and what it does not take.
#[derive(Default)]
struct Organisation {
    contacts: Mutex<BTreeSet<String>>,
    /// The first token that it sees is taken back.
    revokes: bool,
    revoked: Mutex<Option<String>>,
    /// Versions that were retired.
    retired: &'static [&'static str],
    /// The first answer is lost.
    forgets: bool,
}

fn error(status: u16, code: &str) -> Scripted {
    ask::json(status, &json!([{ "message": "It is said in words, too.", "errorCode": code }]))
}

impl Organisation {
    fn answer(&self, ask: &Ask<'_>) -> Scripted {
        if ask.line() == TOKEN {
            return token(ask);
        }
        match ask.line().strip_prefix(DATA).and_then(|rest| rest.split_once("/sobjects/Contact/")) {
            Some((version, rest)) => match rest.strip_prefix("Shop_Id__c/") {
                Some(id) => self.upsert(ask, version, id),
                None => error(404, "NOT_FOUND"),
            },
            None => error(404, "NOT_FOUND"),
        }
    }

    fn upsert(&self, ask: &Ask<'_>, version: &str, id: &str) -> Scripted {
        // https://developer.salesforce.com/docs/platform/api-rest/guide/errorcodes.html: a session that is gone, a
        // resource that was retired.
        let mut revoked = self.revoked.lock().unwrap();
        if self.revokes && revoked.is_none() {
            *revoked = Some(ask.bearer().to_owned());
        }
        if !ask.bearer().starts_with("00Dxx!") || revoked.as_deref() == Some(ask.bearer()) {
            return error(401, "INVALID_SESSION_ID");
        }
        if self.retired.contains(&version) {
            return error(410, "UNSUPPORTED_API_VERSION");
        }
        // https://developer.salesforce.com/docs/platform/api-rest/guide/dome-upsert.html: the external id stands in the
        // URL alone; 201 where there was none, 200 where there was.
        let contact = ask.json();
        if !contact["Shop_Id__c"].is_null() || !contact["Id"].is_null() {
            return error(400, "INVALID_FIELD");
        }
        if contact["LastName"].as_str().is_none_or(str::is_empty) {
            return error(400, "REQUIRED_FIELD_MISSING");
        }
        let created = self.contacts.lock().unwrap().insert(id.to_owned());
        if created && self.forgets {
            return Scripted::reset_after();
        }
        let told = json!({ "id": "003xx000004TmiQAAS", "success": true, "errors": [], "created": created });
        ask::json(if created { 201 } else { 200 }, &told)
    }
}

/// <https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_jwt_flow.htm>
fn token(ask: &Ask<'_>) -> Scripted {
    let refused = |says: &str| {
        ask::json(400, &json!({ "error": "invalid_grant", "error_description": says }))
    };
    let form = ask.form();
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    if field("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
        return ask::json(400, &json!({ "error": "unsupported_grant_type" }));
    }
    // https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_jwt_flow.htm: RS256, the login server as
    // its audience, the consumer key as its issuer, a user who has approved the app, and good for some minutes.
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_audience(&[LOGIN]);
    rules.set_issuer(&[standin("SALESFORCE_CONSUMER_KEY")]);
    // Time is virtual.
    rules.validate_exp = false;
    let key = DecodingKey::from_rsa_pem(PUBLIC_KEY).unwrap();
    let Ok(assertion) = decode::<Value>(field("assertion"), &key, &rules) else {
        return refused("invalid assertion");
    };
    let claims = assertion.claims;
    if claims["sub"] != standin("SALESFORCE_USER") {
        return refused("user hasn't approved this consumer");
    }
    let of = |name: &str| claims[name].as_i64().unwrap_or_default();
    if !(1..=300).contains(&(of("exp") - of("iat"))) {
        return refused("expired authorization code");
    }
    let number = TOKENS.fetch_add(1, Ordering::Relaxed);
    ask::json(
        200,
        &json!({ "access_token": format!("00Dxx!{number}"), "token_type": "Bearer", "scope": "api" }),
    )
}

fn of(organisation: Organisation) -> Mock {
    Box::new(move |ask| organisation.answer(ask))
}

fn salesforce() -> Mock {
    of(Organisation::default())
}

fn forgetful() -> Mock {
    of(Organisation { forgets: true, ..Organisation::default() })
}

fn revoking() -> Mock {
    of(Organisation { revokes: true, ..Organisation::default() })
}

fn newer() -> Mock {
    of(Organisation { retired: &["64.0"], ..Organisation::default() })
}

/// All requests of the last 24 hours are used up, for half an hour.
/// <https://developer.salesforce.com/docs/platform/api-rest/guide/errorcodes.html>
fn used_up() -> Mock {
    let (throttle, organisation) =
        (Throttle::new(Duration::from_secs(1_500)), Organisation::default());
    Box::new(move |ask| match ask.line().starts_with(DATA) && throttle.refuses() {
        true => error(403, "REQUEST_LIMIT_EXCEEDED"),
        false => organisation.answer(ask),
    })
}

/// Somebody else changes that contact.
/// <https://developer.salesforce.com/docs/platform/api-rest/guide/errorcodes.html>
fn locked() -> Mock {
    let (throttle, organisation) =
        (Throttle::new(Duration::from_millis(1)), Organisation::default());
    Box::new(move |ask| match ask.line().starts_with(DATA) && throttle.refuses() {
        true => error(400, "UNABLE_TO_LOCK_ROW"),
        false => organisation.answer(ask),
    })
}

/// What is captured of a contact that was made.
const MADE: &str = r#"created: true, id: "003xx000004TmiQAAS""#;

pub(super) fn example() -> Example {
    let payload =
        json!({ "customer": { "id": "c-7", "name": "Lovelace", "email": "ada@example.com" } });
    let expected = r#"delivered [201] created: true, id: "003xx000004TmiQAAS""#;
    Example::new("salesforce.yaml", payload, salesforce, expected)
}

#[tokio::test(start_paused = true)]
async fn a_contact_is_made_once() {
    let example = example();
    example.stands().await;
    let changed = r#"delivered [- 200] created: false, id: "003xx000004TmiQAAS""#;
    example.at(forgetful, changed).await;
    example.at(revoking, &format!("delivered [401 201] {MADE}")).await;
    example.at(newer, &format!("delivered [410 201] {MADE}")).await;
    example.at(used_up, &format!("delivered [403 403 201] {MADE}")).await;
    example.at(locked, &format!("delivered [400 201] {MADE}")).await;
}

#[tokio::test(start_paused = true)]
async fn what_it_refuses() {
    let example = example();
    let refused =
        |status, code| format!("failed (refused by the API) [{status}] error: \"{code}\"");
    example.broken("{ LastName:", "{ Name:", &refused("400", "REQUIRED_FIELD_MISSING")).await;
    example
        .broken(
            "{ LastName:",
            "{ Shop_Id__c: .customer.id, LastName:",
            &refused("400", "INVALID_FIELD"),
        )
        .await;
    example.broken("Shop_Id__c/", "Other__c/", &refused("404 404", "NOT_FOUND")).await;
    // Without the rules, both would be refused for good.
    let rule = ("REQUEST_LIMIT_EXCEEDED", "OTHER");
    example.broken_at(used_up, rule, &refused("403", "REQUEST_LIMIT_EXCEEDED")).await;
    for (from, to) in [
        ("sub: \"${env:SALESFORCE_USER}\"", "sub: somebody"),
        ("aud: \"https://login.salesforce.com\"", "aud: \"https://acme.my.salesforce.com\""),
        ("RS256", "PS256"),
        ("lifetime: 3m", "lifetime: 301s"),
    ] {
        example.broken(from, to, "failed (not authorised) [-]").await;
    }
}
