//! A target from its two halves.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    panic::AssertUnwindSafe,
    sync::Arc,
};

use fanfare_sdk::{ApiTarget, Authorizer, Mapper, Profile, Repeat, TargetKind, VersionUse};
use serde_json::Value;

use super::{
    ConfiguredTarget, Lookup, classify, connection::connection, document::child,
    fallback::FallbackSetting, halves, issues::Issues, target::TargetSettings,
    token_endpoint::token_endpoint, versions::VersionSetting,
};
use crate::{
    mapping::{Filter, JqMapper, ParseError, Worked},
    policy::{Connection, TargetPolicy, gate::GatePolicy},
};

/// Builds a target; none where it cannot be. `whole` says that nothing was taken out of its settings.
pub(super) fn target(
    name: &str,
    (kind, own, whole): (&dyn TargetKind, Value, bool),
    (settings, written): (&TargetSettings, &Value),
    lookup: &dyn Lookup,
    issues: &mut Issues<'_>,
) -> Option<ConfiguredTarget> {
    let api = api((kind, own.clone(), whole), issues);
    let profile = match api.as_ref().map(|api| profile(&**api)) {
        Some(Err(())) => {
            issues.push("kind", "its plugin panicked when it was asked for its profile");
            return None;
        }
        Some(Ok(profile)) => Some(profile),
        None => None,
    };
    let mapper = mapper(settings, profile.as_ref(), issues);
    let mut policy = policy(name, (settings, written), profile.as_ref(), issues);
    policy.connection = Arc::new(connection(settings, lookup, issues));
    let asked = token_endpoint((settings, &policy.connection), lookup, issues);
    policy.token_endpoint = asked.map(Arc::new);
    let asked = policy.token_endpoint.iter().map(|it| ("/token_endpoint", it));
    for (below, connection) in [("", &policy.connection)].into_iter().chain(asked) {
        for (key, says) in lookup.unconnected(connection) {
            let pointer = format!("{}{below}/{key}", issues.pointer);
            if !issues.is_wrong(&pointer) {
                issues.push_at(&pointer, says);
            }
        }
    }
    let authorizers = authorizers(settings, &policy.asked_by(), issues);
    if let Some(redirects) = settings.redirects {
        policy.follow(redirects.into());
    }
    if let Some(all) = &settings.fallback {
        let issues = &mut issues.at("fallback");
        policy.fallback = FallbackSetting::rules(all, (&written["fallback"], whole), kind, issues);
    }
    if let Some(profile) = &profile {
        let has_place = kind.schema()["properties"].get("version_in").is_some();
        versions(settings, (profile, whole, has_place), issues);
    }
    halves::check(&own, (settings, &policy.connection), issues);
    let (api, profile) = api.zip(profile)?;
    Some(ConfiguredTarget {
        kind: kind.kind().to_owned(),
        api,
        policy,
        authorizers,
        capture: profile.capture,
        propagate: settings.propagate,
        propagate_baggage: settings.baggage,
        mapper,
    })
}

fn api(
    (kind, own, whole): (&dyn TargetKind, Value, bool),
    issues: &mut Issues<'_>,
) -> Option<Arc<dyn ApiTarget>> {
    let built = std::panic::catch_unwind(AssertUnwindSafe(|| kind.build(own)));
    let Ok(built) = built else {
        issues.push("kind", "its plugin panicked when it was built");
        return None;
    };
    let wrong = match built {
        Ok(api) => return Some(api),
        Err(wrong) => wrong,
    };
    for error in wrong {
        // What was taken out has its message already.
        let missing =
            ["missing field", "is missing"].iter().any(|start| error.message.starts_with(start));
        if whole || !missing {
            let pointer = format!("{}{}", issues.pointer, error.pointer);
            issues.push_at(&pointer, error.message);
        }
    }
    None
}

fn profile(api: &dyn ApiTarget) -> Result<Profile, ()> {
    std::panic::catch_unwind(AssertUnwindSafe(|| api.profile())).map_err(drop)
}

/// Tokens are fetched over that connection, and shared with those only who fetch them over the same.
fn authorizers(
    settings: &TargetSettings,
    over: &Connection,
    issues: &mut Issues<'_>,
) -> Vec<Arc<dyn Authorizer>> {
    let mut way = DefaultHasher::new();
    over.hash(&mut way);
    let way = way.finish();
    let mut authorizers = Vec::new();
    for (below, setting) in settings.auth.iter().flat_map(|auth| auth.all()) {
        match setting.build_over(way) {
            Ok(authorizer) => authorizers.push(authorizer),
            Err(wrong) => {
                let auth = format!("{}{below}", child(&issues.pointer, "auth"));
                // What was taken out has its message already.
                let is_whole = !issues.is_wrong(&auth);
                for error in wrong.iter() {
                    if is_whole || !error.message.starts_with("is missing") {
                        issues.push_at(&format!("{auth}{}", error.pointer), &error.message);
                    }
                }
            }
        }
    }
    authorizers
}

