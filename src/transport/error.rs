//! What went wrong on the wire, in our words.

use std::{error::Error as StdError, io};

use fanfare_sdk::{Meaning, Progress, ProgressMark, SendError, SendErrorKind};
use h2::Reason;
use rustls::AlertDescription;

use super::guard::refuse;
use crate::policy::Refused;

/// What an error of the client means. Whether anything was sent the progress knows, also of exchanges before this one;
/// how far it was before that is said, for where it is certain that nothing was done.
///
/// Its text never has a URL in it: only the innermost cause is told.
pub(super) fn send_error(
    error: reqwest::Error,
    progress: &Progress,
    before: ProgressMark,
) -> SendError {
    let error = error.without_url();
    if let Some(refused) = chain(&error).find_map(|cause| cause.downcast_ref::<Refused>()) {
        return refuse(*refused, progress);
    }
    let kind = kind(&error);
    if chain(&error).any(is_undone) {
        progress.back_to(before);
    }
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
    let reason = chain(error).find_map(|cause| cause.downcast_ref::<h2::Error>()?.reason());
    match hyper {
        Some(error) if error.is_parse() || reason.is_some_and(breaks_protocol) => {
            SendErrorKind::Protocol
        }
        _ => SendErrorKind::Reset,
    }
}

/// Whether the peer has said that it did nothing with the request, though some of it was sent.
fn is_undone(cause: &(dyn StdError + 'static)) -> bool {
    // RFC 9113, section 8.7: a stream that was refused, or opened after the last one that the peer still answers.
    let refused = cause.downcast_ref::<h2::Error>().is_some_and(|error| {
        let was_refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
        error.is_remote() && (was_refused || error.is_go_away())
    });
    refused || tls_alert(cause).is_some_and(is_of_handshake)
}

/// RFC 8446, section 6.2: in TLS 1.3 a server looks at our certificate when we have sent already; it reads nothing
/// before.
fn is_of_handshake(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::HandshakeFailure
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::DecryptError
            | AlertDescription::CertificateRequired
    )
}

fn breaks_protocol(reason: Reason) -> bool {
    ![Reason::NO_ERROR, Reason::INTERNAL_ERROR, Reason::REFUSED_STREAM, Reason::CANCEL]
        .contains(&reason)
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
    if let Some(goodbye) = chain(error).find_map(goodbye) {
        return goodbye;
    }
    chain(error).last().map_or_else(String::new, ToString::to_string)
}

/// A peer that ends a connection of HTTP/2 (GOAWAY) may write what it likes beside its reason: what it was sent, say.
fn goodbye(cause: &(dyn StdError + 'static)) -> Option<String> {
    let error = cause.downcast_ref::<h2::Error>().filter(|it| it.is_go_away() && it.is_remote())?;
    Some(format!("the peer ended the connection: {}", error.reason()?.description()))
}

fn is_tls(cause: &(dyn StdError + 'static)) -> bool {
    tls(cause).is_some()
}

fn tls_alert(cause: &(dyn StdError + 'static)) -> Option<AlertDescription> {
    match tls(cause) {
        Some(rustls::Error::AlertReceived(alert)) => Some(*alert),
        _ => None,
    }
}

/// An error of TLS may be wrapped in errors of I/O, one in another.
fn tls<'a>(cause: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    if let Some(error) = cause.downcast_ref::<rustls::Error>() {
        return Some(error);
    }
    tls(cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref)?)
}

fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| (*error).source())
}
