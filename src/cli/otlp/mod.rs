//! Export of spans and metrics by OTLP, as the standard environment variables ask for it.

mod export;
#[expect(clippy::module_inception, reason = "the protocol is the word for it")]
mod otlp;
mod settings;

pub(super) use self::otlp::Otlp;
