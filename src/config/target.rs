//! What people write about a target, as far as it is the engine's: the plugin's own settings stand beside it.

use std::collections::BTreeMap;

use fanfare_auth::{AuthSettings, ClientAuth};
use fanfare_sdk::Span;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    addresses::AddressesSetting,
    body::BodySetting,
    classify::RuleSettings,
    cloud_events::CloudEventsSetting,
    connection::{ConnectionSettings, ProxySettings},
    fallback::FallbackSetting,
    gate::{BreakerSetting, ConcurrencySetting, RateLimitSettings, ThrottleSettings},
    hedge::HedgeSettings,
    redirects::RedirectSettings,
    retry::RetrySettings,
    schema::NAME_PATTERN,
    tls::TlsSettings,
    token_endpoint::TokenEndpointSettings,
    versions::VersionSetting,
};

/// What the engine does for a target. Beside it stand the settings of its kind. What keeps a target from strangers, or from
/// being one, is not left out by being left empty.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TargetSettings {
    /// Where it may be reached: `public`, for a URL that somebody wrote who is not trusted, or a map; anywhere unless set.
    #[serde(default)]
    #[schemars(with = "AddressesSetting")]
    pub(super) addresses: Option<AddressesSetting>,
    /// Who we are: one authorizer, or a list that is asked in its order.
    #[serde(default)]
    #[schemars(with = "AuthSetting")]
    pub(super) auth: Option<AuthSetting>,
    /// Whether the caller's baggage is sent there.
    #[serde(default)]
    #[schemars(extend("x-reason" = "it may tell strangers about the caller"))]
    pub(super) baggage: bool,
    /// A jq expression that makes the body from the payload, or a map; the payload as it is unless set.
    #[serde(default)]
    pub(super) body: Option<BodySetting>,
    /// When an endpoint is left alone; `false` is never.
    #[serde(default)]
    pub(super) breaker: BreakerSetting,
    /// How long an attempt in flight may go on after somebody wanted its delivery to end.
    #[serde(default = "cancel_grace")]
    #[schemars(extend("x-reason" = "most answers come within two seconds, and an answer is better than a doubt"))]
    pub(super) cancel_grace: Span,
    /// jq expressions over `{status, headers, body, truncated}` of the reply that ends a delivery; their values stand in the
    /// report under these names.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 64, "propertyNames" = { "pattern": NAME_PATTERN }))]
    pub(super) capture: BTreeMap<String, String>,
    /// What replies mean, where their status does not say it: the first rule that fits; else what the kind says.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub(super) classify: Vec<RuleSettings>,
    /// Whether it gets CloudEvents (1.0): `binary`, `structured`, or a map. A batch is never sent.
    #[serde(default)]
    pub(super) cloudevents: Option<CloudEventsSetting>,
    /// Attempts in flight at once; a map where it is learned.
    #[serde(default)]
    #[schemars(
        extend("x-reason" = "more than an API serves one caller at once, and few enough sockets")
    )]
    pub(super) concurrency: ConcurrencySetting,
    /// How connections are made, and kept for the next request.
    #[serde(default)]
    pub(super) connection: ConnectionSettings,
    /// What to do when a way has failed for good, in this order.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub(super) fallback: Option<Vec<FallbackSetting>>,
    /// When a delivery expires, counted from its acceptance.
    #[serde(default = "give_up_after")]
    #[schemars(extend("x-reason" = "an outage of minutes is survived, and nobody is surprised by what is hours old"))]
    pub(super) give_up_after: Span,
    /// When a second attempt is made beside one that is slow; never unless set, and only where a repeat does no harm.
    #[serde(default)]
    pub(super) hedge: Option<HedgeSettings>,
    /// A jq expression over the payload: deliveries for which it gives the same text or number go one after the other,
    /// in the order of their acceptance. Where it gives `null` or nothing, there is no order.
    #[serde(default)]
    pub(super) order_by: Option<String>,
    /// Whether the trace is continued there: `traceparent` and `tracestate`.
    #[serde(default = "yes")]
    #[schemars(extend("x-reason" = "one trace holds the whole broadcast; `false` for an API that is not to see it"))]
    pub(super) propagate: bool,
    /// A proxy between; those of the environment are never used. None unless set.
    #[serde(default)]
    #[schemars(with = "ProxySettings")]
    pub(super) proxy: Option<ProxySettings>,
    /// Deliveries that may wait for it.
    #[serde(default = "queue")]
    #[schemars(
        range(min = 1),
        extend("x-reason" = "everything that can grow has a limit; beyond it a delivery fails with `queue_full`")
    )]
    pub(super) queue: u32,
    /// Requests per time; no limit unless set.
    #[serde(default)]
    pub(super) rate_limit: Option<RateLimitSettings>,
    /// A merge patch (RFC 7396) over the payload: `null` takes out, maps are merged, all else replaces. `body` and all
    /// other expressions but `order_by` see what it makes.
    #[serde(default)]
    pub(super) merge: Option<Value>,
    /// Redirects that are followed, each as an exchange of its attempt; none unless set.
    #[serde(default)]
    pub(super) redirects: Option<RedirectSettings>,
    /// How often and how patiently it is tried.
    #[serde(default)]
    pub(super) retry: RetrySettings,
    /// How long it is left alone where it throttles without a `Retry-After`.
    #[serde(default)]
    pub(super) throttle: ThrottleSettings,
    /// How long one attempt may take.
    #[serde(default = "timeout")]
    #[schemars(extend("x-reason" = "an API that has not answered by then rarely answers at all"))]
    pub(super) timeout: Span,
    /// Whose certificates count, and who we are; the system's, and nobody unless set.
    #[serde(default)]
    #[schemars(with = "TlsSettings")]
    pub(super) tls: Option<TlsSettings>,
    /// How the token endpoint of `auth` is connected to. It is another party: nothing of how the target is connected to holds for
    /// it, but for `addresses`, and for the certificate of `tls` with `client_auth: tls`.
    #[serde(default)]
    pub(super) token_endpoint: Option<TokenEndpointSettings>,
    /// The Unix socket that is connected to, whatever the host in the URL is.
    #[serde(default)]
    #[schemars(with = "String")]
    pub(super) unix: Option<String>,
    /// How long a version that was rejected is not asked for again; then one delivery tries it.
    #[serde(default = "version_memory")]
    #[schemars(extend("x-reason" = "a version that is gone stays gone; one that was rolled back is found again"))]
    pub(super) version_memory: Span,
    /// The versions to speak, preferred first.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub(super) versions: Vec<VersionSetting>,
}

/// One authorizer, or several.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum AuthSetting {
    /// One.
    One(AuthSettings),
    /// Several: each adds its proof.
    Several(Vec<AuthSettings>),
}

fn cancel_grace() -> Span {
    Span::secs(2)
}

fn give_up_after() -> Span {
    Span::secs(5 * 60)
}

fn queue() -> u32 {
    10_000
}

fn timeout() -> Span {
    Span::secs(10)
}

fn version_memory() -> Span {
    Span::secs(10 * 60)
}

fn yes() -> bool {
    true
}

impl AuthSetting {
    /// Whether a token endpoint is to know us by the target's certificate.
    pub(super) fn shows_certificate(&self) -> bool {
        self.all().iter().any(|(_, it)| matches!(it, AuthSettings::OAuth2(it) if matches!(it.client_auth, ClientAuth::Tls)))
    }

    /// All of them, each with where it stands below `auth`.
    pub(super) fn all(&self) -> Vec<(String, &AuthSettings)> {
        match self {
            Self::One(one) => vec![(String::new(), one)],
            Self::Several(all) => {
                all.iter().enumerate().map(|(at, one)| (format!("/{at}"), one)).collect()
            }
        }
    }
}
