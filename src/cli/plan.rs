//! What a person typed, checked: everything that is wrong is told at once, and nothing is sent.

use std::{
    collections::HashSet,
    fs::File,
    io::{self, Read},
    time::Duration,
};

use fanfare_auth::Bearer;
use fanfare_http::{HttpSettings, HttpTarget};
use fanfare_sdk::{Payload, Secret};

use super::{args::SendArgs, duration};
use crate::{
    engine::{Broadcast, Target},
    policy::Retry,
    report::Rest,
};

/// Bytes of a payload. More of it belongs into a file that the APIs fetch.
const PAYLOAD_BYTES_MAX: u64 = 64 << 20;

/// What is to be sent, and to whom.
#[derive(Debug)]
pub(super) struct SendPlan {
    pub(super) targets: Vec<Target>,
    pub(super) broadcast: Broadcast,
}

/// Checks everything.
pub(super) fn plan(args: &SendArgs) -> Result<SendPlan, Vec<String>> {
    let mut wrong = Wrong::default();
    let headers = headers(&args.header, &mut wrong);
    let payload = payload(args, &headers, &mut wrong);
    let timeout = wrong.take(duration::parse("--timeout", &args.timeout));
    let deadline = args.deadline.as_ref().map(|text| duration::parse("--deadline", text));
    let deadline = deadline.and_then(|parsed| wrong.take(parsed));
    let bearer = args.bearer_env.as_ref().and_then(|name| wrong.take(bearer(name)));
    if timeout.is_some_and(|timeout| timeout.is_zero()) {
        wrong.0.push("--timeout: must be longer than zero".into());
    }
    if args.attempts == 0 {
        wrong.0.push("--attempts: must be at least 1".into());
    }
    if args.to.is_empty() {
        wrong.0.push("nobody to send to: add `--to URL`".into());
    }
    let mut seen = HashSet::new();
    let mut apis = Vec::new();
    for (place, url) in args.to.iter().enumerate() {
        let mut name = name(url);
        if args.to[..place].contains(url) {
            wrong.0.push(format!("--to: `{name}` is given twice"));
        }
        // Another query, or another scheme: another target.
        if !seen.insert(name.clone()) {
            name = format!("{name} #{}", place + 1);
        }
        if let Some(api) = wrong.take_all(api(args, url, &headers)) {
            apis.push((name, api));
        }
    }
    // What is wrong with a method or a header is wrong for every URL.
    let mut told = HashSet::new();
    wrong.0.retain(|says| told.insert(says.clone()));
    let (Some(payload), Some(timeout), true) = (payload, timeout, wrong.0.is_empty()) else {
        return Err(wrong.0);
    };
    let mut broadcast = Broadcast::new(payload);
    let retry = || Retry { attempts_max: args.attempts, ..Retry::default() };
    let mut targets = Vec::new();
    for (name, api) in apis {
        broadcast = broadcast.to(name.as_str());
        let target = Target::http(name, api).timeout(timeout).retry(retry());
        targets.push(match &bearer {
            Some(bearer) => target.auth(bearer.clone()),
            None => target,
        });
    }
    Ok(SendPlan { targets, broadcast: until(broadcast, deadline, args) })
}

fn until(mut broadcast: Broadcast, deadline: Option<Duration>, args: &SendArgs) -> Broadcast {
    if let Some(deadline) = deadline {
        broadcast = broadcast.deadline(deadline).rest(Rest::Cancel);
    }
    match &args.idempotency_key {
        Some(key) => broadcast.idempotency_key(key),
        None => broadcast,
    }
}

/// Everything that is wrong.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn take<T>(&mut self, checked: Result<T, String>) -> Option<T> {
        checked.map_err(|says| self.0.push(says)).ok()
    }

    fn take_all<T>(&mut self, checked: Result<T, Vec<String>>) -> Option<T> {
        checked.map_err(|says| self.0.extend(says)).ok()
    }
}

