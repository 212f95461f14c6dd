//! `token_endpoint`: how the token endpoint of a target is connected to.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Lookup,
    addresses::AddressesSetting,
    connection::{ConnectionSettings, ProxySettings, Way},
    issues::Issues,
    target::TargetSettings,
    tls::TlsSettings,
};
use crate::policy::Connection;

/// How the token endpoint is connected to: as by default, as far as nothing else is said.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TokenEndpointSettings {
    /// Where it may be reached; as the target unless set.
    #[schemars(with = "AddressesSetting")]
    addresses: Option<AddressesSetting>,
    /// How connections are made, and kept for the next request.
    connection: ConnectionSettings,
    /// A proxy between; none unless set.
    #[schemars(with = "ProxySettings")]
    proxy: Option<ProxySettings>,
    /// Whose certificates count, and who we are; the system's, and nobody unless set.
    #[schemars(with = "TlsSettings")]
    tls: Option<TlsSettings>,
    /// The Unix socket that is connected to, whatever the host in `token_url` is.
    #[schemars(with = "String")]
    unix: Option<String>,
}

/// How the token endpoint of a target is connected to that is connected to like that itself; none is as by default.
pub(super) fn token_endpoint(
    (settings, target): (&TargetSettings, &Connection),
    lookup: &dyn Lookup,
    issues: &mut Issues<'_>,
) -> Option<Connection> {
    let shows = settings.auth.as_ref().is_some_and(|auth| auth.shows_certificate());
    let unset = TokenEndpointSettings::default();
    let own = settings.token_endpoint.as_ref();
    if own.is_some() && settings.auth.is_none() {
        issues.push("token_endpoint", "is nobody's: there is no `auth` that asks it");
    }
    let it = own.unwrap_or(&unset);
    let mut below = issues.at("token_endpoint");
    let way = Way { connection: &it.connection, tls: &it.tls, proxy: &it.proxy, unix: &it.unix };
    let mut connection = way.connection(&it.addresses, lookup, &mut below);
    if connection.addresses.is_none() {
        connection.addresses.clone_from(&target.addresses);
        if let Some(key) = connection.addresses.as_ref().and(connection.by.key()) {
            let says = "leads past the target's `addresses`, which hold for it too: no such way would be right";
            below.push(key, says);
        }
    }
    if shows && connection.tls.identity.is_none() {
        connection.tls.identity.clone_from(&target.tls.identity);
        if connection.tls.identity.is_none() {
            let says =
                "has no certificate for `client_auth: tls`: `certificate` and `key` would be right";
            issues.push("tls", says);
        }
    }
    (own.is_some() || shows).then_some(connection)
}
