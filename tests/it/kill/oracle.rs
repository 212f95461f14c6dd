//! Keeps what the daemon has said, and compares it with what there is in the end.

use std::{collections::HashMap, net::SocketAddr, path::Path, time::Duration};

use serde_json::Value;
use tempfile::TempDir;
use tokio::{task::JoinSet, time::sleep};

use super::api::{Api, Deed};
use crate::child::{Daemon, ask};

/// Clients at the same time.
const CLIENTS: u64 = 4;

/// The targets, by whether a repeat does harm; one of them is paused for some of the time.
const TARGETS: [(&str, &str); 3] =
    [("safe", "same_endpoint"), ("once", "never"), ("held", "same_endpoint")];

/// The target that is notified.
const OPS: (&str, &str) = ("ops", "same_endpoint");

/// What was said yes to: the id, by the caller's key.
type Yes = HashMap<String, String>;

/// What is compared.
pub(super) struct Oracle {
    seed: u64,
    random: fastrand::Rng,
    api: Api,
    folder: TempDir,
    yes: Yes,
    /// Keys whose request was not answered.
    unsure: Vec<String>,
    is_held: bool,
    next: u64,
    disk: Option<Disk>,
    lives: usize,
}

/// The master keys of a journal that is sealed, by the variables that they stand in.
const KEYS: [(&str, &str); 2] = [
    ("FIRST_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
    ("SECOND_KEY", "HwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHgA="),
];

/// A disk that loses what was not synced.
pub(super) trait Loses {
    /// What a process needs in its environment to write there.
    fn variables(&self) -> Vec<(String, String)>;

    /// The power is gone, and comes back.
    fn lose(&self);
}

type Disk = Box<dyn Loses + Send>;

/// How much there was to compare.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Compared {
    pub(super) broadcasts: usize,
    pub(super) requests: usize,
    pub(super) unanswered: usize,
    /// Broadcasts of which somebody was notified.
    pub(super) told: usize,
}

fn config(folder: &Path, api: SocketAddr) {
    let target = |(name, repeat): (&str, &str)| {
        format!(
            "  {name}:\n    kind: http\n    url: http://{api}/{name}\n    repeat: {repeat}\n    timeout: 2s\n    \
             breaker: false\n    throttle: {{ pause: 1ms, pause_max: 5ms }}\n    \
             retry: {{ attempts: 6, budget: false, backoff: {{ initial: 1ms, max: 20ms }} }}\n"
        )
    };
    let targets: String = TARGETS.into_iter().chain([OPS]).map(target).collect();
    let text = format!(
        "engine: {{ retry_budget: false }}\ntargets:\n{targets}routes:\n  all: {{ to: [safe, once, held] }}\n  \
         told: {{ to: [safe, once, held], notify: ops }}\n"
    );
    std::fs::write(folder.join("fanfare.yaml"), text).unwrap();
}

impl Oracle {
    pub(super) async fn new(seed: u64) -> Self {
        let (api, folder) = (Api::start(seed).await, TempDir::new().unwrap());
        config(folder.path(), api.address);
        Self {
            seed,
            random: fastrand::Rng::with_seed(seed),
            api,
            folder,
            yes: Yes::new(),
            unsure: Vec::new(),
            is_held: false,
            next: 0,
            disk: None,
            lives: 0,
        }
    }

    /// Every second journal is sealed.
    fn is_sealed(&self) -> bool {
        self.seed.is_multiple_of(2)
    }

    /// Its folder, for a disk.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// With every kill the power is gone too.
    pub(super) fn on(mut self, disk: impl Loses + Send + 'static) -> Self {
        self.disk = Some(Box::new(disk));
        self
    }

    async fn start(&mut self) -> Daemon {
        let mut variables = self.disk.as_ref().map(|disk| disk.variables()).unwrap_or_default();
        variables.extend(KEYS.map(|(name, key)| (name.to_owned(), key.to_owned())));
        // With each life another key is the one that seals.
        self.lives += 1;
        let (first, second) = (KEYS[self.lives % 2].0, KEYS[(self.lives + 1) % 2].0);
        let keys = ["--master-key-env", first, "--master-key-env", second];
        let args = if self.is_sealed() { &keys[..] } else { &[] };
        Daemon::start_with(self.folder.path(), &variables, args).await
    }

