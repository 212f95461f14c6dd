//! TLS: what is shown, what is asked for, and what happens when files change.

use std::{fs, io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use fanfare::daemon::{DaemonLimits, Tls, TlsFiles};
use fanfare_testkit::Scripted;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt, net::TcpStream, process::Command};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    connections::{Served, all},
    stage::Stage,
};
use crate::child::Daemon;

const NO_CERT: &str = "has no certificate (PEM: `-----BEGIN CERTIFICATE-----`)";
const ASK: &str = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

/// Signs certificates.
pub(super) struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, as PEM.
pub(super) type Pair = (String, String);

impl Authority {
    pub(super) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    pub(super) fn sign(&self, name: &str) -> Pair {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

/// The files of a daemon.
pub(super) struct Files(TempDir);

impl Files {
    pub(super) fn new((cert, key): &Pair, client_ca: Option<&Authority>) -> Self {
        let files = Self(TempDir::new().unwrap());
        files.replace(cert, key);
        if let Some(authority) = client_ca {
            fs::write(files.at("ca.pem"), &authority.pem).unwrap();
        }
        files
    }

    pub(super) fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn replace(&self, cert: &str, key: &str) {
        fs::write(self.at("cert.pem"), cert).unwrap();
        fs::write(self.at("key.pem"), key).unwrap();
    }

    pub(super) fn named(&self) -> TlsFiles {
        let client_ca = Some(self.at("ca.pem")).filter(|path| path.exists());
        TlsFiles { cert: self.at("cert.pem"), key: self.at("key.pem"), client_ca }
    }
}

pub(super) async fn served(tls: &Arc<Tls>, limits: DaemonLimits) -> Served {
    let ok = [Scripted::status(200)];
    Served::of(Stage::by_tls(&ok, &ok, (limits, Some(tls.clone()))).await).await
}

/// A connection of somebody who trusts that authority, with a certificate of his own or without.
pub(super) async fn connect(
    address: SocketAddr,
    trusts: &Authority,
    own: Option<&Pair>,
) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusts.pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match own {
        Some((cert, key)) => {
            let cert = CertificateDer::from_pem_slice(cert.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            config.with_client_auth_cert(vec![cert], key).unwrap()
        }
        None => config.with_no_client_auth(),
    };
    let stream = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::new(config)).connect("localhost".try_into().unwrap(), stream).await
}

/// What is answered; nothing where there is no connection.
async fn ask(address: SocketAddr, trusts: &Authority, own: Option<&Pair>) -> String {
    let Ok(mut stream) = connect(address, trusts, own).await else { return String::new() };
    // In TLS 1.3 a caller gets to know only later that he is not let in.
    drop(stream.write_all(ASK.as_bytes()).await);
    all(&mut stream).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_replaced_and_a_bad_one_is_not_taken() {
    let (first, second) = (Authority::new(), Authority::new());
    let files = Files::new(&first.sign("localhost"), None);
    let tls = Arc::new(Tls::load(files.named()).unwrap());
    let served = served(&tls, DaemonLimits::default()).await;
    let address = served.address;
    assert!(ask(address, &first, None).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(ask(address, &second, None).await, "");
    let mut open = connect(address, &first, None).await.unwrap();

    let (cert, key) = second.sign("localhost");
    files.replace(&cert, &key);
    tls.read_again().unwrap();
    assert!(ask(address, &second, None).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(ask(address, &first, None).await, "");
    // Who is connected stays so.
    open.write_all(ASK.as_bytes()).await.unwrap();
    assert!(all(&mut open).await.starts_with("HTTP/1.1 200 "));

    for (cert, key) in [("", key.as_str()), (&cert, &first.sign("localhost").1), ("x", "y")] {
        files.replace(cert, key);
        tls.read_again().unwrap_err();
        assert!(ask(address, &second, None).await.starts_with("HTTP/1.1 200 "));
    }
    // Plain HTTP is not spoken there.
    let mut plain = served.connect().await;
    plain.write_all(ASK.as_bytes()).await.unwrap();
    assert!(!all(&mut plain).await.contains("HTTP/1.1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_callers_need_certificates_nobody_else_is_let_in() {
    let (own, callers) = (Authority::new(), Authority::new());
    let files = Files::new(&own.sign("localhost"), Some(&callers));
    let tls = Arc::new(Tls::load(files.named()).unwrap());
    let served = served(&tls, DaemonLimits::default()).await;
    let (good, forged) = (callers.sign("shop"), Authority::new().sign("shop"));
    assert!(ask(served.address, &own, Some(&good)).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(ask(served.address, &own, Some(&forged)).await, "");
    assert_eq!(ask(served.address, &own, None).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_begins_no_handshake_has_a_place_and_loses_it() {
    let authority = Authority::new();
    let files = Files::new(&authority.sign("localhost"), None);
    let tls = Arc::new(Tls::load(files.named()).unwrap());
    let mut limits = DaemonLimits::default();
    limits.connections_max = 1;
    let served = served(&tls, limits.clone()).await;
    let _silent = served.connect().await;
    // There is no other place, and nothing that could be said without a handshake.
    assert_eq!(all(&mut served.connect().await).await, "");
    limits.head_timeout = Duration::from_millis(50);
    let impatient = self::served(&tls, limits).await;
    let mut silent = impatient.connect().await;
    assert_eq!(all(&mut silent).await, "");
    while !ask(impatient.address, &authority, None).await.starts_with("HTTP/1.1 200 ") {}
}

#[test]
fn what_is_wrong_with_files_is_said_at_once_and_shows_nothing_of_them() {
    let authority = Authority::new();
    let (cert, key) = authority.sign("localhost");
    #[track_caller]
    fn check(files: &Files, expected: &str) {
        let folder = format!("{}/", files.0.path().display());
        let told = Tls::load(files.named()).unwrap_err().to_string().replace(&folder, "");
        assert_eq!(told, expected);
    }
    let no_key = "has no private key (PEM: `-----BEGIN PRIVATE KEY-----`, not encrypted)";
    let canary = "c4n4ry";
    let files = Files::new(&(canary.to_owned(), canary.to_owned()), Some(&authority));
    fs::write(files.at("ca.pem"), canary).unwrap();
    check(&files, &format!("cert.pem: {NO_CERT}\nkey.pem: {no_key}\nca.pem: {NO_CERT}"));
    let broken = format!("-----BEGIN PRIVATE KEY-----\n{canary}\n");
    let files = Files::new(&(cert.clone(), broken), None);
    check(&files, &format!("key.pem: is not PEM, or {no_key}"));
    let files = Files::new(&(cert.clone(), authority.sign("localhost").1), None);
    let of = files.at("cert.pem").display().to_string();
    let told = Tls::load(files.named()).unwrap_err().to_string();
    assert!(
        told.ends_with(&format!("key.pem: is not the key of the certificate in {of}")),
        "{told}"
    );
    let files = Files::new(&(cert, key), None);
    fs::remove_file(files.at("key.pem")).unwrap();
    check(&files, "key.pem: No such file or directory (os error 2)");
    assert!(!format!("{:?}", Tls::load(files.named())).contains(canary));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_speaks_tls_on_both_sides() {
    let authority = Authority::new();
    let files = Files::new(&authority.sign("localhost"), None);
    fs::write(files.at("roots.pem"), &authority.pem).unwrap();
    let config = "targets: { a: { kind: http, url: 'http://127.0.0.1:9/' } }\n";
    fs::write(files.at("fanfare.yaml"), config).unwrap();
    let args = ["--tls-cert", "cert.pem", "--tls-key", "key.pem"];
    let daemon = Daemon::start_with(files.0.path(), &[], &args).await;
    let server = format!("https://localhost:{}", daemon.address.port());
    let list = async |more: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_fanfare"))
            .args(["targets", "--server", &server])
            .args(more)
            .current_dir(files.0.path())
            .env_remove("FANFARE_KEY")
            .output()
            .await
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout) + &text(&output.stderr))
    };
    let (status, told) = list(&["--server-ca", "roots.pem"]).await;
    assert!(status == Some(0) && told.starts_with("a  http  ready"), "{told}");
    let (status, told) = list(&[]).await;
    assert!(status == Some(3) && told.contains("does not answer"), "{told}");
    let (status, told) = list(&["--server-ca", "key.pem"]).await;
    let wrong = format!("error: the HTTP client cannot be built: key.pem: {NO_CERT}\n");
    assert_eq!((status, told), (Some(2), wrong));
    // It is replaced while the daemon runs, which looks each second; how long that takes does not matter.
    let next = Authority::new();
    let (cert, key) = next.sign("localhost");
    files.replace(&cert, &key);
    fs::write(files.at("next.pem"), &next.pem).unwrap();
    while list(&["--server-ca", "next.pem"]).await.0 != Some(0) {}
    assert_eq!(daemon.end().await, Some(0));
}
