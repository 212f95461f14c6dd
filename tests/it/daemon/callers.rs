//! Who may call, and what: keys, scopes, routes, rates.

use std::time::Duration;

use fanfare::{
    daemon::{
        DaemonLimits, Need,
        callers::{Editing, Keys, NewKey, Scope},
    },
    sdk::Timestamp,
};
use fanfare_testkit::Scripted;
use serde_json::Value;
use tempfile::TempDir;

use super::stage::{Answer, BEGUN, Stage};

const SEND: &str = "POST /v1/broadcasts";
const SIGNUP: &str = r#"{"route":"signup","payload":1}"#;
const BOTH: &str = r#"{"route":"both","payload":1}"#;

/// A daemon that asks for keys, and the file that they stand in.
struct Guarded {
    stage: Stage,
    folder: TempDir,
}

impl Guarded {
    async fn new(crm: &[Scripted], audit: &[Scripted]) -> Self {
        Self::limited(crm, audit, DaemonLimits::default()).await
    }

    async fn limited(crm: &[Scripted], audit: &[Scripted], limits: DaemonLimits) -> Self {
        let stage = Stage::limited(crm, audit, limits).await;
        stage.daemon.ask_for_keys(&Keys::default());
        Self { stage, folder: TempDir::new().unwrap() }
    }

    fn edit(&self) -> Editing {
        Editing::begin(&self.folder.path().join("keys.json")).unwrap()
    }

    fn read_again(&self) {
        self.stage.daemon.ask_for_keys(self.edit().keys());
    }

    /// A new key, as its caller has it.
    fn key(&self, new: NewKey) -> String {
        let token = self.edit().create(new, Timestamp::from_secs(BEGUN)).unwrap();
        self.read_again();
        token.expose().to_owned()
    }

    async fn ask(&self, key: &str, line: &str, body: &str) -> Answer {
        self.stage.ask(line, &[("authorization", &format!("Bearer {key}"))], body).await
    }

    async fn told(&self, key: &str, line: &str, body: &str) -> String {
        self.ask(key, line, body).await.told()
    }

