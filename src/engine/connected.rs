//! Targets with the clients that reach them.

use std::sync::Arc;

use fanfare_sdk::Transport;

use super::{StartProblem, Target};
#[cfg(feature = "cli")]
use crate::policy::TargetPolicy;
use crate::{
    actor::SlotParts,
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
        let error = clients.client(&policy.connection).err()?;
        Some(StartProblem::Connection { target: policy.target.clone(), says: error.0 })
    };
    Ok(targets.filter_map(problem).collect())
}

/// A target, and its clients.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) target: Target,
    transport: Arc<dyn Transport>,
    strangers: Arc<dyn Transport>,
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
            match both(clients, &target) {
                Ok([transport, strangers]) => {
                    connected.push(Self { target, transport, strangers });
                }
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
        self.target.into_parts(self.transport, self.strangers)
    }
}

/// The way out, and that to strangers: another one where redirects may lead to them.
fn both(clients: &Clients, target: &Target) -> Result<[Arc<dyn Transport>; 2], TransportError> {
    let connection = &target.policy.connection;
    let own = clients.client(connection)?;
    let strangers = match target.policy.redirects {
        Some(_) => clients.client(&Arc::new(connection.to_strangers()))?,
        None => own.clone(),
    };
    Ok([own, strangers])
}
