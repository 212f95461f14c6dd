//! What went wrong on the wire, in our words.

use std::{error::Error as StdError, io};

use fanfare_sdk::{Meaning, Progress, ProgressMark, SendError, SendErrorKind};
use h2::Reason;
use rustls::{AlertDescription, CertificateError};

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
    is_of_certificate(alert)
        || matches!(alert, AlertDescription::HandshakeFailure | AlertDescription::DecryptError)
}

fn breaks_protocol(reason: Reason) -> bool {
    ![Reason::NO_ERROR, Reason::INTERNAL_ERROR, Reason::REFUSED_STREAM, Reason::CANCEL]
        .contains(&reason)
}

/// Who did not take what of whom, and what would help.
fn handshake(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(why) => {
            format!("we do not take the server's certificate: {}", certificate(why))
        }
        rustls::Error::AlertReceived(alert @ AlertDescription::CertificateRequired) => {
            format!("the server wants a certificate of ours, `tls.certificate` ({alert:?})")
        }
        rustls::Error::AlertReceived(alert) if is_of_certificate(*alert) => {
            format!("the server does not take our certificate, `tls.certificate` ({alert:?})")
        }
        rustls::Error::AlertReceived(alert) => {
            format!("the server has ended the handshake ({alert:?})")
        }
        other => other.to_string(),
    }
}

fn certificate(why: &CertificateError) -> String {
    let says = match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet, or the clock of this machine is wrong"
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "nobody who is trusted has signed it; `tls.ca` says who is trusted"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another name than that of the URL"
        }
        CertificateError::Revoked => "it was revoked",
        other => return other.to_string(),
    };
    says.to_owned()
}

/// Whether a server has looked at our certificate and did not like it.
fn is_of_certificate(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::CertificateRequired
    )
}

/// The text of the innermost cause.
fn cause(error: &reqwest::Error) -> String {
    if let Some(error) = chain(error).find_map(tls) {
        return handshake(error);
    }
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

#[cfg(test)]
mod tests {
    use rustls::{AlertDescription, CertificateError, Error};

    use super::handshake;

    #[test]
    fn it_is_said_who_does_not_take_what_of_whom() {
        #[track_caller]
        fn check(error: &Error, expected: &str) {
            assert_eq!(handshake(error), expected);
        }
        let theirs = |why: CertificateError| Error::InvalidCertificate(why);
        let refused = |says: &str| format!("we do not take the server's certificate: {says}");
        check(&theirs(CertificateError::Expired), &refused("it has expired"));
        let clock = "it is not valid yet, or the clock of this machine is wrong";
        check(&theirs(CertificateError::NotValidYet), &refused(clock));
        let ca = "nobody who is trusted has signed it; `tls.ca` says who is trusted";
        check(&theirs(CertificateError::UnknownIssuer), &refused(ca));
        let name = "it is for another name than that of the URL";
        check(&theirs(CertificateError::NotValidForName), &refused(name));
        check(&theirs(CertificateError::Revoked), &refused("it was revoked"));
        check(&theirs(CertificateError::BadSignature), &refused(ca));
        check(&theirs(CertificateError::BadEncoding), &refused("BadEncoding"));
        check(
            &Error::AlertReceived(AlertDescription::CertificateRequired),
            "the server wants a certificate of ours, `tls.certificate` (CertificateRequired)",
        );
        check(
            &Error::AlertReceived(AlertDescription::UnknownCA),
            "the server does not take our certificate, `tls.certificate` (UnknownCA)",
        );
        check(
            &Error::AlertReceived(AlertDescription::ProtocolVersion),
            "the server has ended the handshake (ProtocolVersion)",
        );
        check(&Error::HandshakeNotComplete, "handshake not complete");
    }
}
