//! What the two halves of a target say against each other: the engine's settings, and those of its kind by the names that most
//! kinds have (`url`, `method`, `headers`, `idempotency_key`, `version_in`, `variables`).

use std::net::IpAddr;

use fanfare_auth::AuthPlace;
use http::HeaderName;
use serde_json::Value;
use url::{Host, Url};

use super::{
    body::{BodyAs, BodySetting},
    document::child,
    issues::Issues,
    target::TargetSettings,
    versions::VersionSetting,
};
use crate::policy::{Addresses, Connection};

/// Says what cannot be meant so. `issues` stands at the target.
pub(super) fn check(
    own: &Value,
    (settings, connection): (&TargetSettings, &Connection),
    issues: &mut Issues<'_>,
) {
    proofs(own, settings, issues);
    bodies(own, settings, issues);
    version_names(own, settings, issues);
    let fallback = settings.fallback.iter().flatten().enumerate();
    let endpoints = fallback.filter_map(|(at, it)| {
        let endpoint = it.detailed().endpoint.clone()?;
        Some((format!("{}/fallback/{at}/endpoint", issues.pointer), endpoint))
    });
    let endpoints: Vec<_> = endpoints.collect();
    for (pointer, endpoint) in &endpoints {
        variables(endpoint, own, (pointer, issues));
    }
    let url = own["url"].as_str().map(|url| (child(&issues.pointer, "url"), url.to_owned()));
    for (pointer, text) in url.into_iter().chain(endpoints) {
        reach(&text, connection.addresses.as_ref(), (&pointer, issues));
    }
}

// === proofs ===

/// No two authorizers write the same, and nothing else is written where one of them writes.
fn proofs(own: &Value, settings: &TargetSettings, issues: &mut Issues<'_>) {
    let auth = child(&issues.pointer, "auth");
    let mut filled: Vec<(AuthPlace, String)> = Vec::new();
    for (below, setting) in settings.auth.iter().flat_map(|auth| auth.all()) {
        let pointer = format!("{auth}{below}");
        for place in setting.places() {
            match filled.iter().find(|(other, _)| *other == place) {
                Some((_, first)) => {
                    let says = format!("writes {place}, as `{first}` does: keep one of them");
                    issues.push_at(&pointer, says);
                }
                None => filled.push((place, format!("auth{}", below.replace('/', ".")))),
            }
        }
    }
    let key = own["idempotency_key"]["header"].as_str();
    let key = key.filter(|_| own["idempotency_key"]["send"] != false);
    let version = own["version_in"]["header"].as_str();
    for (pointer, name) in [("idempotency_key/header", key), ("version_in/header", version)] {
        let name = name.and_then(|name| name.parse::<HeaderName>().ok());
        let Some(place) = name.map(AuthPlace::Header) else { continue };
        if let Some((_, by)) = filled.iter().find(|(other, _)| *other == place) {
            let pointer = format!("{}/{pointer}", issues.pointer);
            issues.push_at(&pointer, format!("is written by `{by}`: another one would be right"));
        }
    }
}

// === bodies ===

