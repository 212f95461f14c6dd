//! `connection`, `proxy` and `unix`: how a target is connected to.

use fanfare_sdk::{Secret, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    Lookup, addresses::AddressesSetting, issues::Issues, target::TargetSettings, tls::TlsSettings,
};
use crate::policy::{By, Connection, HttpVersion, Proxy};

/// Schemes of proxies.
const PROXIES: [&str; 4] = ["http", "https", "socks5", "socks5h"];

/// Bytes of the path of a Unix socket: `sun_path` of Linux, without the zero at its end.
const SOCKET_BYTES_MAX: usize = 107;

/// Bytes of a user and of a password for SOCKS: a length of one byte (RFC 1929 section 2).
const SOCKS_BYTES_MAX: usize = 255;

/// How connections are made, and kept for the next request.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ConnectionSettings {
    /// How long a connection may take to be made, TLS included.
    #[schemars(extend("x-reason" = "a host that is there answers within a second or two, from anywhere"))]
    pub(super) connect_timeout: Span,
    /// Which HTTP is spoken: `auto` takes HTTP/2 where a server offers it with TLS, and HTTP/1.1 otherwise; `"2"` speaks it
    /// without TLS too.
    #[schemars(extend("x-reason" = "what the server prefers"))]
    pub(super) http: HttpSetting,
    /// Idle connections that are kept for one host.
    #[schemars(
        range(min = 1),
        extend("x-reason" = "as many as there may be attempts at once: `concurrency`")
    )]
    pub(super) idle_max: u32,
    /// How long an idle connection is kept.
    #[schemars(extend("x-reason" = "shorter than servers keep theirs, so that few requests meet one that is just being closed"))]
    pub(super) idle_timeout: Span,
    /// How long nothing may come of the body of a reply; then it is cut, and what has come counts.
    #[schemars(extend("x-reason" = "the status has come, and says what became of the request"))]
    pub(super) read_timeout: Span,
}

/// Which HTTP is spoken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub(super) enum HttpSetting {
    /// What the server prefers.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// HTTP/1.1.
    #[serde(rename = "1.1")]
    Http1,
    /// HTTP/2.
    #[serde(rename = "2")]
    Http2,
}

/// A proxy between. Those of the environment are never used.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProxySettings {
    /// Where it is: `http://`, `https://`, `socks5://`, or `socks5h://`, which has it resolve names.
    pub(super) url: String,
    /// Who we are there.
    #[serde(default)]
    pub(super) user: Option<String>,
    /// The password to it.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(super) password: Option<Secret>,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        let Connection { connect_timeout, read_timeout, idle_timeout, idle_per_host_max, .. } =
            Connection::default();
        Self {
            connect_timeout: Span(connect_timeout),
            http: HttpSetting::default(),
            idle_max: u32::try_from(idle_per_host_max).unwrap_or(u32::MAX),
            idle_timeout: Span(idle_timeout),
            read_timeout: Span(read_timeout),
        }
    }
}

impl From<HttpSetting> for HttpVersion {
    fn from(setting: HttpSetting) -> Self {
        match setting {
            HttpSetting::Auto => Self::Negotiated,
            HttpSetting::Http1 => Self::Http1,
            HttpSetting::Http2 => Self::Http2,
        }
    }
}

/// All keys that say by what way somebody is connected to.
pub(super) struct Way<'a> {
    pub(super) connection: &'a ConnectionSettings,
    pub(super) tls: &'a Option<TlsSettings>,
    pub(super) proxy: &'a Option<ProxySettings>,
    pub(super) unix: &'a Option<String>,
}

/// How a target is connected to, from all keys that say something of it.
pub(super) fn connection(
    settings: &TargetSettings,
    lookup: &dyn Lookup,
    issues: &mut Issues<'_>,
) -> Connection {
    let TargetSettings { connection, tls, proxy, unix, .. } = settings;
    let way = Way { connection, tls, proxy, unix };
    let connection = way.connection(&settings.addresses, lookup, issues);
    if settings.redirects.is_some() && connection.by.key() == Some("unix") {
        issues.push("redirects", "have nowhere to lead from a Unix socket (`unix`)");
    }
    connection
}

