//! `addresses`: where a target may be reached whose URL is not trusted.

use std::net::IpAddr;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::issues::Issues;
use crate::policy::Addresses;

/// `public`, or a map with more to say.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(untagged, expecting = "`public` or a map of settings")]
pub(super) enum AddressesSetting {
    /// Public addresses only.
    Public(Public),
    /// The same, with exceptions.
    Rules(AddressSettings),
}

/// The word `public`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Public {
    /// Public addresses only.
    Public,
}

/// Public addresses only, with these exceptions.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AddressSettings {
    /// Ranges (`10.1.0.0/16`) or addresses that may be called although they are not public. One that gives away
    /// credentials, or is this machine's, has to be named by itself.
    #[schemars(length(max = 1024))]
    pub(super) allow: Vec<String>,
    /// Ranges or addresses that may not be called; this counts before `allow`.
    #[schemars(length(max = 1024))]
    pub(super) deny: Vec<String>,
    /// Whether only `https` may be spoken.
    #[schemars(extend("x-reason" = "who writes the URL says so there"))]
    pub(super) https_only: bool,
    /// The only ports; all of them unless set.
    #[schemars(length(max = 1024), inner(range(min = 1)))]
    pub(super) ports: Vec<u16>,
}

impl AddressesSetting {
    pub(super) fn policy(&self, issues: &mut Issues<'_>) -> Addresses {
        let Self::Rules(it) = self else { return Addresses::public() };
        let mut addresses = Addresses::public();
        addresses.allow = nets(&it.allow, &mut issues.at("allow"));
        addresses.deny = nets(&it.deny, &mut issues.at("deny"));
        addresses.ports.clone_from(&it.ports);
        addresses.https_only = it.https_only;
        addresses
    }
}

fn nets(written: &[String], issues: &mut Issues<'_>) -> Vec<IpNet> {
    let net = |(at, text): (usize, &String)| match parse(text) {
        Ok(net) => Some(net),
        Err(says) => {
            issues.push(&at.to_string(), says);
            None
        }
    };
    written.iter().enumerate().filter_map(net).collect()
}

fn parse(text: &str) -> Result<IpNet, &'static str> {
    const WRONG: &str = "is neither a range nor an address: `10.1.0.0/16` or `fd00:1::1` would be";
    let alone = || text.parse::<IpAddr>().map(IpNet::from);
    let net = text.parse::<IpNet>().or_else(|_| alone()).map_err(|_| WRONG)?;
    if net.trunc() != net {
        return Err("has bits behind its length: its first address would be right");
    }
    if matches!(net, IpNet::V6(net) if net.addr().to_ipv4_mapped().is_some()) {
        return Err("is IPv4 in IPv6, and would never be met: IPv4 would be right");
    }
    Ok(net)
}
