//! The one way out: a pooled HTTP client that changes nothing, follows nothing and repeats nothing. The only tree
//! that names the client and its TLS.

#[cfg(feature = "cli")]
mod caller;
mod client;
mod clients;
mod decode;
mod echo;
mod encode;
mod error;
#[cfg(feature = "cli")]
mod exporter;
mod files;
mod guard;
mod outbound;
pub(crate) mod pem;
mod progress_body;
mod reply;
mod tls;
mod urls;

#[cfg(feature = "cli")]
pub(crate) use self::{
    caller::{Caller, NoAnswer, Stream},
    exporter::exporter_client,
};
pub use self::{
    client::{HttpTransport, TransportError},
    files::FileState,
};
pub(crate) use self::{
    clients::Clients,
    outbound::{Outbound, OutboundParts},
};
