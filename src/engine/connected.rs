//! Targets with the clients that reach them.

#[cfg(feature = "daemon")]
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fanfare_sdk::Transport;

use super::{StartProblem, Target};
use crate::{
    actor::SlotParts,
    transport::{Clients, TransportError},
};
#[cfg(feature = "daemon")]
use crate::{
    config::{Lookup, Surroundings},
    policy::Connection,
};

/// Where a configuration is looked up, and whether its targets can be connected to.
#[cfg(feature = "daemon")]
#[derive(Debug)]
pub(crate) struct Connecting {
    surroundings: Surroundings,
    clients: Clients,
}

#[cfg(feature = "daemon")]
impl Connecting {
    /// Paths that are not absolute begin in this directory.
    ///
    /// # Errors
    /// When no client can be made at all.
    pub(crate) fn try_new(directory: &Path) -> Result<Self, TransportError> {
        Ok(Self { surroundings: Surroundings::new(directory), clients: Clients::try_new()? })
    }
}

#[cfg(feature = "daemon")]
impl Lookup for Connecting {
    fn env(&self, name: &str) -> Result<Option<String>, String> {
        self.surroundings.env(name)
    }

    fn file(&self, path: &str) -> Result<String, String> {
        self.surroundings.file(path)
    }

    fn document(&self, path: &str) -> Result<String, String> {
        self.surroundings.document(path)
    }

    fn command(&self, command: &str) -> Result<String, String> {
        self.surroundings.command(command)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.surroundings.path(path)
    }

    fn unconnected(&self, connection: &Arc<Connection>) -> Vec<(&'static str, String)> {
        self.clients.wrong(connection)
    }
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
    let asked = if asks { clients.client(&policy.asked_by())? } else { own.clone() };
    Ok([own, strangers, asked])
}
