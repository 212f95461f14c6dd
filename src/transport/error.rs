//! What went wrong on the wire, in our words.

use std::{error::Error as StdError, io};

use fanfare_sdk::{Meaning, Progress, SendError, SendErrorKind};

/// What an error of the client means. Whether anything was sent the progress knows, also of
/// exchanges before this one.
///
/// Its text never has a URL in it: only the innermost cause is told.
pub(super) fn send_error(error: reqwest::Error, progress: &Progress) -> SendError {
    let error = error.without_url();
    let kind = kind(&error);
    let effect = progress.effect();
    let meaning = match kind {
        SendErrorKind::Prepare | SendErrorKind::Tls => Meaning::Permanent,
        _ => Meaning::Retry,
    };
    SendError::new(kind, meaning, effect).because(cause(&error))
}

fn kind(error: &reqwest::Error) -> SendErrorKind {
    if error.is_builder() {
        return SendErrorKind::Prepare;
    }
    if chain(error).any(is_tls) {
        return SendErrorKind::Tls;
    }
    if error.is_connect() {
        return if error.is_dns() { SendErrorKind::Dns } else { SendErrorKind::Connect };
    }
    if error.is_timeout() {
        return SendErrorKind::Timeout;
    }
    let hyper = chain(error).find_map(|cause| cause.downcast_ref::<hyper::Error>());
    match hyper {
        Some(error) if error.is_parse() => SendErrorKind::Protocol,
        _ => SendErrorKind::Reset,
    }
}

/// The text of the innermost cause.
fn cause(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out".into();
    }
    if let Some(error) = chain(error).find_map(|cause| cause.downcast_ref::<io::Error>())
        && error.get_ref().is_none()
    {
        return error.kind().to_string();
    }
    chain(error).last().map_or_else(String::new, ToString::to_string)
}

/// An error of TLS may be wrapped in errors of I/O, one in another.
fn is_tls(cause: &(dyn StdError + 'static)) -> bool {
    let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    cause.is::<rustls::Error>() || inner.is_some_and(|inner| is_tls(inner))
}

fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| (*error).source())
}
