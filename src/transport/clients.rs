//! The clients of an engine: one for all targets that are connected to in the same way.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use fanfare_sdk::Transport;
use rustls::ClientConfig;

#[cfg(feature = "daemon")]
use super::tls::wrong_files;
use super::{HttpTransport, TransportError, tls::tls};
#[cfg(feature = "daemon")]
use crate::policy::By;
use crate::{
    policy::{Connection, Tls},
    report::IdMap,
};

/// The clients of an engine.
pub(crate) struct Clients(From);

enum From {
    /// Handed in: it is the only one, however targets are to be connected to.
    Given(Arc<dyn Transport>),
    /// Made here.
    Made {
        /// The system's certificates are read once.
        tls: Arc<ClientConfig>,
        made: Mutex<IdMap<Arc<Connection>, Weak<HttpTransport>>>,
    },
}

impl Clients {
    /// All of them are this one.
    pub(crate) fn given(transport: Arc<dyn Transport>) -> Self {
        Self(From::Given(transport))
    }

    /// None yet.
    ///
    /// # Errors
    /// When the system's certificates cannot be used.
    pub(crate) fn try_new() -> Result<Self, TransportError> {
        Ok(Self(From::Made { tls: Arc::new(tls()?), made: Mutex::default() }))
    }

    /// The client for targets that are connected to in this way: one that others have already, or a new one. It
    /// goes with the last target that has it.
    ///
    /// # Errors
    /// When its files or its proxy cannot be used.
    pub(crate) fn client(
        &self,
        connection: &Arc<Connection>,
    ) -> Result<Arc<dyn Transport>, TransportError> {
        let (tls, made) = match &self.0 {
            From::Given(transport) => return Ok(transport.clone()),
            From::Made { tls, made } => (tls, made),
        };
        let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = made.get(connection).and_then(Weak::upgrade) {
            return Ok(client);
        }
        let client = Arc::new(if connection.tls == Tls::default() {
            HttpTransport::with(connection, ClientConfig::clone(tls))?
        } else {
            HttpTransport::try_new(connection)?
        });
        // Those that nobody has any more.
        made.retain(|_, client| client.strong_count() > 0);
        made.insert(connection.clone(), Arc::downgrade(&client));
        Ok(client)
    }

    /// What is wrong with its files and its proxy, each by its key in a configuration.
    #[cfg(feature = "daemon")]
    pub(crate) fn wrong(&self, connection: &Arc<Connection>) -> Vec<(&'static str, String)> {
        let wrong = wrong_files(&connection.tls);
        if !wrong.is_empty() {
            return wrong;
        }
        let key = match connection.by {
            By::Proxy(_) => "proxy",
            By::Host | By::Unix(_) => "connection",
        };
        self.client(connection).err().map(|error| (key, error.0)).into_iter().collect()
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            From::Given(transport) => write!(f, "Clients({transport:?})"),
            From::Made { made, .. } => {
                let made = made.lock().unwrap_or_else(PoisonError::into_inner);
                write!(f, "Clients({})", made.len())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use fanfare_sdk::Secret;

    use super::Clients;
    use crate::policy::{By, Connection, HttpVersion, Proxy};

    fn with(change: impl FnOnce(&mut Connection)) -> Arc<Connection> {
        let mut connection = Connection::default();
        change(&mut connection);
        Arc::new(connection)
    }

    /// Whether targets that are connected to in these ways share a client.
    #[track_caller]
    fn share(one: &Arc<Connection>, other: &Arc<Connection>) -> bool {
        let clients = Clients::try_new().expect("there are certificates");
        let one = clients.client(one).expect("it is right");
        Arc::ptr_eq(&one, &clients.client(other).expect("it is right"))
    }

    #[test]
    fn who_is_connected_to_in_the_same_way_shares_a_client() {
        let plain = with(|_| {});
        assert!(share(&plain, &plain) && share(&plain, &with(|_| {})));
        let proxy = |password: &str| {
            let (url, password) = ("http://127.0.0.1:9".to_owned(), Secret::new(password));
            let user = Some(("me".to_owned(), password));
            with(|it| it.by = By::Proxy(Proxy { url, user }))
        };
        assert!(share(&proxy("a"), &proxy("a")));
        for other in [
            with(|it| it.idle_timeout = Duration::from_secs(1)),
            with(|it| it.http = HttpVersion::Http1),
            with(|it| it.by = By::Unix("/run/a.sock".into())),
            proxy("a"),
        ] {
            assert!(!share(&plain, &other), "{other:?}");
        }
        assert!(!share(&proxy("a"), &proxy("b")), "who they are differs");
    }

    #[test]
    fn a_client_goes_with_its_last_target() {
        let clients = Clients::try_new().expect("there are certificates");
        for seconds in 1..10 {
            let connection = with(|it| it.idle_timeout = Duration::from_secs(seconds));
            drop(clients.client(&connection).expect("it is right"));
        }
        assert_eq!(format!("{clients:?}"), "Clients(1)");
    }

    #[test]
    fn no_password_is_printed() {
        let user = Some(("canary-user".to_owned(), Secret::new("canary-password")));
        let proxy = Proxy { url: "http://127.0.0.1:9".to_owned(), user };
        let connection = with(|it| it.by = By::Proxy(proxy));
        assert!(!format!("{connection:?}").contains("canary"));
    }
}
