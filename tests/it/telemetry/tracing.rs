//! The caller's span of `tracing` becomes the parent, where OpenTelemetry knows of it.

use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::layer::SubscriberExt;

use super::stage::{apis, observed, slow, target, to};

#[tokio::test(start_paused = true)]
async fn the_current_span_is_the_parent() {
    let provider = SdkTracerProvider::builder().build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("caller"));
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    let apis = apis(&[("a", &[slow(200)])]);
    let (engine, kept) = observed(vec![target("a")], &apis).await;
    let span = tracing::info_span!("caller");
    engine.broadcast(to(&["a"])).instrument(span.clone()).await.unwrap();
    let context = span.context();
    let caller = context.span().span_context().clone();
    let broadcast = kept.one("broadcast");
    assert_eq!(broadcast.parent_span_id, caller.span_id());
    assert_eq!(broadcast.span_context.trace_id(), caller.trace_id());
    assert!(!broadcast.parent_span_is_remote);
    engine.broadcast(to(&["a"])).await.unwrap();
    let roots = kept.named("broadcast");
    assert_ne!(
        roots[1].span_context.trace_id(),
        caller.trace_id(),
        "without it a trace of its own"
    );
}
