//! Spans and metrics, as whoever collects them sees them.

mod exchanges;
mod metrics;
mod names;
mod otlp;
mod spans;
mod stage;
mod tracing;
