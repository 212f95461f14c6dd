//! How connections are made: names, TCP, TLS, each failure with a name of its own, and one time limit for all of it.

use std::{io, time::Duration};

use http::Uri;
use hyper_rustls::{HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::{
    client::legacy::connect::{
        HttpConnector,
        dns::{GaiResolver, Name},
    },
    rt::TokioIo,
};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::net::TcpStream;
use tower::{BoxError, ServiceExt, timeout::Timeout, util::BoxCloneSyncService};

use super::TransportError;

/// Makes a connection to the host of a URL.
pub(super) type Connector =
    BoxCloneSyncService<Uri, MaybeHttpsStream<TokioIo<TcpStream>>, BoxError>;

/// A name that is not known, or could not be asked for.
#[derive(Debug, thiserror::Error)]
#[error("the name of the host cannot be resolved")]
pub(super) struct Unresolved(#[source] io::Error);

/// A connector that takes that long at the most.
pub(super) fn connector(connect_timeout: Duration) -> Result<Connector, TransportError> {
    let resolver = ServiceExt::<Name>::map_err(GaiResolver::new(), Unresolved as fn(_) -> _);
    let mut tcp = HttpConnector::new_with_resolver(resolver);
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    let builder = HttpsConnectorBuilder::new().with_tls_config(tls()?).https_or_http();
    let connector = builder.enable_all_versions().wrap_connector(tcp);
    Ok(BoxCloneSyncService::new(Timeout::new(connector, connect_timeout)))
}

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
