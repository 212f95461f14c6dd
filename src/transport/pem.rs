//! Certificates and keys from files (PEM), for both sides of TLS. What is wrong is told with the file and without what stands
//! in it.

use std::{fs, io::Read as _, path::Path};

use rustls::{
    RootCertStore,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{Error as PemError, PemObject as _},
    },
};

/// Bytes of one file: a system's own bundle has a fifth of it.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The certificates of a file, of which there is one at least.
///
/// # Errors
/// When they cannot be read.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    const NONE: &str = "has no certificate (PEM: `-----BEGIN CERTIFICATE-----`)";
    let text = read(path)?;
    match CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>() {
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
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(|error| why(path, &error, NONE))
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

/// What stands in a file. It is read again and again, so that nobody waits for a pipe, or reads what has no end.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    let says = |error: std::io::Error| told(path, &error.to_string());
    if !fs::metadata(path).map_err(says)?.is_file() {
        return Err(told(path, "is no file"));
    }
    let mut text = Vec::new();
    let file = fs::File::open(path).map_err(says)?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut text).map_err(says)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(told(path, &format!("has more than {FILE_BYTES_MAX} bytes")));
    }
    Ok(text)
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

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, path::Path};

    use super::{certificates, private_key};

    #[track_caller]
    fn check(path: &Path, expected: &str) {
        let expected = format!("{}: {expected}", path.display());
        assert_eq!(certificates(path).map(drop), Err(expected.clone()));
        assert_eq!(private_key(path).map(drop), Err(expected));
    }

    /// It is read while a connection is made: what has no end, or is waited for, would stop that.
    #[test]
    fn only_files_are_read_and_not_more_than_fits() {
        let folder = tempfile::tempdir().expect("a folder");
        check(folder.path(), "is no file");
        check(Path::new("/dev/zero"), "is no file");
        let path = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.is_ok_and(|it| it.success()));
        check(&path, "is no file");
        let path = folder.path().join("large");
        fs::write(&path, vec![b'\n'; (1 << 20) + 1]).expect("writable");
        check(&path, "has more than 1048576 bytes");
    }
}
