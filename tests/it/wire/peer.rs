//! A peer over TLS that says who has called: the least that a real server does.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    RootCertStore, ServerConfig, SupportedProtocolVersion,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// Runs as long as the test.
#[expect(clippy::disallowed_methods, reason = "a peer is no part of the engine")]
pub(super) fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) {
    drop(tokio::spawn(task));
}

/// Both versions.
pub(super) const ALL: &[&SupportedProtocolVersion] = &[&TLS12, &TLS13];

/// Signs certificates.
pub(super) struct Authority {
    pub(super) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, as PEM.
pub(super) type Pair = (String, String);

/// Certificates, and who has them.
type Known = Arc<Mutex<Vec<(CertificateDer<'static>, String)>>>;

pub(super) struct Peer {
    pub(super) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    known: Known,
}

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

    fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(der(&self.pem)).unwrap();
        Arc::new(roots)
    }
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

/// What a server of `localhost` is made with; where callers are given, it wants a certificate of theirs.
pub(super) fn server(
    authority: &Authority,
    callers: Option<&Authority>,
    versions: &[&'static SupportedProtocolVersion],
) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions)
        .unwrap();
    let builder = match callers {
        Some(callers) => {
            let verifier =
                WebPkiClientVerifier::builder_with_provider(callers.roots(), provider).build();
            builder.with_client_cert_verifier(verifier.unwrap())
        }
        None => builder.with_no_client_auth(),
    };
    let (cert, key) = authority.sign("localhost");
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    builder.with_single_cert(vec![der(&cert)], key).unwrap()
}

impl Peer {
    /// Answers every request with the name of its caller; where connections are not kept, one a connection.
    pub(super) async fn start(config: ServerConfig, keeps: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, known) = (Arc::<AtomicUsize>::default(), Known::default());
        let (count, names) = (connections.clone(), known.clone());
        let acceptor = TlsAcceptor::from(Arc::new(config));
        spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, count, names) = (acceptor.clone(), count.clone(), names.clone());
                spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    count.fetch_add(1, Ordering::Relaxed);
                    answer(stream, &names, keeps).await;
                });
            }
        });
        Self { address, connections, known }
    }

    pub(super) fn url(&self) -> String {
        format!("https://localhost:{}/", self.address.port())
    }

    /// Connections with a handshake that went well.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    pub(super) fn knows(&self, (cert, _): &Pair, name: &str) {
        self.known.lock().unwrap().push((der(cert), name.to_owned()));
    }
}

/// What requests end with.
const BODIES: [&str; 2] =
    ["\r\n\r\n{\"a\":1}", "\r\n\r\ngrant_type=client_credentials&client_id=me"];

/// Who has called, and what proves it in the headers; at `/token`, a token that says whose it is.
fn said(request: &str, name: &str) -> String {
    if request.starts_with("POST /token ") {
        return format!(r#"{{"access_token":"of-{name}","token_type":"Bearer"}}"#);
    }
    let proofs = request.lines().filter_map(|line| {
        line.strip_prefix("authorization: ").or_else(|| line.strip_prefix("x-key: "))
    });
    [name].into_iter().chain(proofs).collect::<Vec<_>>().join(", ")
}

/// 200; at `/to/PORT`, a redirect to that port.
fn status(request: &str) -> String {
    match request.strip_prefix("POST /to/").and_then(|rest| rest.split(' ').next()) {
        Some(port) => format!("307 Over There\r\nlocation: https://localhost:{port}/"),
        None => "200 OK".to_owned(),
    }
}

async fn answer(
    mut stream: TlsStream<tokio::net::TcpStream>,
    known: &Known,
    keeps: bool,
) -> Option<()> {
    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).cloned();
    let name = {
        let known = known.lock().unwrap();
        let found = known.iter().find(|(cert, _)| Some(cert) == shown.as_ref());
        found.map_or("nobody", |(_, name)| name).to_owned()
    };
    let mut read = Vec::new();
    loop {
        // All deliveries have the same body, and all requests for a token.
        while !BODIES.iter().any(|body| read.ends_with(body.as_bytes())) {
            read.push(stream.read_u8().await.ok()?);
        }
        let request = String::from_utf8_lossy(&read).into_owned();
        let (status, said) = (status(&request), said(&request, &name));
        read.clear();
        let (length, connection) = (said.len(), if keeps { "keep-alive" } else { "close" });
        let reply = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: {connection}\r\n\r\n{said}"
        );
        stream.write_all(reply.as_bytes()).await.ok()?;
        stream.flush().await.ok()?;
        if !keeps {
            stream.shutdown().await.ok()?;
            return None;
        }
    }
}
