//! What the daemon logs to standard error, and how.

use std::io::{self, IsTerminal};

use tracing_subscriber::{Layer, filter::Targets, fmt, layer::SubscriberExt, registry};

use super::args::LogFormat;

/// Logs from here on. It is done once in the life of a process; a second time changes nothing.
///
/// # Errors
/// When the filter is none.
pub(super) fn start(filter: &str, format: LogFormat) -> Result<(), String> {
    let filter: Targets = filter.parse().map_err(|_| {
        format!("--log: `{filter}` is no filter: `info` or `warn,fanfare=debug` would be right")
    })?;
    let layer = fmt::layer().with_writer(io::stderr);
    let layer = match format {
        LogFormat::Text => layer.with_ansi(io::stderr().is_terminal()).boxed(),
        // `target` is one of the configuration's, not a module.
        LogFormat::Json => layer.json().flatten_event(true).with_target(false).boxed(),
    };
    drop(tracing::subscriber::set_global_default(registry().with(layer.with_filter(filter))));
    Ok(())
}
