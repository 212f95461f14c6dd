//! Targets with the clients that reach them.

use std::sync::Arc;

use fanfare_sdk::Transport;

use super::{StartProblem, Target};
use crate::{
    actor::SlotParts,
    policy::{Connection, TargetPolicy},
    transport::{Clients, TransportError},
};

/// What is wrong with the files and proxies by which these targets are connected to.
///
/// # Errors
/// When no client can be made at all.
#[cfg(feature = "cli")]
pub(crate) fn unconnected<'a>(
    targets: impl Iterator<Item = &'a TargetPolicy>,
) -> Result<Vec<StartProblem>, TransportError> {
    let clients = Clients::try_new()?;
    let problem = |policy: &TargetPolicy| {
        let own = clients.client(&policy.connection);
        let error = own.and_then(|_| clients.client(&token_endpoint(policy))).err()?;
        Some(StartProblem::Connection { target: policy.target.clone(), says: error.0 })
    };
    Ok(targets.filter_map(problem).collect())
}

/// A target, and its clients.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) target: Target,
    ways: [Arc<dyn Transport>; 3],
}

impl Connected {
    /// Each target with its client; or all those that can have none.
    pub(super) fn all(
        clients: &Clients,
        targets: Vec<Target>,
    ) -> Result<Vec<Self>, Vec<StartProblem>> {
        let mut problems = Vec::new();
        let mut connected = Vec::with_capacity(targets.len());
        for target in targets {
            match ways(clients, &target) {
                Ok(ways) => connected.push(Self { target, ways }),
                Err(error) => problems.push(StartProblem::Connection {
                    target: target.policy.target.clone(),
                    says: error.0,
                }),
            }
        }
        if problems.is_empty() { Ok(connected) } else { Err(problems) }
    }

    /// What its slot is made of.
    pub(super) fn into_parts(self) -> SlotParts {
        self.target.into_parts(self.ways)
    }
}

/// The way out, that to strangers, and that to a token endpoint: strangers get another one where redirects may lead to them.
fn ways(clients: &Clients, target: &Target) -> Result<[Arc<dyn Transport>; 3], TransportError> {
    let policy = &target.policy;
    let own = clients.client(&policy.connection)?;
    let strangers = match policy.redirects {
        Some(_) => clients.client(&Arc::new(policy.connection.to_strangers()))?,
        None => own.clone(),
    };
    let asks = !target.authorizers.is_empty();
    let asked = if asks { clients.client(&token_endpoint(policy))? } else { own.clone() };
    Ok([own, strangers, asked])
}

/// How those are connected to whom the authorizers of a target ask: another party, but no freer than the target.
fn token_endpoint(policy: &TargetPolicy) -> Arc<Connection> {
    let default = || {
        let addresses = policy.connection.addresses.clone();
        Arc::new(Connection { addresses, ..Connection::default() })
    };
    policy.token_endpoint.clone().unwrap_or_else(default)
}
