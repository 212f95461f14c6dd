//! The span that a caller is in, where it has one that OpenTelemetry knows of.

use super::RemoteContext;

/// The span of `tracing` that the caller is in, as `tracing-opentelemetry` knows it.
#[cfg(feature = "otel")]
pub(crate) fn current() -> Option<RemoteContext> {
    use opentelemetry::trace::TraceContextExt;
    use tracing_opentelemetry::OpenTelemetrySpanExt;

    let context = tracing::Span::current().context();
    let span = context.span();
    let parent = span.span_context();
    let state = parent.trace_state().header();
    parent.is_valid().then(|| RemoteContext {
        trace_id: parent.trace_id().to_bytes(),
        parent_id: parent.span_id().to_bytes(),
        flags: parent.trace_flags().to_u8(),
        state: Some(state).filter(|state| !state.is_empty()).map(Into::into),
    })
}

/// Nobody to ask.
#[cfg(not(feature = "otel"))]
pub(crate) fn current() -> Option<RemoteContext> {
    None
}
