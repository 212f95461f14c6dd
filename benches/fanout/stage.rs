//! What all who are compared in a row have in common.

use std::{io, sync::Arc};

use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use super::{
    payload::payload,
    row::{Flavour, Row},
    server::Server,
};

/// The server, the work, and the runtime of those who run in this process.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    pub(crate) server: &'a Server,
    pub(crate) row: &'a Row,
    pub(crate) payload: Arc<Value>,
    pub(crate) runtime: Runtime,
}

impl<'a> Stage<'a> {
    /// For one row.
    pub(crate) fn new(row: &'a Row, server: &'a Server) -> io::Result<Self> {
        let payload = Arc::new(payload(row.size));
        Ok(Self { server, row, payload, runtime: runtime(row.flavour)? })
    }

    /// Where to send to, one address per target.
    pub(crate) fn urls(&self) -> Vec<String> {
        (0..self.row.targets).map(|host| self.server.url(host, "/v1/orders")).collect()
    }
}

fn runtime(flavour: Flavour) -> io::Result<Runtime> {
    let mut builder = match flavour {
        Flavour::CurrentThread => Builder::new_current_thread(),
        Flavour::MultiThread => Builder::new_multi_thread(),
    };
    builder.worker_threads(2).enable_all().build()
}