    /// Whether a payload stands in the journal's files as it is.
    fn is_legible(&self) -> bool {
        let files = ["fanfare.db", "fanfare.db-wal"].map(|it| self.folder.path().join(it));
        let legible = |bytes: Vec<u8>| bytes.windows(12).any(|it| it == b"{\"key\":\"key ");
        files.iter().filter_map(|it| std::fs::read(it).ok()).any(legible)
    }

    /// One life of the daemon: it works until it is killed.
    pub(super) async fn live(&mut self) {
        let daemon = self.start().await;
        let address = daemon.address;
        let targets = ask(address, "GET /v1/targets", "", "").await.unwrap().1;
        let held = targets["targets"].as_array().unwrap().iter().find(|it| it["name"] == "held");
        assert_eq!(
            held.unwrap()["state"] == "paused",
            self.is_held,
            "seed {}: a pause is not forgotten",
            self.seed
        );
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            // What was not answered is asked again, and some of what was.
            let mut again: Vec<_> = self.unsure.pop().into_iter().collect();
            let known = self.yes.len();
            if known > 0 && self.random.bool() {
                again.extend(self.yes.keys().nth(self.random.usize(..known)).cloned());
            }
            clients.spawn(client(address, self.next, again));
            self.next += 1_000_000;
        }
        let life = Duration::from_millis(self.random.u64(5..150));
        let lever = self.random.u32(..4) == 0;
        if lever {
            sleep(life / 2).await;
            let verb = if self.is_held { "resume" } else { "pause" };
            let line = format!("POST /v1/targets/held/{verb}");
            if let Ok((204, _)) = ask(address, &line, "", "").await {
                self.is_held = !self.is_held;
            }
        } else {
            sleep(life).await;
        }
        daemon.kill().await;
        if let Some(disk) = &self.disk {
            disk.lose();
        }
        while let Some(told) = clients.join_next().await {
            let (yes, unsure) = told.unwrap();
            for (key, id) in yes {
                let before = self.yes.insert(key.clone(), id.clone());
                let same = before.as_ref().is_none_or(|before| *before == id);
                assert!(same, "seed {}: {key} was {before:?} and is {id}", self.seed);
            }
            self.unsure.extend(unsure);
        }
    }

    /// The last life: everything may end. Compares it with what was said.
    pub(super) async fn compare(mut self) -> Compared {
        let daemon = self.start().await;
        let address = daemon.address;
        if self.is_held {
            ask(address, "POST /v1/targets/held/resume", "", "").await.unwrap();
        }
        let unanswered = self.unsure.len();
        for key in std::mem::take(&mut self.unsure) {
            if let (Some((key, id)), _) = one(address, key).await {
                self.yes.insert(key, id);
            }
        }
        let all = self.at_rest(address).await;
        for (key, id) in &self.yes {
            let line = format!("GET /v1/broadcasts/{id}");
            let (status, report) = ask(address, &line, "", "").await.unwrap();
            assert_eq!(status, 200, "seed {}: {key} was accepted as {id}", self.seed);
            self.check(&report);
        }
        // Also those that nobody was told of: whole, and ended.
        for summary in &all {
            let line = format!("GET /v1/broadcasts/{}", summary["id"].as_str().unwrap());
            self.check(&ask(address, &line, "", "").await.unwrap().1);
        }
        assert_eq!(self.is_legible(), !self.is_sealed(), "seed {}: sealed or not", self.seed);
        let told = self.notices(&all);
        let requests = self.api.requests();
        Compared { broadcasts: self.yes.len(), requests, unanswered, told }
    }

    /// Waits until nothing is open and all are notified. Gives all broadcasts.
    async fn at_rest(&self, address: SocketAddr) -> Vec<Value> {
        for _ in 0..3_000 {
            let all = list(address).await;
            let told = all.iter().filter(|it| it["route"] == "told").count();
            let notices = all.iter().filter(|it| !it["notice_of"].is_null()).count();
            let is_open = all.iter().any(|it| it["settled_at"].is_null());
            if !is_open && notices >= 2 * told {
                return all;
            }
            sleep(Duration::from_millis(20)).await;
        }
        panic!("seed {}: it does not come to an end", self.seed)
    }

    /// Of each broadcast of that route there is one notice of its verdict and one of its end, and they have come; of the
    /// others there is none. Says of how many.
    fn notices(&self, all: &[Value]) -> usize {
        let text = |it: &Value, key: &str| it[key].as_str().unwrap_or_default().to_owned();
        for it in all.iter().filter(|it| it["notice_of"].is_null()) {
            let (id, expected) = (text(it, "id"), usize::from(it["route"] == "told"));
            let accepted = all.iter().filter(|other| text(other, "notice_of") == id).count();
            assert_eq!(accepted, 2 * expected, "seed {}: notices of {id}", self.seed);
            for kind in ["fanfare.broadcast.verdict", "fanfare.broadcast.settled"] {
                let came = self.api.notices(&id, kind);
                assert_eq!(came, expected, "seed {}: {kind} of {id}", self.seed);
            }
        }
        all.iter().filter(|it| it["route"] == "told").count()
    }

    fn check(&self, report: &Value) {
        let say = |says: &str| panic!("seed {}: {says}: {report:#}", self.seed);
        let deliveries = report["deliveries"].as_array().unwrap();
        let recipients = if report["notice_of"].is_null() { &TARGETS[..] } else { &[OPS] };
        if deliveries.len() != recipients.len() || report["verdict"].is_null() {
            say("it is not whole");
        }
        for (delivery, (name, repeat)) in deliveries.iter().zip(recipients) {
            let attempts = delivery["attempts"].as_array().unwrap();
            let key = attempts.first().map(|it| it["idempotency_key"].as_str().unwrap());
            if attempts.iter().any(|it| it["idempotency_key"].as_str() != key) {
                say("the key has changed");
            }
            let deeds = self.api.deeds(&format!("/{name}"), key.unwrap_or_default());
            let applied = deeds.iter().filter(|deed| **deed == Deed::Applied).count();
            match delivery["outcome"].as_str() {
                Some("delivered") if applied == 0 => say("delivered, and never applied"),
                Some("failed") if applied > 0 => say("failed for certain, and applied"),
                Some("delivered" | "failed" | "indeterminate") => {}
                _ => say("it has no outcome that was to be expected"),
            }
            if *repeat == "never" && applied > 1 {
                say("applied twice where a repeat is not safe");
            }
            if *repeat == "never" && deeds.iter().rev().skip(1).any(|deed| *deed == Deed::Applied) {
                say("sent again after it may have been applied");
            }
        }
    }
}