fn policy(
    name: &str,
    (settings, written): (&TargetSettings, &Value),
    profile: Option<&Profile>,
    issues: &mut Issues<'_>,
) -> TargetPolicy {
    let unknown = Profile::default();
    let profile = profile.unwrap_or(&unknown);
    let mut policy = TargetPolicy::new(name.into(), profile);
    policy.retry = settings.retry.policy(&written["retry"], &mut issues.at("retry"));
    policy.timeout = settings.timeout.0;
    policy.give_up_after = settings.give_up_after.0;
    for (key, span) in [("timeout", settings.timeout), ("give_up_after", settings.give_up_after)] {
        if span.0.is_zero() {
            issues.push(key, "is nothing: longer than zero would be right");
        }
    }
    policy.hedge = settings.hedge.as_ref().map(|hedge| hedge.after.0);
    if policy.hedge.is_some() && profile.repeat == Repeat::Never {
        issues.push("hedge", "would send twice what may act twice: `repeat` has to allow it");
    }
    policy.cancel_grace = settings.cancel_grace.0;
    policy.queue_max = settings.queue as usize;
    let limit = settings.rate_limit.as_ref();
    let (concurrency_max, adaptive) = settings.concurrency.policy(&mut issues.at("concurrency"));
    let budget = &settings.retry.budget;
    policy.gate = GatePolicy {
        rate_limit: limit.and_then(|limit| limit.policy(&mut issues.at("rate_limit"))),
        concurrency_max,
        adaptive,
        breaker: settings.breaker.policy(&mut issues.at("breaker")),
        throttle: settings.throttle.policy(&mut issues.at("throttle")),
        retry_budget: budget.policy(&mut issues.at("retry").at("budget")),
        exchanges_max: profile.exchanges_max,
        version_memory: settings.version_memory.0,
    };
    if !settings.versions.is_empty() {
        policy.versions = VersionSetting::names(&settings.versions);
        policy.notices = VersionSetting::known(&settings.versions, &mut issues.at("versions"));
    }
    policy
}

/// A version needs a place in the request, and a place needs versions.
fn versions(
    settings: &TargetSettings,
    (profile, whole, has_place): (&Profile, bool, bool),
    issues: &mut Issues<'_>,
) {
    let some = !settings.versions.is_empty() || !profile.versions.is_empty();
    match profile.version_use {
        VersionUse::Ignored if !settings.versions.is_empty() => {
            issues.push(
                "versions",
                if has_place {
                    "have no place in its requests: `{version}` in `url`, or `version_in`, would give them one"
                } else {
                    "mean nothing to this kind of target: leave them out"
                },
            );
        }
        // What was taken out has its message already.
        VersionUse::Needed if !some && whole => {
            issues.push("versions", "is missing: its requests have a place for a version");
        }
        VersionUse::Needed | VersionUse::Accepted | VersionUse::Ignored => {}
    }
}

fn mapper(
    settings: &TargetSettings,
    profile: Option<&Profile>,
    issues: &mut Issues<'_>,
) -> Option<Arc<dyn Mapper>> {
    let body = settings.body.as_ref().and_then(|body| body.body(issues));
    let own = profile.map(|profile| profile.expressions.as_slice()).unwrap_or_default();
    let values: Vec<_> = own
        .iter()
        .filter_map(|it| {
            let filter = filter(&it.source, &format!("{}{}", issues.pointer, it.pointer), issues)?;
            let pointer = it.pointer.trim_start_matches('/').replace('/', ".");
            Some(Worked { pointer, wanted: it.wanted, filter })
        })
        .collect();
    let capture = child(&issues.pointer, "capture");
    let captures: Vec<_> = settings
        .capture
        .iter()
        .filter_map(|(name, source)| {
            Some((name.clone(), filter(source, &child(&capture, name), issues)?))
        })
        .collect();
    let order_by = settings.order_by.as_ref().and_then(|source| {
        let pointer = child(&issues.pointer, "order_by");
        filter(source, &pointer, issues)
    });
    let declared = profile.is_some_and(|profile| !profile.versions.is_empty());
    let has_versions = declared || !settings.versions.is_empty();
    let rules =
        classify::rules(&settings.classify, (profile, has_versions), &mut issues.at("classify"));
    let events = settings.cloudevents.as_ref();
    if events.is_some() && profile.is_some_and(|profile| !profile.carries_body) {
        let says = "has no place in a request without a body: `method: POST` would be right";
        issues.push("cloudevents", says);
    }
    let mapper = JqMapper::default()
        .events(events.map(|events| events.events(&mut issues.at("cloudevents"))))
        .merging(settings.merge.clone())
        .body(body)
        .values(values)
        .captures(captures)
        .ordered_by(order_by)
        .judging(rules)
        .dialects(VersionSetting::dialects(&settings.versions, profile, issues));
    (!mapper.is_empty()).then(|| Arc::new(mapper) as Arc<dyn Mapper>)
}

/// Compiles a jq expression.
pub(super) fn filter(source: &str, pointer: &str, issues: &mut Issues<'_>) -> Option<Filter> {
    let says = |error: ParseError| match issues.is_foreign(pointer) {
        // What is wrong quotes what is there.
        true => format!("is not jq, at byte {}", error.offset),
        false => format!("is not jq: {error}"),
    };
    match Filter::parse(source).map_err(says) {
        Ok(filter) => Some(filter),
        Err(says) => {
            issues.push_at(pointer, says);
            None
        }
    }
}
