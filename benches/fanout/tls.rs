//! The transport's own TLS, for those who are compared with it.

use std::error::Error;

use rustls_platform_verifier::BuilderVerifierExt as _;

/// The transport's own TLS.
pub(crate) fn tls() -> Result<rustls::ClientConfig, Box<dyn Error>> {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let builder = rustls::ClientConfig::builder_with_provider(provider.into());
    let builder = builder.with_safe_default_protocol_versions()?.with_platform_verifier()?;
    Ok(builder.with_no_client_auth())
}
