//! Connects only where it may be connected to: addresses in URLs are looked at before, those of names when they are
//! resolved, and the address that was looked at is the one that is connected to.

use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::Arc,
};

use fanfare_sdk::{Meaning, Progress, SendError, SendErrorKind};
use futures_util::future::BoxFuture;
use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};
use url::Host;

use crate::policy::{Addresses, Refused};

/// Looks names up.
type LookUp = fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;

/// Connects only where it may be connected to.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    addresses: Arc<Addresses>,
    look_up: LookUp,
}

impl Guard {
    pub(super) fn new(addresses: &Addresses) -> Self {
        Self { addresses: Arc::new(addresses.clone()), look_up: by_the_system }
    }

    /// What a URL says by itself. The client asks nobody about a host that is an address.
    ///
    /// # Errors
    /// When it may not be called.
    pub(super) fn check(&self, url: &Url, progress: &Progress) -> Result<(), SendError> {
        self.admit(url).map_err(|refused| refuse(refused, progress))
    }

    fn admit(&self, url: &Url) -> Result<(), Refused> {
        self.addresses.admit_port(url.scheme(), url.port_or_known_default().unwrap_or(0))?;
        match url.host() {
            Some(Host::Ipv4(address)) => self.addresses.admit(address.into(), is_this_machine),
            Some(Host::Ipv6(address)) => self.addresses.admit(address.into(), is_this_machine),
            Some(Host::Domain(_)) | None => Ok(()),
        }
    }
}