/// What is made of a payload is sent, and in a form that has room for what is put into it.
fn bodies(own: &Value, settings: &TargetSettings, issues: &mut Issues<'_>) {
    let versions = settings.versions.iter().enumerate().filter_map(|(at, it)| match it {
        VersionSetting::Known(map) => Some((format!("/versions/{at}/body"), map.body.as_ref()?)),
        VersionSetting::Name(_) => None,
    });
    let of_target = settings.body.as_ref().map(|body| ("/body".to_owned(), body));
    let bodies: Vec<_> = of_target.into_iter().chain(versions).collect();
    let is_document = settings.cloudevents.as_ref().is_some_and(|it| it.is_structured());
    if matches!(own["method"].as_str(), Some("GET" | "HEAD")) {
        const NO_BODY: &str = "is never sent: the `method` carries no body";
        for (below, _) in &bodies {
            issues.push_at(&format!("{}{below}", issues.pointer), NO_BODY);
        }
        return;
    }
    let own_type = own["headers"].as_object().into_iter().flatten();
    let own_type =
        own_type.map(|(name, _)| name).find(|it| it.eq_ignore_ascii_case("content-type"));
    for (below, body) in bodies.into_iter().filter(|_| !is_document) {
        let pointer = format!("{}{below}", issues.pointer);
        if let (Some(name), BodySetting::As(BodyAs::Multipart(_))) = (own_type, body) {
            let says = format!(
                "has a `{name}` of its own, with the boundary of its parts: leave out that in `headers`"
            );
            issues.push_at(&pointer, says);
        }
        let form = match body {
            BodySetting::Json(_) | BodySetting::As(BodyAs::Json(_) | BodyAs::Form(_)) => continue,
            BodySetting::As(BodyAs::Multipart(_)) => "multipart",
            BodySetting::As(BodyAs::Text(_)) => "text",
            BodySetting::As(BodyAs::Xml(_)) => "xml",
            BodySetting::As(BodyAs::Bytes(_)) => "bytes",
        };
        if own["idempotency_key"]["body"].is_string() {
            let says = format!(
                "has no place for `idempotency_key.body`: `json` or `form` has, and `{form}` has not"
            );
            issues.push_at(&pointer, says);
        }
    }
}

// === versions ===

/// What stands in a header is ASCII.
fn version_names(own: &Value, settings: &TargetSettings, issues: &mut Issues<'_>) {
    let place = &own["version_in"];
    if place["header"].is_null() && place["media_type"].is_null() {
        return;
    }
    for (at, setting) in
        settings.versions.iter().enumerate().filter(|(_, it)| !it.name().is_ascii())
    {
        let below = if matches!(setting, VersionSetting::Name(_)) { "" } else { "/name" };
        let pointer = format!("{}/versions/{at}{below}", issues.pointer);
        issues.push_at(&pointer, "is not ASCII, and `version_in` puts it into a header");
    }
}

// === URLs ===

/// Another endpoint uses the variables of the target.
fn variables(endpoint: &str, own: &Value, (pointer, issues): (&str, &mut Issues<'_>)) {
    if issues.is_wrong(pointer) {
        return;
    }
    for expression in endpoint.split('{').skip(1).filter_map(|piece| piece.split('}').next()) {
        let names = expression.trim_start_matches(['+', '.', '/', ';', '?', '&']).split(',');
        for name in names.map(|name| name.split([':', '*']).next().unwrap_or_default()) {
            if name != "version" && own["variables"].get(name).is_none() {
                issues.push_at(pointer, format!("uses `{name}`, which `variables` does not have"));
            }
        }
    }
}

/// A URL is one, and `addresses` does not refuse it whatever its name leads to.
fn reach(text: &str, addresses: Option<&Addresses>, (pointer, issues): (&str, &mut Issues<'_>)) {
    if issues.is_wrong(pointer) {
        return;
    }
    let mut whole = String::with_capacity(text.len());
    for piece in text.split('{') {
        whole.push_str(piece.split_once('}').map_or(piece, |(_, rest)| rest));
    }
    let url = match Url::parse(&whole) {
        Ok(url) => url,
        Err(error) => return issues.push_at(pointer, format!("cannot be called: {error}")),
    };
    let Some(addresses) = addresses else { return };
    let port = url.port_or_known_default().unwrap_or(0);
    let address = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::from(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::from(address)),
        Some(Host::Domain(_)) | None => None,
    };
    let admitted = addresses
        .admit_port(url.scheme(), port)
        .and_then(|()| address.map_or(Ok(()), |it| addresses.admit(it, |_| false)));
    if let Err(refused) = admitted {
        issues.push_at(pointer, format!("is never called: {refused}"));
    }
}
