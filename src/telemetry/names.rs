//! The names of spans, events, attributes and metrics. They are a promise: docs/telemetry.md lists them.

/// Spans.
pub(super) mod span {
    pub(crate) const BROADCAST: &str = "broadcast";
    /// Followed by the recipient.
    pub(crate) const DELIVER: &str = "deliver";
    /// Followed by the target; for an attempt without an exchange over HTTP.
    pub(crate) const ATTEMPT: &str = "attempt";
    /// An exchange whose method is not a known one.
    pub(crate) const HTTP: &str = "HTTP";
}

/// Events of a span.
pub(super) mod event {
    pub(crate) const VERDICT: &str = "verdict";
    pub(crate) const WAIT: &str = "wait";
    pub(crate) const FALLBACK: &str = "fallback";
    pub(crate) const HAND_OVER: &str = "hand_over";
}

/// Attributes of our own.
pub(super) mod attribute {
    pub(crate) const BROADCAST_ID: &str = "fanfare.broadcast.id";
    pub(crate) const BROADCAST_ROUTE: &str = "fanfare.broadcast.route";
    pub(crate) const BROADCAST_RECIPIENTS: &str = "fanfare.broadcast.recipients";
    pub(crate) const BROADCAST_VERDICT: &str = "fanfare.broadcast.verdict";
    pub(crate) const BROADCAST_COMPLETED_BY: &str = "fanfare.broadcast.completed_by";
    pub(crate) const TARGET: &str = "fanfare.target";
    pub(crate) const LIMIT: &str = "fanfare.limit";
    pub(crate) const DELIVERY_OUTCOME: &str = "fanfare.delivery.outcome";
    pub(crate) const DELIVERY_REASON: &str = "fanfare.delivery.reason";
    pub(crate) const DELIVERY_VIA: &str = "fanfare.delivery.via";
    pub(crate) const DELIVERY_ATTEMPTS: &str = "fanfare.delivery.attempts";
    pub(crate) const ATTEMPT_NUMBER: &str = "fanfare.attempt.number";
    pub(crate) const ATTEMPT_KIND: &str = "fanfare.attempt.kind";
    pub(crate) const ATTEMPT_VERSION: &str = "fanfare.attempt.version";
    pub(crate) const ATTEMPT_MEANING: &str = "fanfare.attempt.meaning";
    pub(crate) const ATTEMPT_EFFECT: &str = "fanfare.attempt.effect";
    pub(crate) const WAIT_REASON: &str = "fanfare.wait.reason";
    /// In seconds.
    pub(crate) const WAIT_DURATION: &str = "fanfare.wait.duration";
    pub(crate) const FALLBACK_KIND: &str = "fanfare.fallback.kind";
    pub(crate) const FALLBACK_FROM: &str = "fanfare.fallback.from";
    pub(crate) const FALLBACK_TO: &str = "fanfare.fallback.to";
    pub(crate) const HAND_OVER_TO: &str = "fanfare.hand_over.to";
    pub(crate) const HAND_OVER_REASON: &str = "fanfare.hand_over.reason";
    pub(crate) const BREAKER_STATE: &str = "fanfare.breaker.state";
    pub(crate) const VERSION: &str = "fanfare.version";
    pub(crate) const WARNING_KIND: &str = "fanfare.warning.kind";
    #[cfg(feature = "daemon")]
    pub(crate) const RELOAD_RESULT: &str = "fanfare.reload.result";
}

/// Attributes of the semantic conventions, v1.44.0.
pub(super) mod semconv {
    pub(crate) const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.44.0";
    pub(crate) const ERROR_TYPE: &str = "error.type";
    pub(crate) const REQUEST_METHOD: &str = "http.request.method";
    pub(crate) const REQUEST_METHOD_ORIGINAL: &str = "http.request.method_original";
    pub(crate) const REQUEST_RESEND_COUNT: &str = "http.request.resend_count";
    pub(crate) const RESPONSE_STATUS_CODE: &str = "http.response.status_code";
    pub(crate) const PROTOCOL_VERSION: &str = "network.protocol.version";
    pub(crate) const SERVER_ADDRESS: &str = "server.address";
    pub(crate) const SERVER_PORT: &str = "server.port";
    pub(crate) const URL_FULL: &str = "url.full";
    pub(crate) const URL_TEMPLATE: &str = "url.template";
}

/// Attributes of the process.
pub(super) mod resource {
    pub(crate) const SERVICE_NAME: &str = "service.name";
    pub(crate) const SERVICE_VERSION: &str = "service.version";
}

/// Metrics.
pub(super) mod metric {
    pub(crate) const REQUEST_DURATION: &str = "http.client.request.duration";
    pub(crate) const BROADCASTS: &str = "fanfare.broadcasts";
    pub(crate) const BROADCAST_DURATION: &str = "fanfare.broadcast.duration";
    pub(crate) const DELIVERIES: &str = "fanfare.deliveries";
    pub(crate) const DELIVERY_DURATION: &str = "fanfare.delivery.duration";
    pub(crate) const ATTEMPTS: &str = "fanfare.attempts";
    pub(crate) const BREAKER_TRANSITIONS: &str = "fanfare.breaker.transitions";
    pub(crate) const WARNINGS: &str = "fanfare.warnings";
    #[cfg(feature = "daemon")]
    pub(crate) const RELOADS: &str = "fanfare.reloads";
    pub(crate) const JOURNAL_COMMITS: &str = "fanfare.journal.commits";
    pub(crate) const JOURNAL_CALLS: &str = "fanfare.journal.calls";
    pub(crate) const JOURNAL_TROUBLE: &str = "fanfare.journal.trouble";
    pub(crate) const VERSION_SUNSET: &str = "fanfare.version.sunset";
    pub(crate) const LIMIT_USED: &str = "fanfare.limit.used";
    pub(crate) const LIMIT_MAX: &str = "fanfare.limit.max";
    pub(crate) const LIMIT_REACHED: &str = "fanfare.limit.reached";
}