impl Resolve for Guard {
    /// All addresses of a name, where each of them may be called: one that may not is no mistake of its owner.
    fn resolve(&self, name: Name) -> Resolving {
        let (addresses, look_up) = (self.addresses.clone(), self.look_up);
        Box::pin(async move {
            let found = look_up(name.as_str().to_owned()).await?;
            for address in &found {
                addresses.admit(address.ip(), is_this_machine)?;
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// The address may not be called: nothing was sent there, and asking again changes nothing.
pub(super) fn refuse(refused: Refused, progress: &Progress) -> SendError {
    SendError::new(SendErrorKind::Address, Meaning::Permanent, progress.effect()).because(refused)
}

fn by_the_system(name: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
    // The port is that of the URL.
    Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
}

/// Whether an address is one of this machine, at which it listens itself: what would be sent there would come from here.
/// Sends nothing: the system says from where it would.
fn is_this_machine(address: IpAddr) -> bool {
    let any: SocketAddr = match address {
        IpAddr::V4(_) => ([0; 4], 0).into(),
        IpAddr::V6(_) => ([0; 16], 0).into(),
    };
    let from = UdpSocket::bind(any).and_then(|socket| {
        socket.connect((address, 9))?;
        socket.local_addr()
    });
    address.is_loopback() || from.is_ok_and(|from| from.ip() == address)
}

#[cfg(test)]
mod tests {
    use std::{
        net::SocketAddr,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use reqwest::{
        Url,
        dns::{Name, Resolve},
    };

    use super::{Guard, LookUp, is_this_machine};
    use crate::policy::{Addresses, Refused};

    /// What becomes of a URL: refused for its host, for what its name stands for, or because it is none.
    async fn says(url: &str, look_up: LookUp) -> String {
        let guard = Guard { look_up, ..Guard::new(&Addresses::public()) };
        let Ok(url) = Url::parse(url) else { return "no URL".to_owned() };
        if let Err(refused) = guard.admit(&url) {
            return format!("host: {refused}");
        }
        let name: Name = url.host_str().expect("it has a host").parse().expect("it is a name");
        match guard.resolve(name).await {
            Ok(_) => "may be called".to_owned(),
            Err(error) => match error.downcast_ref::<Refused>() {
                Some(refused) => format!("name: {refused}"),
                None => "no address".to_owned(),
            },
        }
    }

    fn nobody(
        _: String,
    ) -> futures_util::future::BoxFuture<'static, std::io::Result<Vec<SocketAddr>>> {
        Box::pin(async { Err(std::io::Error::other("nobody is asked")) })
    }

    #[tokio::test]
    async fn an_address_is_seen_in_all_its_spellings() {
        const LOOPBACK: &str =
            "host: it is not public (loopback), and `addresses.allow` does not have it";
        for spelling in [
            "127.0.0.1",
            "127.0.0.1.",
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f000001",
            "0x7F.1",
            "0x7f.0x0.0x0.0x1",
            "017700000001",
            "0177.0.0.1",
            "0177.0.0.01",
            "%31%32%37.0.0.1",
            "127%2e0.0.1",
            "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
            "127\u{3002}0\u{3002}0\u{3002}1",
            "\u{2460}\u{2461}\u{2466}.0.0.1",
            "127.0.0.1:8080",
            "user:password@127.0.0.1",
            "a.example@127.0.0.1",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[0:0:0:0:0:FFFF:7F00:0001]",
        ] {
            assert_eq!(says(&format!("http://{spelling}/"), nobody).await, LOOPBACK, "{spelling}");
        }
        // A backslash is a slash, and a tab or a line break is nothing.
        assert_eq!(says("http:\\\\127.0.0.1\\@a.example/", nobody).await, LOOPBACK);
        assert_eq!(says("http://127.0.\t0.1/", nobody).await, LOOPBACK);
    }

    #[tokio::test]
    async fn what_is_not_public_is_seen_in_all_its_spellings() {
        for (spelling, what) in [
            ("0", "this network"),
            ("[::]", "of no global range"),
            ("[::127.0.0.1]", "of no global range"),
            ("[64:ff9b::127.0.0.1]", "of no global range"),
            ("[2002:7f00:1::]", "6to4"),
            ("2852039166", "metadata of a cloud"),
            ("0xa9fea9fe", "metadata of a cloud"),
            ("168.63.129.16", "metadata of a cloud"),
        ] {
            let expected = format!("host: {}", Refused::Special(what));
            assert_eq!(says(&format!("http://{spelling}/"), nobody).await, expected, "{spelling}");
        }
        for (spelling, expected) in [
            // None is taken for a name.
            ("[fe80::1%25eth0]", "no URL"),
            ("[fe80::1%eth0]", "no URL"),
            ("256.0.0.1", "no URL"),
            ("127.0.0.1.1", "no URL"),
            ("0x7g.1", "no URL"),
            // A name, whatever it stands for.
            ("127.0.0.1..", "no address"),
            ("a.example", "no address"),
        ] {
            assert_eq!(says(&format!("http://{spelling}/"), nobody).await, expected, "{spelling}");
        }
    }

    #[tokio::test]
    async fn each_address_of_a_name_counts() {
        const LOOPBACK: &str =
            "name: it is not public (loopback), and `addresses.allow` does not have it";
        for name in ["localhost", "LOCALHOST"] {
            assert_eq!(
                says(&format!("http://{name}/"), super::by_the_system).await,
                LOOPBACK,
                "{name}"
            );
        }
        let both: LookUp = |_| {
            let found = ["1.1.1.1:0", "10.0.0.1:0"].map(|it| it.parse().expect("it is an address"));
            Box::pin(async move { Ok(found.to_vec()) })
        };
        let private = "name: it is not public (private), and `addresses.allow` does not have it";
        assert_eq!(says("http://both.example/", both).await, private);
        let public: LookUp =
            |_| Box::pin(async { Ok(vec!["1.1.1.1:0".parse().expect("it is an address")]) });
        assert_eq!(says("http://public.example/", public).await, "may be called");
    }

    #[tokio::test]
    async fn a_name_that_changes_its_mind_is_asked_once_for_a_connection() {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let rebinding: LookUp = |_| {
            let first = ASKED.fetch_add(1, Ordering::Relaxed) == 0;
            let found = if first { "1.1.1.1:0" } else { "127.0.0.1:0" };
            Box::pin(async move { Ok(vec![found.parse().expect("it is an address")]) })
        };
        // The address that was looked at is the one that the client is given.
        let guard = Guard { look_up: rebinding, ..Guard::new(&Addresses::public()) };
        let name = || "a.example".parse::<Name>().expect("it is a name");
        let given: Vec<_> = guard.resolve(name()).await.expect("it is public").collect();
        assert_eq!((given, ASKED.load(Ordering::Relaxed)), (vec![([1, 1, 1, 1], 0).into()], 1));
        // At the next connection it is looked at again.
        assert!(guard.resolve(name()).await.is_err());
    }

    #[test]
    fn this_machine_is_known() {
        let from = std::net::UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
            socket.connect("192.0.2.1:9")?;
            socket.local_addr()
        });
        if let Ok(own) = from {
            assert!(is_this_machine(own.ip()), "{own}");
        }
        assert!(is_this_machine([127, 0, 0, 2].into()));
        assert!(!is_this_machine([192, 0, 2, 1].into()));
    }
}
