//! TLS from files: checked when they are read, and taken only as a whole.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs::default_provider,
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use tokio_rustls::TlsAcceptor;

use crate::transport::pem::{certificates, private_key, roots, told};

/// Where certificates and their key stand, as PEM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsFiles {
    /// The daemon's certificate, and those that lead to its root.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Whose certificates callers must have; none asks for none.
    pub client_ca: Option<PathBuf>,
}

/// What the daemon shows, and asks for, when a connection begins.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    config: RwLock<Arc<ServerConfig>>,
}

/// The files cannot be used: everything that is wrong with them, a line each, without what stands in them.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct TlsError(pub Vec<String>);

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let config = RwLock::new(read(&files)?);
        Ok(Self { files, config })
    }

    /// The files that it comes from.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        let TlsFiles { cert, key, client_ca } = &self.files;
        [cert, key].into_iter().chain(client_ca)
    }

    /// Reads them again. Connections that are open stay as they are; where something is wrong, so does all else.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn read_again(&self) -> Result<(), TlsError> {
        let config = read(&self.files)?;
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.config.read().unwrap_or_else(PoisonError::into_inner).clone().into()
    }
}

fn read(files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
    let mut wrong = Vec::new();
    let mut keep = |says: String| wrong.push(says);
    let chain = certificates(&files.cert).map_err(&mut keep).ok();
    let key = private_key(&files.key).map_err(&mut keep).ok();
    let callers = files.client_ca.as_deref().map(|path| callers(path).map_err(&mut keep).ok());
    let (Some(chain), Some(key)) = (chain, key) else { return Err(TlsError(wrong)) };
    let callers = match callers {
        None => None,
        Some(Some(callers)) => Some(callers),
        Some(None) => return Err(TlsError(wrong)),
    };
    let at = |file: &Path, error: rustls::Error| TlsError(vec![told(file, &error.to_string())]);
    let builder = ServerConfig::builder_with_provider(default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(|error| at(&files.cert, error))?;
    let builder = match callers {
        Some(callers) => builder.with_client_cert_verifier(callers),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(chain, key).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            let of = files.cert.display();
            TlsError(vec![told(&files.key, &format!("is not the key of the certificate in {of}"))])
        }
        error => at(&files.cert, error),
    })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn callers(path: &Path) -> Result<Arc<dyn ClientCertVerifier>, String> {
    WebPkiClientVerifier::builder_with_provider(roots(path)?.into(), default_provider().into())
        .build()
        .map_err(|error| told(path, &error.to_string()))
}
