//! How a target is connected to. Targets that are connected to in the same way share a client and its connections;
//! others never do.

use std::{
    fmt,
    hash::{Hash, Hasher},
    path::PathBuf,
    time::Duration,
};

use fanfare_sdk::Secret;

use super::Addresses;

/// How a target is connected to.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct Connection {
    /// How long a connection may take to be made, TLS included.
    pub connect_timeout: Duration,
    /// How long nothing may come of the body of a reply; then it is cut, and what has come counts.
    pub read_timeout: Duration,
    /// How long an idle connection is kept. Shorter than servers keep theirs, so that fewer requests meet one that
    /// is just being closed.
    pub idle_timeout: Duration,
    /// Idle connections that are kept for one host.
    pub idle_per_host_max: usize,
    /// Which HTTP is spoken.
    pub http: HttpVersion,
    /// Whose certificates count, and who we are.
    pub tls: Tls,
    /// By what way.
    pub by: By,
    /// Where it may be reached; anywhere unless set. Only directly: who goes another way connects where nobody has looked.
    pub addresses: Option<Addresses>,
}

/// Which HTTP is spoken.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum HttpVersion {
    /// With TLS, HTTP/2 where the server takes it (ALPN); HTTP/1.1 otherwise.
    #[default]
    Negotiated,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, without TLS too (prior knowledge).
    Http2,
}

/// Whose certificates count, and who we are. Files are read again when they have changed: at the next connection.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub struct Tls {
    /// Certificates (PEM) that count instead of the system's.
    pub ca: Option<PathBuf>,
    /// What is shown where a server asks for a certificate.
    pub identity: Option<TlsIdentity>,
    /// No older TLS is spoken.
    pub version_min: TlsVersion,
}

/// A client certificate and its key.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct TlsIdentity {
    /// The certificate, and those that lead to its root (PEM).
    pub certificate: PathBuf,
    /// Its private key (PEM).
    pub key: PathBuf,
}

/// A version of TLS.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum TlsVersion {
    /// TLS 1.2.
    #[default]
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// By what way a target is connected to.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub enum By {
    /// The host of its URL, and nobody between.
    #[default]
    Host,
    /// A proxy.
    Proxy(Proxy),
    /// A Unix socket, whatever the host of its URL is.
    Unix(PathBuf),
}

/// A proxy.
#[derive(Clone)]
pub struct Proxy {
    /// `http`, `https`, `socks5` or, where it resolves names, `socks5h`; without user info.
    pub url: String,
    /// User and password.
    pub user: Option<(String, Secret)>,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(45),
            idle_per_host_max: 128,
            http: HttpVersion::default(),
            tls: Tls::default(),
            by: By::default(),
            addresses: None,
        }
    }
}

// === impl Connection ===

impl Connection {
    /// How it is connected to others, to whom a redirect leads: without a certificate of ours, and never to be used again.
    /// Whoever chooses where redirects lead would choose how many hosts we keep connections to.
    #[must_use]
    pub fn to_strangers(&self) -> Self {
        let tls = Tls { identity: None, ..self.tls.clone() };
        Self { tls, idle_per_host_max: 0, ..self.clone() }
    }
}

// === impl By ===

#[cfg(feature = "config")]
impl By {
    /// The key that leads elsewhere than to the host; none where nothing does.
    pub(crate) fn key(&self) -> Option<&'static str> {
        match self {
            Self::Host => None,
            Self::Proxy(_) => Some("proxy"),
            Self::Unix(_) => Some("unix"),
        }
    }
}

// === impl Proxy ===

impl Proxy {
    fn parts(&self) -> (&str, Option<(&str, &str)>) {
        let user = self.user.as_ref().map(|(user, password)| (user.as_str(), password.expose()));
        (&self.url, user)
    }
}

impl PartialEq for Proxy {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Proxy {}

impl Hash for Proxy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

impl fmt::Debug for Proxy {
    /// Without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({})", self.url)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Proxy, Secret};

    /// Those that are equal share their connections.
    #[test]
    fn proxies_differ_by_place_user_and_password() {
        let proxy = |url: &str, user: Option<(&str, &str)>| Proxy {
            url: url.to_owned(),
            user: user.map(|(user, password)| (user.to_owned(), Secret::new(password))),
        };
        let all = || {
            let with = ["u:p", "u:q", "v:p"].map(|it| it.split_once(':'));
            let with = with.map(|user| proxy("http://a.example:1", user));
            [proxy("http://a.example:1", None), proxy("http://b.example:1", None)]
                .into_iter()
                .chain(with)
        };
        let distinct: HashSet<_> = all().chain(all()).collect();
        assert_eq!(distinct.len(), 5);
        assert_eq!(format!("{:?}", all().last()), "Some(Proxy(http://a.example:1))");
    }
}