    /// Sends, waits until all has settled, and gives the id.
    async fn sent(&self, key: &str, body: &str) -> String {
        let auth = format!("Bearer {key}");
        let headers = [("authorization", auth.as_str()), ("prefer", "wait=60")];
        let answer = self.stage.ask(SEND, &headers, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        let line = format!("GET /v1/broadcasts/{id}?until=settled");
        self.stage.ask(&line, &headers, "").await;
        id
    }
}

fn new(name: &str, scopes: &[Scope], routes: &[&str]) -> NewKey {
    let mut new = NewKey::new(name);
    new.scopes = scopes.to_vec();
    new.routes = routes.iter().map(|route| (*route).to_owned()).collect();
    new.rate = 1_000;
    new
}

fn ok() -> [Scripted; 1] {
    [Scripted::status(200)]
}

fn refused() -> [Scripted; 1] {
    [Scripted::status(422)]
}

#[tokio::test(start_paused = true)]
async fn no_path_is_open_without_a_key_and_its_scope() {
    let guarded = Guarded::new(&ok(), &ok()).await;
    let id = "01a20b57-c9e3-7e3b-a413-ceed09d7b817";
    let mut walked = 0;
    for declared in guarded.stage.daemon.paths() {
        let path = declared.path.replace("{id}", id).replace("{name}", "crm");
        let path = path.replace("{route}", "signup");
        assert!(!path.contains('{'), "{path}: what stands for its parameter?");
        let line = format!("{} {path}", declared.method);
        let bare = guarded.stage.ask(&line, &[], "").await;
        let (scope, whole) = match declared.need {
            Need::Nothing => {
                assert_eq!(bare.status, 200, "{line}");
                assert!(["/healthz", "/readyz"].contains(&declared.path), "{line} is open");
                continue;
            }
            Need::Scope(scope) => (scope, false),
            Need::Whole(scope) => (scope, true),
        };
        assert_eq!(bare.status, 401, "{line}");
        assert_eq!(bare.header("www-authenticate"), Some("Bearer"), "{line}");
        let others = Scope::ALL.into_iter().filter(|other| *other != scope).collect::<Vec<_>>();
        let wrong = guarded.key(new("wrong", &others, &[]));
        let expected = format!("403 not-allowed: the key does not have the scope `{scope}`");
        assert_eq!(guarded.told(&wrong, &line, "").await, expected, "{line}");
        let right = guarded.key(new("right", &[scope], &[]));
        let answer = guarded.ask(&right, &line, "").await;
        assert!(![401, 403].contains(&answer.status.as_u16()), "{line}: {}", answer.text);
        let bound = guarded.key(new("bound", &[scope], &["signup"]));
        let answer = guarded.told(&bound, &line, "").await;
        let expected = "403 not-allowed: the key is bound to routes, and this concerns others too";
        assert_eq!(answer == expected, whole, "{line}: {answer}");
        walked += 1;
    }
    assert!(walked >= 14, "{walked} paths need a key");
    // What is there and what is not is not told either.
    for line in ["GET /v2/broadcasts", "DELETE /v1/broadcasts", "PUT /healthz", "GET /"] {
        assert_eq!(guarded.stage.ask(line, &[], "").await.status, 401, "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_is_wrong_with_a_key_the_answer_is_the_same() {
    let guarded = Guarded::new(&ok(), &ok()).await;
    let good = guarded.key(new("good", &Scope::ALL, &[]));
    let mut short = new("short", &Scope::ALL, &[]);
    short.expires = Some(Duration::from_secs(60));
    let short = guarded.key(short);
    let revoked = guarded.key(new("revoked", &Scope::ALL, &[]));
    assert_eq!(guarded.ask(&revoked, "GET /v1/broadcasts", "").await.status, 200);
    assert_eq!(guarded.ask(&short, "GET /v1/broadcasts", "").await.status, 200);
    drop(guarded.edit().revoke("revoked", Timestamp::from_secs(BEGUN)).unwrap());
    guarded.read_again();
    tokio::time::sleep(Duration::from_secs(60)).await;

    let swapped = format!("{}{}", &good[..21], &short[21..]);
    let bearer = |key: &str| format!("Bearer {key}");
    let line = "GET /v1/broadcasts";
    let missing = guarded.stage.ask(line, &[], "").await;
    for shown in [
        bearer(&revoked),
        bearer(&short),
        bearer(&swapped),
        bearer("ffk_0123456789abcdef_"),
        bearer(""),
        good.clone(),
        format!("Basic {good}"),
        format!("Bearer  {good} x"),
    ] {
        let answer = guarded.stage.ask(line, &[("authorization", &shown)], "").await;
        assert_eq!(answer.status, 401);
        assert_eq!((&answer.text, &answer.headers), (&missing.text, &missing.headers));
    }
    let twice = [("authorization", bearer(&good)), ("authorization", bearer(&good))];
    let twice = twice.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(guarded.stage.ask(line, &twice, "").await.text, missing.text);
    assert_eq!(guarded.ask(&good, line, "").await.status, 200, "and the good one is good");
    // The scheme has no case (RFC 9110, section 11.1).
    let lower = [("authorization", format!("bearer {good}"))];
    assert_eq!(guarded.stage.ask(line, &[(lower[0].0, &lower[0].1)], "").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_bound_to_a_route_has_to_do_with_nothing_else() {
    let guarded = Guarded::new(&refused(), &ok()).await;
    let all = guarded.key(new("all", &Scope::ALL, &[]));
    let bound = guarded.key(new("bound", &Scope::ALL, &["signup", "gone"]));
    let not_allowed =
        "403 not-allowed: the key is bound to other routes: `route` must be one of them";
    for body in [
        BOTH,
        r#"{"route":"nowhere","payload":1}"#,
        r#"{"to":["crm"],"payload":1}"#,
        r#"{"to":["nobody"],"payload":1}"#,
        r#"{"payload":1}"#,
    ] {
        assert_eq!(guarded.told(&bound, SEND, body).await, not_allowed, "{body}");
    }
    let (other, own) = (guarded.sent(&all, BOTH).await, guarded.sent(&bound, SIGNUP).await);
    let ids = async |key: &str, path: &str| {
        let page = guarded.ask(key, &format!("GET {path}"), "").await.json();
        let all: Vec<Value> = match (&page["broadcasts"], &page["dead_letters"]) {
            (Value::Array(all), _) | (_, Value::Array(all)) => all.clone(),
            _ => panic!("{page}"),
        };
        let id = |it: &Value| it["id"].as_str().or(it["broadcast"].as_str()).unwrap().to_owned();
        all.iter().map(id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&all, "/v1/broadcasts").await, [own.clone(), other.clone()]);
    assert_eq!(ids(&bound, "/v1/broadcasts").await, [own.as_str()]);
    assert_eq!(ids(&bound, "/v1/broadcasts?route=both").await, [""; 0]);
    assert_eq!(ids(&all, "/v1/dead-letters").await.len(), 2);
    assert_eq!(ids(&bound, "/v1/dead-letters").await, [own.as_str()]);

    for (method, tail) in [("GET", ""), ("POST", "/cancel"), ("POST", "/replay")] {
        let line = format!("{method} /v1/broadcasts/{other}{tail}");
        let nothing = format!("404 not-found: there is no broadcast `{other}`");
        assert_eq!(guarded.told(&bound, &line, "").await, nothing, "{line}");
    }
    let replay = "POST /v1/dead-letters/replay";
    let discard = "POST /v1/dead-letters/discard";
    for line in [replay, discard] {
        for body in ["{}", r#"{"target":"crm"}"#] {
            let body = body.replacen('{', r#"{"dry_run":true"#, 1).replace("true\"", "true,\"");
            let told = guarded.ask(&bound, line, &body).await.json();
            assert_eq!(told["dead_letters"], 1, "{line} {body}");
        }
        let body = format!(r#"{{"broadcast":"{other}"}}"#);
        assert_eq!(guarded.ask(&bound, line, &body).await.json()["dead_letters"], 0, "{line}");
    }
    assert_eq!(guarded.ask(&bound, discard, "{}").await.json()["dead_letters"], 1);
    assert_eq!(ids(&all, "/v1/dead-letters").await, [other.as_str()], "the other one stays");

    let names = async |path: &str, list: &str| {
        let told = guarded.ask(&bound, &format!("GET {path}"), "").await.json();
        let all = told[list].as_array().unwrap().iter();
        all.map(|it| it["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("/v1/routes", "routes").await, ["signup"]);
    assert_eq!(names("/v1/targets", "targets").await, ["audit", "crm"]);
    let view = guarded.ask(&bound, &format!("GET /v1/broadcasts/{own}"), "").await;
    assert_eq!(view.status, 200);
}

#[tokio::test(start_paused = true)]
async fn an_idempotency_key_is_the_callers_own() {
    let guarded = Guarded::new(&ok(), &ok()).await;
    let shop = guarded.key(new("shop", &Scope::ALL, &[]));
    // Its next key, before the first one is taken back.
    let shop_too = guarded.key(new("shop", &Scope::ALL, &[]));
    let other = guarded.key(new("shop2", &Scope::ALL, &[]));
    let send = async |key: &str, body: &str| {
        let auth = format!("Bearer {key}");
        let headers = [("authorization", auth.as_str()), ("idempotency-key", "7")];
        let answer = guarded.stage.ask(SEND, &headers, body).await;
        if answer.status == 202 { answer.json()["id"].to_string() } else { answer.told() }
    };
    let first = send(&shop, SIGNUP).await;
    assert_eq!(send(&shop_too, SIGNUP).await, first);
    let second = send(&other, SIGNUP).await;
    assert_ne!(second, first);
    assert_eq!(send(&other, SIGNUP).await, second);
    assert!(send(&other, BOTH).await.starts_with("422 idempotency-key-reused"));
}

#[tokio::test(start_paused = true)]
async fn a_key_has_its_rate() {
    let guarded = Guarded::new(&ok(), &ok()).await;
    let mut slow = new("slow", &[Scope::Read], &[]);
    slow.rate = 2;
    let slow = guarded.key(slow);
    let other = guarded.key(new("other", &[Scope::Read], &[]));
    let line = "GET /v1/routes";
    for left in ["\"requests\";r=1;t=1", "\"requests\";r=0;t=1"] {
        let answer = guarded.ask(&slow, line, "").await;
        assert_eq!((answer.status.as_u16(), answer.header("ratelimit")), (200, Some(left)));
        let policy = "\"requests\";q=2;w=1, \"at-once\";q=20;qu=\"concurrent-requests\"";
        assert_eq!(answer.header("ratelimit-policy"), Some(policy));
    }
    // Whatever he asks for.
    for line in [line, SEND] {
        let answer = guarded.ask(&slow, line, "").await;
        assert_eq!(answer.told(), "429 rate-limited: the key allows 2 requests a second");
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(answer.header("ratelimit"), Some("\"requests\";r=0;t=1"));
    }
    assert_eq!(guarded.ask(&other, line, "").await.status, 200);
    // What was used stays used when the file is read again.
    guarded.read_again();
    assert_eq!(guarded.ask(&slow, line, "").await.status, 429);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(guarded.ask(&slow, line, "").await.status, 200);
    assert_eq!(guarded.ask(&slow, line, "").await.status, 429);
    assert_eq!(guarded.stage.get("/healthz").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_key_has_so_many_requests_at_once() {
    let guarded = Guarded::new(&[Scripted::hang()], &ok()).await;
    let mut one = new("one", &Scope::ALL, &[]);
    one.in_flight = 1;
    let one = guarded.key(one);
    let auth = format!("Bearer {one}");
    let headers = [("authorization", auth.as_str()), ("prefer", "wait=5")];
    let waiting = guarded.stage.ask(SEND, &headers, r#"{"to":["crm"],"payload":1}"#);
    let meanwhile = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        guarded.ask(&one, "GET /v1/routes", "").await
    };
    let (waited, refused) = tokio::join!(waiting, meanwhile);
    assert_eq!(waited.status, 202);
    assert_eq!(refused.told(), "429 rate-limited: the key allows 1 requests at once");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(guarded.ask(&one, "GET /v1/routes", "").await.status, 200, "it is given back");
}

#[tokio::test(start_paused = true)]
async fn strangers_are_told_whether_it_is_ready_and_not_why() {
    let guarded = Guarded::new(&[], &[]).await;
    let key = guarded.key(new("key", &[Scope::Send], &[]));
    guarded.stage.daemon.drain();
    let told = guarded.stage.get("/readyz").await;
    assert_eq!((told.status.as_u16(), &told.json()["reasons"]), (503, &serde_json::json!([])));
    let told = guarded.ask(&key, "GET /readyz", "").await.json();
    assert_eq!(told["reasons"], serde_json::json!(["the daemon is ending"]));
    let told = guarded.ask("ffk_x", "GET /readyz", "").await.json();
    assert_eq!(told["reasons"], serde_json::json!([]));
}

#[tokio::test(start_paused = true)]
async fn with_keys_any_name_of_the_daemon_is_right_and_pages_are_kept_out() {
    let guarded = Guarded::new(&ok(), &ok()).await;
    let auth = format!("Bearer {}", guarded.key(new("key", &Scope::ALL, &[])));
    let line = "GET /v1/routes";
    let named = [("authorization", auth.as_str()), ("host", "fanfare.example")];
    assert_eq!(guarded.stage.ask(line, &named, "").await.status, 200);
    let page = [("authorization", auth.as_str()), ("origin", "https://page.example")];
    assert_eq!(guarded.stage.ask(line, &page, "").await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn requests_at_once_and_waits_have_their_limits() {
    let mut limits = DaemonLimits::default();
    (limits.requests_max, limits.waits_max) = (2, 1);
    let stage = Stage::limited(&[Scripted::hang()], &ok(), limits).await;
    let wait = [("prefer", "wait=5")];
    let body = r#"{"to":["crm"],"payload":1}"#;
    let later = async |after: u64| {
        tokio::time::sleep(Duration::from_secs(after)).await;
        let begun = stage.engine.now();
        let answer = stage.ask(SEND, &wait, body).await;
        (answer, stage.engine.now().since(begun))
    };
    let (first, second, third) = tokio::join!(stage.ask(SEND, &wait, body), later(1), async {
        (later(2).await.0, later(10).await.0)
    },);
    assert_eq!((first.status.as_u16(), first.header("preference-applied")), (202, Some("wait=5")));
    // Somebody waits already: it is accepted, and answered at once.
    let (second, took) = second;
    assert_eq!((second.status.as_u16(), second.header("preference-applied")), (202, None));
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(third.0.status, 202);
    assert_eq!(third.1.header("preference-applied"), Some("wait=5"), "the turn is given back");
}

#[tokio::test(start_paused = true)]
async fn more_requests_than_there_may_be_at_once_are_told_so() {
    let mut limits = DaemonLimits::default();
    limits.requests_max = 1;
    let stage = Stage::limited(&[Scripted::hang()], &ok(), limits).await;
    let meanwhile = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let lives = stage.get("/healthz").await.status;
        (lives, stage.get("/v1/routes").await)
    };
    let body = r#"{"to":["crm"],"payload":1}"#;
    let (waited, (lives, refused)) =
        tokio::join!(stage.ask(SEND, &[("prefer", "wait=5")], body), meanwhile);
    assert_eq!((waited.status.as_u16(), lives.as_u16()), (202, 200));
    assert_eq!(refused.told(), "503 full: too many requests are being answered");
    assert_eq!(refused.header("retry-after"), Some("5"));
    assert_eq!(stage.get("/v1/routes").await.status, 200);
}
