//! `fanfare send --dry-run`: the engine itself, with a way out that writes down and sends nothing. Whoever would have to fetch
//! a proof first is not asked for one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use fanfare_sdk::{
    ApiTarget, Attempt, AuthError, Authorizer, Call, Exchange, Profile, Ready, Reply, SecretUrl,
    SendError, SendErrorKind, Stamp, TargetName, Transport, Wire, async_trait, check,
};
use http::{HeaderValue, Request, header::AUTHORIZATION};

use super::plan::SendPlan;
use crate::{
    engine::{Engine, EngineBuilder, Target},
    policy::{Masks, Retry},
    report::{Completion, Delivery, Outcome, Rest},
};

/// What stands for a proof that is fetched.
const FETCHED: &str = "Bearer ***";

/// The first request to each target, as text.
#[derive(Debug, Default)]
struct Written(Mutex<HashMap<TargetName, String>>);

/// A target whose requests are marked as its own.
#[derive(Debug)]
struct Marked {
    api: Arc<dyn ApiTarget>,
    whose: Whose,
}

/// Whose request it is, and what of it is not shown.
#[derive(Clone, Debug)]
struct Whose {
    target: TargetName,
    masks: Arc<Masks>,
}

/// The way out of a target: marks what goes there.
#[derive(Debug)]
struct Marking {
    whose: Whose,
    wire: Wire,
}

/// An authorizer that has fetched what it needs already.
#[derive(Debug)]
struct Fetched(Arc<dyn Authorizer>);

/// The query of a request before the first authorizer: what is added to it is a secret.
#[derive(Clone, Debug)]
struct Before(String);

/// The requests as they would leave, in the order of the recipients, and why there is none for the others.
pub(super) async fn play(plan: SendPlan) -> Result<(String, Vec<String>), String> {
    let written = Arc::new(Written::default());
    let builder = Engine::builder().transport(written.clone());
    let builder = plan.targets.into_iter().map(pretending).fold(builder, EngineBuilder::target);
    let engine = builder.start().await.map_err(|error| error.to_string())?;
    // Nobody ends before the others have been looked at.
    let broadcast = plan.broadcast.completion(Completion::BestEffort).rest(Rest::Finish);
    let report = engine.broadcast(broadcast).await.map_err(|error| error.to_string())?;
    engine.shutdown().await;
    let written = written.0.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut shown, mut unsendable) = (Vec::new(), Vec::new());
    for delivery in &report.deliveries {
        let target = &delivery.target;
        match (written.get(target), delivery.outcome) {
            (Some(request), _) => shown.push(format!("# {target}\n{request}")),
            (None, Some(Outcome::Skipped)) => shown.push(format!("# {target}: skipped\n")),
            (None, outcome) => unsendable.push(why_not(delivery, outcome)),
        }
    }
    Ok((shown.join("\n"), unsendable))
}

/// Each way is gone once, and nobody is asked for a proof.
fn pretending(target: Target) -> Target {
    let (name, masks) = (target.policy().target.clone(), target.policy().masks.clone());
    let whose = Whose { target: name, masks };
    let mut target = target
        .wrapped(|api| Arc::new(Marked { api, whose }), |it| Arc::new(Fetched(it)))
        .retry(Retry { attempts_max: 1, ..Retry::default() });
    let policy = target.policy_mut();
    (policy.hedge, policy.fallback) = (None, Vec::new());
    target
}

/// Why there is no request for a recipient that was not skipped.
fn why_not(delivery: &Delivery, outcome: Option<Outcome>) -> String {
    let ended = delivery.attempts.last().and_then(|attempt| attempt.ended.as_ref());
    let error = ended.and_then(|ended| ended.error.as_ref());
    let outcome = outcome.map(|outcome| outcome.to_string()).unwrap_or_default();
    let says = error.map_or(outcome, |error| error.message.to_string());
    format!("{}: {says}", delivery.target)
}

#[async_trait]
impl ApiTarget for Marked {
    fn profile(&self) -> Profile {
        self.api.profile()
    }

    async fn send(&self, attempt: Attempt) -> Result<Reply, SendError> {
        let marking = Marking { whose: self.whose.clone(), wire: attempt.wire };
        let wire = Wire::new(Arc::new(marking));
        self.api.send(Attempt::new(attempt.call, attempt.payload, wire)).await
    }
}

#[async_trait]
impl Transport for Marking {
    async fn exchange(&self, mut exchange: Exchange) -> Result<Reply, SendError> {
        exchange.request.extensions_mut().insert(self.whose.clone());
        self.wire.send(exchange.request).await
    }
}

#[async_trait]
impl Transport for Written {
    /// Without a reply: one that is made up would be taken for what the API says.
    async fn exchange(&self, exchange: Exchange) -> Result<Reply, SendError> {
        let request = exchange.request;
        if let Some(Whose { target, masks }) = request.extensions().get() {
            let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            written.entry(target.clone()).or_insert_with(|| text(&request, masks));
        }
        Err(SendError::permanent(SendErrorKind::Aborted))
    }
}

#[async_trait]
impl Authorizer for Fetched {
    async fn ready(&self, ready: Ready) -> Result<Stamp, AuthError> {
        if self.0.fetches() { Ok(Stamp::default()) } else { self.0.ready(ready).await }
    }

    async fn authorize(
        &self,
        stamp: Stamp,
        call: &Call,
        request: &mut Request<Bytes>,
    ) -> Result<(), AuthError> {
        if request.extensions().get::<Before>().is_none() {
            let query = request.uri().query().unwrap_or_default().to_owned();
            request.extensions_mut().insert(Before(query));
        }
        if self.0.fetches() {
            request.headers_mut().insert(AUTHORIZATION, HeaderValue::from_static(FETCHED));
            return Ok(());
        }
        self.0.authorize(stamp, call, request).await
    }
}

/// One request as text; what may be a secret reads `***`.
fn text(request: &Request<Bytes>, masks: &Masks) -> String {
    let url = url(&masks.url(SecretUrl::shown(request)), request.extensions().get());
    let mut text = format!("{} {url}\n", request.method());
    for (name, value) in request.headers() {
        let secret = value.is_sensitive() || check::is_secret_header(name.as_str());
        let shown = String::from_utf8_lossy(value.as_bytes());
        let value = if secret && shown != FETCHED { "***".into() } else { masks.hide(&shown) };
        text.push_str(&format!("{name}: {value}\n"));
    }
    if !request.body().is_empty() {
        let body = String::from_utf8_lossy(request.body());
        text.push_str(&format!("\n{}\n", masks.hide(&body)));
    }
    text
}

/// A URL whose secret query values read `***`: those whose keys say so, and those that authorizers have added.
fn url(uri: &http::Uri, before: Option<&Before>) -> String {
    let text = uri.to_string();
    let Some((start, query)) = text.split_once('?') else { return text };
    let added = |key: &str| {
        let was_there = |pair: &str| pair.split('=').next() == Some(key);
        before.is_some_and(|Before(query)| !query.split('&').any(was_there))
    };
    let pair = |pair: &str| match pair.split_once('=') {
        Some((key, _)) if check::is_secret_query_key(key) || added(key) => format!("{key}=***"),
        Some(_) | None => pair.to_owned(),
    };
    let pairs: Vec<_> = query.split('&').map(pair).collect();
    format!("{start}?{}", pairs.join("&"))
}
