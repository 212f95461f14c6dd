//! What a person typed, checked: everything that is wrong is told at once, and nothing is sent.

use std::{collections::HashSet, time::Duration};

use fanfare_auth::Bearer;
use fanfare_http::{HttpSettings, HttpTarget};
use fanfare_sdk::Secret;

use super::{
    args::SendArgs,
    payload::{payload, span},
    planned_route::along_route,
};
use crate::{
    config::EngineConfig,
    engine::{Broadcast, Target},
    policy::Retry,
    report::Rest,
};

/// What is to be sent, and to whom.
#[derive(Debug)]
pub(super) struct SendPlan {
    pub(super) targets: Vec<Target>,
    pub(super) broadcast: Broadcast,
    pub(super) engine: EngineConfig,
}

/// Checks everything.
pub(super) fn plan(args: &SendArgs) -> Result<SendPlan, Vec<String>> {
    if args.route.is_some() || !args.target.is_empty() || args.config.is_some() {
        return along_route(args);
    }
    let mut wrong = Wrong::default();
    let headers = headers(&args.header, &mut wrong);
    let content_type = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let content_type = content_type.map(|(_, value)| value.as_str());
    let payload = payload(args, content_type, &mut wrong);
    let timeout = wrong.take(span("--timeout", &args.timeout));
    let deadline = args.deadline.as_ref().map(|text| span("--deadline", text));
    let deadline = deadline.and_then(|parsed| wrong.take(parsed));
    let bearer = args.bearer_env.as_ref().and_then(|name| wrong.take(bearer(name)));
    if timeout.is_some_and(|timeout| timeout.is_zero()) {
        wrong.0.push("--timeout: must be longer than zero".into());
    }
    if args.attempts == 0 {
        wrong.0.push("--attempts: must be at least 1".into());
    }
    if args.to.is_empty() {
        wrong.0.push("nobody to send to: add `--to URL`, or `--config FILE --route NAME`".into());
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
    let engine = EngineConfig::default();
    Ok(SendPlan { targets, broadcast: until(broadcast, deadline, args), engine })
}

/// With the deadline and the key of the command line.
pub(super) fn until(
    mut broadcast: Broadcast,
    deadline: Option<Duration>,
    args: &SendArgs,
) -> Broadcast {
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
pub(super) struct Wrong(pub(super) Vec<String>);

impl Wrong {
    pub(super) fn take<T>(&mut self, checked: Result<T, String>) -> Option<T> {
        checked.map_err(|says| self.0.push(says)).ok()
    }

    pub(super) fn take_all<T>(&mut self, checked: Result<T, Vec<String>>) -> Option<T> {
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
