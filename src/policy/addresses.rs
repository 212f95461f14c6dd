//! Which addresses a target may be reached at: for URLs that were written by somebody who is not trusted.
//!
//! What is judged is the address that is connected to, never a text: a name may stand for any address, and an address has
//! many spellings.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Public addresses only, but for what is said otherwise.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub struct Addresses {
    /// May be called although they are not public. One that gives away credentials, or that is this machine's, has to
    /// stand there alone.
    pub allow: Vec<IpNet>,
    /// May not be called although they are public. Counts before `allow`.
    pub deny: Vec<IpNet>,
    /// The only ports; all where there is none.
    pub ports: Vec<u16>,
    /// Whether only `https` may be spoken.
    pub https_only: bool,
}

/// Why an address may not be called.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// Only `https` may be spoken.
    #[error("`addresses` allows https only")]
    Scheme,
    /// Not one of the ports.
    #[error("`addresses.ports` does not have {0}")]
    Port(u16),
    /// It stands among those that may not be called.
    #[error("`addresses.deny` has it")]
    Denied,
    /// It is not public.
    #[error("it is not public ({0}), and `addresses.allow` does not have it")]
    Special(&'static str),
    /// It is one of this machine's.
    #[error("it is this machine's, and `addresses.allow` does not have it alone")]
    ThisMachine,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits)
}

const fn v6(a: u16, b: u16, c: u16, d: u16, bits: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0), bits)
}

/// IPv4 that is not public (IANA IPv4 Special-Purpose Address Registry, multicast, class E).
const SPECIAL_V4: &[(Ipv4Net, &str)] = &[
    (v4(0, 0, 0, 0, 8), "this network"),
    (v4(10, 0, 0, 0, 8), "private"),
    (v4(100, 64, 0, 0, 10), "shared by a provider"),
    (v4(127, 0, 0, 0, 8), "loopback"),
    (v4(169, 254, 0, 0, 16), "link-local"),
    (v4(172, 16, 0, 0, 12), "private"),
    (v4(192, 0, 0, 0, 24), "for protocols"),
    (v4(192, 0, 2, 0, 24), "for documentation"),
    (v4(192, 88, 99, 0, 24), "relay of 6to4"),
    (v4(192, 168, 0, 0, 16), "private"),
    (v4(198, 18, 0, 0, 15), "for benchmarks"),
    (v4(198, 51, 100, 0, 24), "for documentation"),
    (v4(203, 0, 113, 0, 24), "for documentation"),
    (v4(224, 0, 0, 0, 4), "multicast"),
    (v4(240, 0, 0, 0, 4), "reserved"),
];

/// Within the IPv6 that may be public. Where an IPv4 address is inside, it is refused whatever that is.
const SPECIAL_V6: &[(Ipv6Net, &str)] = &[
    (v6(0x2001, 0, 0, 0, 23), "for protocols, Teredo among them"),
    (v6(0x2001, 0xdb8, 0, 0, 32), "for documentation"),
    (v6(0x2002, 0, 0, 0, 16), "6to4"),
    (v6(0x3fff, 0, 0, 0, 20), "for documentation"),
];

/// All IPv6 that may be public (RFC 4291, section 2.4, and the IANA registry): not `::/96`, NAT64 (`64:ff9b::/96`,
/// `64:ff9b:1::/48`), `100::/64`, `5f00::/16`, `fc00::/7`, `fe80::/10`, `fec0::/10`, `ff00::/8` and what is not assigned.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 0, 0, 3);

/// Addresses that give credentials to whoever asks from a machine in a cloud. Some of them are public, or within what
/// somebody allows for another reason.
const NAMED: &[(IpAddr, &str)] = &[
    (IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)), "metadata of a cloud"),
    (IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)), "metadata of a cloud"),
    (IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)), "metadata of a cloud"),
    (IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)), "metadata of a cloud"),
    (IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)), "metadata of a cloud"),
    (IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)), "metadata of a cloud"),
];

impl Addresses {
    /// Public ones, and nothing else.
    #[must_use]
    pub fn public() -> Self {
        Self::default()
    }

    /// Whether that may be spoken, at that port.
    ///
    /// # Errors
    /// Why not.
    pub fn admit_port(&self, scheme: &str, port: u16) -> Result<(), Refused> {
        if self.https_only && scheme != "https" {
            return Err(Refused::Scheme);
        }
        if self.ports.is_empty() || self.ports.contains(&port) {
            return Ok(());
        }
        Err(Refused::Port(port))
    }

