//! What went wrong on the wire, in our words.

use std::{error::Error as StdError, io};

use fanfare_sdk::{Meaning, Progress, SendError, SendErrorKind};
use hyper_util::client::legacy::Error;
use tower::timeout::error::Elapsed;

use super::connect::Unresolved;

/// What an error of the client means. Whether anything was sent the progress knows, also of
/// exchanges before this one.
///
/// Its text never has a URL in it: only the innermost cause is told.
pub(super) fn send_error(error: &Error, progress: &Progress) -> SendError {
    let kind = kind(error);
    let effect = progress.effect();
    let meaning = if kind == SendErrorKind::Tls { Meaning::Permanent } else { Meaning::Retry };
    SendError::new(kind, meaning, effect).because(cause(error))
}

fn kind(error: &Error) -> SendErrorKind {
    if chain(error).any(is_tls) {
        return SendErrorKind::Tls;
    }
    if error.is_connect() {
        let unresolved = chain(error).any(|cause| cause.is::<Unresolved>());
        return if unresolved { SendErrorKind::Dns } else { SendErrorKind::Connect };
    }
    if chain(error).any(is_timeout) {
        return SendErrorKind::Timeout;
    }
    let hyper = chain(error).find_map(|cause| cause.downcast_ref::<hyper::Error>());
    match hyper {
        Some(error) if error.is_parse() => SendErrorKind::Protocol,
        _ => SendErrorKind::Reset,
    }
}

/// The text of the innermost cause.
fn cause(error: &Error) -> String {
    if chain(error).any(is_timeout) {
        return "timed out".into();
    }
    if let Some(error) = chain(error).find_map(|cause| cause.downcast_ref::<io::Error>())
        && error.get_ref().is_none()
    {
        return error.kind().to_string();
    }
    chain(error).last().map_or_else(String::new, ToString::to_string)
}

/// Of the connector, of the client, or of the system.
fn is_timeout(cause: &(dyn StdError + 'static)) -> bool {
    let of_client = cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_timeout);
    let of_system = cause.downcast_ref::<io::Error>().map(io::Error::kind);
    cause.is::<Elapsed>() || of_client || of_system == Some(io::ErrorKind::TimedOut)
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
