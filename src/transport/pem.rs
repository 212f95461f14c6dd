//! Certificates and keys from files (PEM), for both sides of TLS. What is wrong is told with the file and without what stands
//! in it.

use std::path::Path;

use rustls::{
    RootCertStore,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{Error as PemError, PemObject as _},
    },
};

/// The certificates of a file, of which there is one at least.
///
/// # Errors
/// When they cannot be read.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    const NONE: &str = "has no certificate (PEM: `-----BEGIN CERTIFICATE-----`)";
    let found =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match found {
        Ok(found) if found.is_empty() => Err(told(path, NONE)),
        Ok(found) => Ok(found),
        Err(error) => Err(why(path, &error, NONE)),
    }
}

/// The private key of a file.
///
/// # Errors
/// When it cannot be read, or is encrypted.
pub(crate) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    const NONE: &str = "has no private key (PEM: `-----BEGIN PRIVATE KEY-----`, not encrypted)";
    PrivateKeyDer::from_pem_file(path).map_err(|error| why(path, &error, NONE))
}

/// The certificates of a file as those that others are held against.
///
/// # Errors
/// When they cannot be read, or are none.
pub(crate) fn roots(path: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| told(path, &error.to_string()))?;
    }
    Ok(roots)
}

/// What is said of a file.
pub(crate) fn told(path: &Path, says: &str) -> String {
    format!("{}: {says}", path.display())
}

/// Without the line that is wrong: it may be a part of a key.
fn why(path: &Path, error: &PemError, none: &str) -> String {
    match error {
        PemError::Io(error) => told(path, &error.to_string()),
        PemError::NoItemsFound => told(path, none),
        _ => told(path, &format!("is not PEM, or {none}")),
    }
}