/// Sends one broadcast after the other until nobody answers. Gives what was accepted, and what was not answered.
async fn client(
    address: SocketAddr,
    first: u64,
    again: Vec<String>,
) -> (Vec<(String, String)>, Vec<String>) {
    let (mut yes, mut keys) =
        (Vec::new(), again.into_iter().chain((first..).map(|it| format!("key {it}"))));
    loop {
        let Some(key) = keys.next() else { return (yes, Vec::new()) };
        match one(address, key).await {
            (Some(told), _) => yes.push(told),
            (None, key) => return (yes, vec![key]),
        }
    }
}

async fn one(address: SocketAddr, key: String) -> (Option<(String, String)>, String) {
    // Of every second one somebody is notified.
    let route = if key.ends_with(['1', '3', '5', '7', '9']) { "told" } else { "all" };
    let body = format!(r#"{{"route":"{route}","payload":{{"key":"{key}"}}}}"#);
    let headers = format!("idempotency-key: \"{key}\"\r\n");
    loop {
        match ask(address, "POST /v1/broadcasts", &headers, &body).await {
            Ok((200 | 202, told)) => {
                let id = told["id"].as_str().unwrap().to_owned();
                return (Some((key.clone(), id)), key);
            }
            // Another client asks for the same one.
            Ok((409, _)) => sleep(Duration::from_millis(1)).await,
            Ok((status, told)) => panic!("{status} {told}"),
            Err(_) => return (None, key),
        }
    }
}

/// All broadcasts, a page after the other.
async fn list(address: SocketAddr) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let line = format!("GET /v1/broadcasts?limit=1000{cursor}");
        let mut page = ask(address, &line, "", "").await.unwrap().1;
        all.append(page["broadcasts"].as_array_mut().unwrap());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}
