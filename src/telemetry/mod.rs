//! Names of events, spans and metrics, and the context of a trace as it travels. The only place that knows any of them.

mod baggage;
mod caller;
mod events;
mod exchanges;
#[cfg(feature = "otel")]
mod http_client;
mod live;
#[cfg(feature = "otel")]
mod metrics;
#[cfg(feature = "otel")]
mod names;
mod observer;
mod propagation;
#[cfg(feature = "otel")]
mod recorder;
#[cfg(feature = "otel")]
mod redact;
#[cfg(feature = "otel")]
mod resource;
#[cfg(feature = "otel")]
mod spans;
mod trace_context;
mod trace_state;

#[cfg(feature = "daemon")]
pub(crate) use self::events::{Answered, reload_refused, reloaded, takes_a_restart};
#[cfg(feature = "otel")]
pub(crate) use self::recorder::Recorder;
#[cfg(feature = "otel")]
pub use self::resource::resource;
pub(crate) use self::{
    baggage::inject_baggage,
    caller::current,
    events::{
        accepted, actor_restarted, announced, attempt_ended, auth_warned, breaker_changed,
        files_read_again, files_refused, journal_failed, limit_reached, not_sent_again,
        notices_unserved, settled, target_disabled, unproved,
    },
    observer::{AttemptEnd, Observer},
};
pub use self::{
    baggage::{Baggage, BaggageError},
    exchanges::{ExchangeEnd, ExchangeRecord, Exchanges, Sent},
    live::{Following, Gap, Live, Next, NoPosition, Position, Watch},
    propagation::{extract, inject},
    trace_context::{RemoteContext, TraceContext, nth_span_id},
};
#[cfg(feature = "otel")]
pub use opentelemetry::metrics::Meter;
#[cfg(feature = "otel")]
pub use opentelemetry_sdk::trace::{ShouldSample, SpanProcessor};
