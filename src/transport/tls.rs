//! With whom connections are made: one crypto provider, and whose certificates count.

use rustls_platform_verifier::BuilderVerifierExt;

use super::TransportError;

/// One crypto provider, given and not taken from the process; the system's certificates.
pub(super) fn tls() -> Result<rustls::ClientConfig, TransportError> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let tls = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(|error| TransportError(error.to_string()))?;
    Ok(tls.with_no_client_auth())
}

/// The same with the certificates (PEM) of a file, and none of the system's.
#[cfg(feature = "cli")]
pub(super) fn tls_by(ca: &std::path::Path) -> Result<rustls::ClientConfig, TransportError> {
    use rustls::pki_types::{CertificateDer, pem::PemObject as _};
    let wrong = |says: String| TransportError(format!("{}: {says}", ca.display()));
    let mut roots = rustls::RootCertStore::empty();
    for found in CertificateDer::pem_file_iter(ca).map_err(|error| wrong(error.to_string()))? {
        let certificate = found.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong("has no certificate (PEM)".to_owned()));
    }
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let tls = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .map_err(|error| TransportError(error.to_string()))?;
    Ok(tls.with_root_certificates(roots).with_no_client_auth())
}