    /// Whether that address may be connected to; it is asked whether it is one of this machine where that matters.
    ///
    /// # Errors
    /// Why not.
    pub fn admit(
        &self,
        address: IpAddr,
        is_this_machine: impl FnOnce(IpAddr) -> bool,
    ) -> Result<(), Refused> {
        // An IPv4 address that is written as IPv6 (`::ffff:127.0.0.1`) is connected to as IPv4.
        let address = address.to_canonical();
        let holds = |net: &&IpNet| net.contains(&address);
        if self.deny.iter().any(|net| holds(&net)) {
            return Err(Refused::Denied);
        }
        let allowed = self.allow.iter().filter(holds).map(|net| net.prefix_len());
        match allowed.max() {
            Some(bits) if bits == IpNet::from(address).max_prefix_len() => return Ok(()),
            Some(_) => named(address),
            None => named(address).or_else(|| special(address)),
        }
        .map_or(Ok(()), |what| Err(Refused::Special(what)))?;
        if is_this_machine(address) { Err(Refused::ThisMachine) } else { Ok(()) }
    }
}

fn named(address: IpAddr) -> Option<&'static str> {
    NAMED.iter().find(|(named, _)| *named == address).map(|(_, what)| *what)
}

/// What an address is that is not public; none where it is.
fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => {
            SPECIAL_V4.iter().find(|(net, _)| net.contains(&address)).map(|(_, what)| *what)
        }
        IpAddr::V6(address) if address.is_loopback() => Some("loopback"),
        IpAddr::V6(address) if !GLOBAL_V6.contains(&address) => Some("of no global range"),
        IpAddr::V6(address) => {
            SPECIAL_V6.iter().find(|(net, _)| net.contains(&address)).map(|(_, what)| *what)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use ipnet::IpNet;
    use proptest::prelude::{any, proptest};

    use super::{Addresses, Refused};

    fn nets(nets: &[&str]) -> Vec<IpNet> {
        nets.iter().map(|net| net.parse().expect("it is a net")).collect()
    }

    fn says(addresses: &Addresses, address: &str) -> String {
        let address = address.parse().expect("it is an address");
        let own: IpAddr = "93.184.216.34".parse().expect("it is an address");
        let admitted = addresses.admit(address, |it| it == own);
        admitted.map_or_else(|refused| refused.to_string(), |()| "may be called".into())
    }

    #[track_caller]
    fn special(first_and_last: [&str; 2], what: &str) {
        for address in first_and_last {
            let found = says(&Addresses::public(), address);
            assert_eq!(
                found,
                format!("it is not public ({what}), and `addresses.allow` does not have it"),
                "{address}"
            );
        }
    }

    #[test]
    fn what_is_not_public_is_refused_from_its_first_to_its_last_address() {
        special(["0.0.0.0", "0.255.255.255"], "this network");
        special(["10.0.0.0", "10.255.255.255"], "private");
        special(["100.64.0.0", "100.127.255.255"], "shared by a provider");
        special(["127.0.0.0", "127.255.255.255"], "loopback");
        special(["169.254.0.0", "169.254.255.255"], "link-local");
        special(["172.16.0.0", "172.31.255.255"], "private");
        special(["192.0.0.0", "192.0.0.255"], "for protocols");
        special(["192.0.2.0", "192.0.2.255"], "for documentation");
        special(["192.88.99.0", "192.88.99.255"], "relay of 6to4");
        special(["192.168.0.0", "192.168.255.255"], "private");
        special(["198.18.0.0", "198.19.255.255"], "for benchmarks");
        special(["198.51.100.0", "198.51.100.255"], "for documentation");
        special(["203.0.113.0", "203.0.113.255"], "for documentation");
        special(["224.0.0.0", "239.255.255.255"], "multicast");
        special(["240.0.0.0", "255.255.255.255"], "reserved");
        special(["::1", "::ffff:127.0.0.1"], "loopback");
        special(["::ffff:10.0.0.1", "::ffff:a00:1"], "private");
        special(["::", "::7f00:1"], "of no global range");
        special(["::ffff:0:127.0.0.1", "::93.184.216.33"], "of no global range");
        special(["64:ff9b::", "64:ff9b::5db8:d821"], "of no global range");
        special(["64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"], "of no global range");
        special(["100::", "100::ffff:ffff:ffff:ffff"], "of no global range");
        special(
            ["2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"],
            "for protocols, Teredo among them",
        );
        special(["2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"], "for documentation");
        special(["2002::", "2002:5db8:d821::1"], "6to4");
        special(["3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"], "for documentation");
        special(["4000::", "5f00::1"], "of no global range");
        special(["fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"], "of no global range");
        special(["fe80::1", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"], "of no global range");
        special(["fec0::1", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"], "of no global range");
        special(["ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"], "of no global range");
        special(["169.254.169.254", "::ffff:169.254.169.254"], "metadata of a cloud");
        special(["168.63.129.16", "::ffff:a83f:8110"], "metadata of a cloud");
        special(["100.100.100.200", "169.254.170.2"], "metadata of a cloud");
        special(["fd00:ec2::254", "fd20:ce::254"], "metadata of a cloud");
    }

    #[test]
    fn what_is_beside_them_may_be_called() {
        for address in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.88.98.255",
            "192.88.100.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255",
            "198.51.101.0",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
            "168.63.129.15",
            "2000::1",
            "2001:200::1",
            "2001:db7::1",
            "2001:db9::1",
            "2003::1",
            "2606:4700::1111",
            "3ffe::1",
            "::ffff:1.1.1.1",
        ] {
            assert_eq!(says(&Addresses::public(), address), "may be called", "{address}");
        }
    }

    #[test]
    fn lists_say_more_and_deny_counts_first() {
        let own = Addresses {
            allow: nets(&[
                "10.1.0.0/16",
                "0.0.0.0/1",
                "192.168.7.7/32",
                "fd00::/8",
                "64:ff9b::/96",
            ]),
            deny: nets(&["10.1.2.0/24", "93.184.216.0/28", "192.168.7.7/32"]),
            ..Addresses::public()
        };
        for (address, expected) in [
            ("10.1.1.1", "may be called"),
            ("10.1.2.1", "`addresses.deny` has it"),
            ("::ffff:10.1.2.1", "`addresses.deny` has it"),
            ("192.168.7.7", "`addresses.deny` has it"),
            ("192.168.7.8", "it is not public (private), and `addresses.allow` does not have it"),
            ("93.184.216.1", "`addresses.deny` has it"),
            ("64:ff9b::a00:1", "may be called"),
            // Too much was allowed for it to be meant.
            (
                "100.100.100.200",
                "it is not public (metadata of a cloud), and `addresses.allow` does not have it",
            ),
            (
                "fd00:ec2::254",
                "it is not public (metadata of a cloud), and `addresses.allow` does not have it",
            ),
            ("93.184.216.34", "it is this machine's, and `addresses.allow` does not have it alone"),
        ] {
            assert_eq!(says(&own, address), expected, "{address}");
        }
        let alone = Addresses {
            allow: nets(&["93.184.216.34/32", "169.254.169.254/32", "fd00:ec2::254/128"]),
            ..Addresses::public()
        };
        for address in ["93.184.216.34", "169.254.169.254", "fd00:ec2::254"] {
            assert_eq!(says(&alone, address), "may be called", "{address}");
        }
    }

    #[test]
    fn ports_and_schemes_are_looked_at() {
        let any = Addresses::public();
        assert_eq!(any.admit_port("http", 22), Ok(()));
        let few = Addresses { ports: vec![443, 8443], https_only: true, ..Addresses::public() };
        assert_eq!(few.admit_port("https", 8443), Ok(()));
        assert_eq!(few.admit_port("https", 22), Err(Refused::Port(22)));
        assert_eq!(few.admit_port("http", 443), Err(Refused::Scheme));
    }

    fn is_refused(address: impl Into<IpAddr>) -> bool {
        Addresses::public().admit(address.into(), |_| false).is_err()
    }

    proptest! {
        /// What the standard library knows to be special is refused.
        #[test]
        fn the_table_lacks_nothing_that_others_know(bits in any::<u32>()) {
            let v4 = Ipv4Addr::from(bits);
            let special = v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_broadcast()
                || v4.is_documentation() || v4.is_multicast() || v4.is_unspecified();
            assert!(!special || is_refused(v4), "{v4}");
        }

        /// In whatever an IPv4 address is wrapped, it is what it is, or it is refused.
        #[test]
        fn no_wrapping_helps(bits in any::<u32>(), rest in any::<u64>()) {
            let v4 = Ipv4Addr::from(bits);
            assert_eq!(is_refused(v4.to_ipv6_mapped()), is_refused(v4), "{v4}");
            let [high, low] = [(bits >> 16) as u16, (bits & 0xffff) as u16];
            let [a, b, c, d] = [rest >> 48, (rest >> 32) & 0xffff, (rest >> 16) & 0xffff, rest & 0xffff].map(|it| it as u16);
            for wrapped in [
                Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x64, 0xff9b, 1, a, b, c, high, low),
                Ipv6Addr::new(0x2002, high, low, a, b, c, d, a),
                Ipv6Addr::new(0x2001, 0, a, b, c, d, !high, !low),
            ] {
                assert!(is_refused(wrapped), "{wrapped}");
            }
        }

        #[test]
        fn what_the_standard_library_knows_of_ipv6_is_refused(bits in any::<u128>()) {
            let v6 = Ipv6Addr::from(bits);
            let special = v6.is_multicast() || v6.is_unique_local() || v6.is_unicast_link_local();
            assert!(!special || is_refused(v6), "{v6}");
        }
    }
}
