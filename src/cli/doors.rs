//! Who gets in when the daemon listens: keys, and where it may be reached.

use std::{future::Future, net::SocketAddr, path::PathBuf, sync::Arc};

use clap::Args;

use super::plan::Wrong;
use crate::daemon::{Daemon, FileWatch, Tls, TlsFiles, callers::Keys};

#[derive(Debug, Args)]
pub(super) struct DoorArgs {
    /// The file of the keys that callers need (`fanfare key`). When it changes, it is read again.
    #[arg(long, value_name = "FILE", env = "FANFARE_KEYS")]
    pub(super) keys: Option<PathBuf>,
    /// Listens beyond loopback although keys can be read on the way: where something in front of it does TLS.
    #[arg(long)]
    pub(super) insecure_http: bool,
    /// The certificate (PEM) that it shows, with those that lead to its root. When it changes, it is read again.
    #[arg(long, value_name = "FILE", requires = "tls_key", conflicts_with = "insecure_http")]
    pub(super) tls_cert: Option<PathBuf>,
    /// The private key (PEM) of the certificate.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(super) tls_key: Option<PathBuf>,
    /// Lets only those in, besides, who have a certificate that is signed by one of these (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(super) tls_client_ca: Option<PathBuf>,
}

/// Who gets in.
#[derive(Debug)]
pub(super) struct Doors {
    keys: Option<(PathBuf, Keys)>,
    tls: Option<Arc<Tls>>,
    watch: FileWatch,
}

impl Doors {
    /// Reads what there is to read, and looks whether it may listen there.
    pub(super) fn check(args: &DoorArgs, listen: SocketAddr, wrong: &mut Wrong) -> Option<Self> {
        wrong.take(may_listen(args, listen));
        // Before anything is read: what changes meanwhile is seen.
        let DoorArgs { keys, tls_cert, tls_key, tls_client_ca, .. } = args;
        let files = [keys, tls_cert, tls_key, tls_client_ca];
        let watch = FileWatch::new(files.into_iter().flatten().cloned());
        let keys = match keys {
            None => Some(None),
            Some(path) => wrong
                .take_all(Keys::load(path).map_err(|error| lines(&error)))
                .map(|keys| Some((path.clone(), keys))),
        };
        let tls = match (tls_cert, tls_key) {
            (Some(cert), Some(key)) => {
                let (cert, key, client_ca) = (cert.clone(), key.clone(), tls_client_ca.clone());
                let read = Tls::load(TlsFiles { cert, key, client_ca });
                let read = read.map_err(|error| lines(&error));
                wrong.take_all(read).map(|tls| Some(Arc::new(tls)))
            }
            (None, _) | (_, None) => Some(None),
        };
        Some(Self { keys: keys?, tls: tls?, watch })
    }

    /// What connections begin with; none is nothing.
    pub(super) fn tls(&self) -> Option<Arc<Tls>> {
        self.tls.clone()
    }

    pub(super) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Asks for keys, where there are.
    pub(super) fn close(&self, daemon: &Daemon) {
        let Some((path, keys)) = &self.keys else { return };
        daemon.ask_for_keys(keys);
        told(daemon, keys);
        tracing::info!(file = %path.display(), keys = keys.iter().count(), "callers need a key");
    }

    /// Does the work, and reads files again that change meanwhile.
    pub(super) async fn beside<T>(mut self, daemon: &Daemon, work: impl Future<Output = T>) -> T {
        let reading = async {
            loop {
                let changed = self.watch.changed().await;
                self.read_again(daemon, &changed);
            }
        };
        tokio::select! {
            biased;
            done = work => done,
            () = reading => std::future::pending().await,
        }
    }

    fn read_again(&self, daemon: &Daemon, changed: &[PathBuf]) {
        if let Some((path, _)) = self.keys.as_ref().filter(|(path, _)| changed.contains(path)) {
            let file = path.display();
            match Keys::load(path) {
                Ok(keys) => {
                    daemon.ask_for_keys(&keys);
                    told(daemon, &keys);
                    tracing::info!(%file, keys = keys.iter().count(), "keys read again");
                }
                Err(error) => refused("keys", &lines(&error)),
            }
        }
        if let Some(tls) = &self.tls
            && tls.paths().any(|path| changed.contains(path))
        {
            match tls.read_again() {
                Ok(()) => tracing::info!("certificates read again"),
                Err(error) => refused("certificates", &lines(&error)),
            }
        }
    }
}

fn lines(error: &dyn std::error::Error) -> Vec<String> {
    error.to_string().lines().map(str::to_owned).collect()
}

fn refused(what: &str, says: &[String]) {
    for line in says {
        tracing::error!("{what} refused, the old ones stay: {line}");
    }
}

/// A route that a key is bound to and that is not there was mistyped, or comes later.
fn told(daemon: &Daemon, keys: &Keys) {
    for key in keys.iter() {
        for route in key.routes.iter().flatten().filter(|route| !daemon.has_route(route)) {
            tracing::warn!(
                key = key.id,
                caller = key.name,
                route,
                "bound to a route that is not there"
            );
        }
    }
}

fn may_listen(args: &DoorArgs, listen: SocketAddr) -> Result<(), String> {
    if listen.ip().is_loopback() {
        return Ok(());
    }
    let port = listen.port();
    if args.keys.is_none() {
        return Err(format!(
            "--listen: {listen} can be reached from elsewhere, and callers need no key: `fanfare key create --name NAME` \
             makes one, `--keys keys.json` asks for it; or 127.0.0.1:{port} would be right"
        ));
    }
    if !args.insecure_http && args.tls_cert.is_none() {
        return Err(format!(
            "--listen: {listen} can be reached from elsewhere, and keys could be read on the way: `--tls-cert` and \
             `--tls-key` are right, or `--insecure-http` where something in front does TLS; or 127.0.0.1:{port}"
        ));
    }
    Ok(())
}