impl Way<'_> {
    pub(super) fn connection(
        &self,
        addresses: &Option<AddressesSetting>,
        lookup: &dyn Lookup,
        issues: &mut Issues<'_>,
    ) -> Connection {
        let it = self.connection;
        let mut connection = Connection {
            connect_timeout: it.connect_timeout.0,
            read_timeout: it.read_timeout.0,
            idle_timeout: it.idle_timeout.0,
            idle_per_host_max: it.idle_max as usize,
            http: it.http.into(),
            ..Connection::default()
        };
        let spans = [
            ("connect_timeout", it.connect_timeout),
            ("idle_timeout", it.idle_timeout),
            ("read_timeout", it.read_timeout),
        ];
        for (key, _) in spans.into_iter().filter(|(_, span)| span.0.is_zero()) {
            issues.at("connection").push(key, "is nothing: longer than zero would be right");
        }
        if let Some(tls) = self.tls {
            connection.tls = tls.policy(lookup, &mut issues.at("tls"));
        }
        let proxy = self.proxy.as_ref().map(|proxy| proxy.policy(&mut issues.at("proxy")));
        connection.by = match (proxy, self.unix) {
            (None, None) => By::Host,
            (Some(proxy), None) => By::Proxy(proxy),
            (None, Some(path)) => By::Unix(lookup.path(path)),
            (Some(_), Some(path)) => {
                issues.push("unix", "leads past `proxy`: one of them would be right");
                By::Unix(lookup.path(path))
            }
        };
        if let Some(path) = self.unix {
            let bytes = lookup.path(path).as_os_str().len();
            if path.is_empty() || path.contains('\0') || bytes > SOCKET_BYTES_MAX {
                let says =
                    format!("is no path of a socket: 1 to {SOCKET_BYTES_MAX} bytes would be");
                issues.push("unix", says);
            }
        }
        if let Some(setting) = addresses {
            connection.addresses = Some(setting.policy(&mut issues.at("addresses")));
            if let Some(key) = connection.by.key() {
                issues.push(
                    "addresses",
                    format!("is not looked at where `{key}` leads: one of them would be right"),
                );
            }
        }
        connection
    }
}

impl ProxySettings {
    fn policy(&self, issues: &mut Issues<'_>) -> Proxy {
        const RIGHT: &str = "`http://HOST:PORT`, or the same with `https`, `socks5` or `socks5h`";
        match Url::parse(&self.url) {
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                issues.push("url", "has user info: `user` and `password` are its place");
            }
            Ok(url)
                if !matches!(url.path(), "" | "/") || url.query().or(url.fragment()).is_some() =>
            {
                issues.push(
                    "url",
                    format!("has more than a host and a port: {RIGHT} would be right"),
                );
            }
            Ok(url) if PROXIES.contains(&url.scheme()) && url.has_host() => {}
            Ok(_) | Err(_) => issues.push("url", format!("is no proxy: {RIGHT} would be")),
        }
        if self.password.is_some() && self.user.is_none() {
            issues.push("password", "has nobody whose it is: `user` is missing");
        }
        let is_socks = self.url.starts_with("socks");
        let parts = [
            ("user", self.user.as_deref()),
            ("password", self.password.as_ref().map(|it| it.expose())),
        ];
        for (key, text) in parts.into_iter().filter_map(|(key, text)| Some((key, text?))) {
            if text.chars().any(char::is_control) {
                issues.push(
                    key,
                    "contains a control character, perhaps a line break at its end: remove it",
                );
            } else if is_socks && !(1..=SOCKS_BYTES_MAX).contains(&text.len()) {
                issues.push(key, format!("has not from 1 to {SOCKS_BYTES_MAX} bytes (RFC 1929)"));
            } else if !is_socks && key == "user" && text.contains(':') {
                issues.push(key, "contains a `:`, where the password would begin (RFC 7617)");
            }
        }
        let password = self.password.clone().unwrap_or_else(|| Secret::new(""));
        let user = self.user.clone().map(|user| (user, password));
        Proxy { url: self.url.clone(), user }
    }
}
