//! With whom connections are made: one crypto provider, whose certificates count, and who we are.

use std::{path::PathBuf, sync::Arc};

use rustls::{
    ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, SignatureScheme, WantsVerifier,
    client::{
        ResolvesClientCert, Resumption, WantsClientCert, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, aws_lc_rs::default_provider},
    pki_types::{CertificateDer, ServerName, UnixTime},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use rustls_platform_verifier::BuilderVerifierExt;

use super::{
    TransportError,
    files::Made,
    pem::{certificates, private_key, roots, told},
};
use crate::policy::{Tls, TlsIdentity, TlsVersion};

/// The system's certificates, and nothing to show.
pub(super) fn tls() -> Result<ClientConfig, TransportError> {
    tls_of(&Tls::default())
}

/// The same with the certificates (PEM) of a file, and none of the system's.
#[cfg(feature = "cli")]
pub(super) fn tls_by(ca: &std::path::Path) -> Result<ClientConfig, TransportError> {
    tls_of(&Tls { ca: Some(ca.to_owned()), ..Tls::default() })
}

/// What is said there. Files are read again when they have changed; what is wrong with all of them is said at once.
pub(super) fn tls_of(tls: &Tls) -> Result<ClientConfig, TransportError> {
    let wrong: Vec<_> = wrong_files(tls).into_iter().map(|(_, says)| says).collect();
    if !wrong.is_empty() {
        return Err(TransportError(wrong.join("\n")));
    }
    let trusting = trusting(tls)?;
    let Some(it) = &tls.identity else {
        let mut config = trusting.with_no_client_auth();
        if tls.ca.is_some() {
            config.resumption = Resumption::disabled();
        }
        return Ok(config);
    };
    let shown = Made::try_new(files_of(it), identity).map_err(TransportError)?;
    let mut config = trusting.with_client_cert_resolver(Arc::new(Shown(shown)));
    // A session that is resumed goes on with the certificates of the one before.
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// What is wrong with the files, each by its key in a configuration.
pub(super) fn wrong_files(tls: &Tls) -> Vec<(&'static str, String)> {
    let mut wrong = Vec::new();
    if let Some(says) = tls.ca.as_ref().and_then(|ca| trusted(std::slice::from_ref(ca)).err()) {
        wrong.push(("tls/ca", says));
    }
    if let Some(it) = &tls.identity {
        let parts = [
            ("tls/certificate", certificates(&it.certificate).err()),
            ("tls/key", private_key(&it.key).err()),
        ];
        let parts = parts.into_iter().filter_map(|(key, says)| Some((key, says?)));
        let before = wrong.len();
        wrong.extend(parts);
        if wrong.len() == before {
            // Each is right by itself.
            wrong.extend(identity(&files_of(it)).err().map(|says| ("tls/key", says)));
        }
    }
    wrong
}

/// Whose certificates count. There is no way to count none: who cannot be verified is not talked to.
fn trusting(tls: &Tls) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, TransportError> {
    let told = |error: Error| TransportError(error.to_string());
    let versions: &[_] = match tls.version_min {
        TlsVersion::Tls12 => &[&TLS12, &TLS13],
        TlsVersion::Tls13 => &[&TLS13],
    };
    let builder: ConfigBuilder<ClientConfig, WantsVerifier> =
        ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)
            .map_err(told)?;
    let Some(ca) = &tls.ca else { return builder.with_platform_verifier().map_err(told) };
    let trusted = Made::try_new(vec![ca.clone()], trusted).map_err(TransportError)?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(Trusted(trusted))))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(default_provider())
}

/// Verifies by the certificates of a file.
#[derive(Debug)]
struct Trusted(Made<WebPkiServerVerifier>);

/// Shows the certificate of a file.
#[derive(Debug)]
struct Shown(Made<CertifiedKey>);

// === impl Trusted ===

impl ServerCertVerifier for Trusted {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let by = self.0.now();
        by.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.last().verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.last().verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.last().supported_verify_schemes()
    }
}

// === impl Shown ===

impl ResolvesClientCert for Shown {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let shown = self.0.now();
        shown.key.choose_scheme(schemes).is_some().then_some(shown)
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn files_of(identity: &TlsIdentity) -> Vec<PathBuf> {
    vec![identity.certificate.clone(), identity.key.clone()]
}

fn trusted(files: &[PathBuf]) -> Result<Arc<WebPkiServerVerifier>, String> {
    let [ca] = files else { return Err("one file has the certificates".to_owned()) };
    WebPkiServerVerifier::builder_with_provider(roots(ca)?.into(), provider())
        .build()
        .map_err(|error| told(ca, &error.to_string()))
}

fn identity(files: &[PathBuf]) -> Result<Arc<CertifiedKey>, String> {
    let [certificate, key] = files else { return Err("a certificate has a key".to_owned()) };
    let (chain, private) = match (certificates(certificate), private_key(key)) {
        (Ok(chain), Ok(private)) => (chain, private),
        (chain, private) => {
            let wrong = [chain.err(), private.err()];
            return Err(wrong.into_iter().flatten().collect::<Vec<_>>().join("\n"));
        }
    };
    match CertifiedKey::from_der(chain, private, &provider()) {
        Ok(identity) => Ok(Arc::new(identity)),
        Err(Error::InconsistentKeys(_)) => {
            let of = certificate.display();
            Err(told(key, &format!("is not the key of the certificate in {of}")))
        }
        Err(error) => Err(told(key, &error.to_string())),
    }
}