fn api(
    args: &SendArgs,
    url: &str,
    headers: &[(String, String)],
) -> Result<HttpTarget, Vec<String>> {
    if !url.contains("://") {
        // Without user info and query: they may be secrets.
        let shown = name(url);
        return Err(vec![format!(
            "--to: `{shown}` has no scheme: `http://{shown}` would be right"
        )]);
    }
    if url.contains("{version}") {
        return Err(vec!["--to: has a `{version}`: write the version that is meant".to_owned()]);
    }
    let mut settings = HttpSettings::new(args.method.as_str(), url);
    for (name, value) in headers {
        settings = settings.header(name, value);
    }
    let at = |pointer: &str| match pointer.split('/').nth(1) {
        Some("method") => "--method".to_owned(),
        Some("headers") => format!("--header {}", pointer.trim_start_matches("/headers/")),
        _ => format!("--to {}", fanfare_sdk::check::masked_url(url)),
    };
    let says = |error: &fanfare_sdk::SettingError| {
        let says = format!("{}: {}", at(&error.pointer), error.message);
        let instead = "use `--bearer-env NAME` or `--header`";
        says.replace("use `auth` (basic)", instead).replace("use `auth` (api_key)", instead)
    };
    settings.build().map_err(|errors| errors.iter().map(says).collect())
}

/// Host, port and path: what tells one URL from another for a person.
fn name(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    rest.trim_end_matches('/').to_owned()
}

fn headers(typed: &[String], wrong: &mut Wrong) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = Vec::new();
    for header in typed {
        // The value is not told: it may be a secret.
        let Some((name, value)) = header.split_once(':') else {
            wrong.0.push("--header: has no `:`: `NAME: VALUE` would be right".into());
            continue;
        };
        let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
        if headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name)) {
            wrong.0.push(format!("--header: `{name}` is given twice"));
        }
        headers.push((name, value));
    }
    headers
}

fn bearer(name: &str) -> Result<Bearer, String> {
    let token = std::env::var(name).map_err(|_| {
        format!("--bearer-env: the environment variable `{name}` is not set: `export {name}=…` would be right")
    })?;
    Bearer::try_new(&Secret::new(token)).map_err(|error| format!("--bearer-env: `{name}`: {error}"))
}

fn payload(args: &SendArgs, headers: &[(String, String)], wrong: &mut Wrong) -> Option<Payload> {
    let without = ["GET", "HEAD"].contains(&args.method.as_str());
    let typed = match (&args.payload, without) {
        (Some(_), true) => {
            wrong.0.push(format!(
                "a {} carries no payload: leave it out, or use another --method",
                args.method
            ));
            return None;
        }
        (None, true) => return Some(Payload::new("application/octet-stream", "")),
        (None, false) => {
            wrong.0.push(
                "no payload: give it as it is, as `@FILE`, or as `-` for standard input".into(),
            );
            return None;
        }
        (Some(typed), false) => typed,
    };
    let bytes = wrong.take(read(typed))?;
    let written = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let content_type = written.map_or("application/json", |(_, value)| value.as_str());
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || essence.ends_with("+json") {
        wrong.take(is_json(&bytes))?;
    }
    Some(Payload::new(content_type, bytes))
}

fn is_json(bytes: &[u8]) -> Result<(), String> {
    match serde_json::from_slice::<serde::de::IgnoredAny>(bytes) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!(
            "the payload is not JSON ({error}): mend it, or say what it is with --header 'content-type: text/plain'"
        )),
    }
}

fn read(typed: &str) -> Result<Vec<u8>, String> {
    let (what, source): (_, Box<dyn Read>) = match typed.strip_prefix('@') {
        Some(path) => {
            let file = File::open(path)
                .map_err(|error| format!("the payload's file `{path}`: {error}"))?;
            (format!("the payload's file `{path}`"), Box::new(file))
        }
        None if typed == "-" => ("standard input".to_owned(), Box::new(io::stdin().lock())),
        None => return Ok(typed.as_bytes().to_vec()),
    };
    let mut bytes = Vec::new();
    let read = source.take(PAYLOAD_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("{what}: {error}"))?;
    if bytes.len() as u64 > PAYLOAD_BYTES_MAX {
        return Err(format!("{what}: more than {} MiB", PAYLOAD_BYTES_MAX >> 20));
    }
    Ok(bytes)
}
