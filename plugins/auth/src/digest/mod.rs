//! HTTP Digest (RFC 7616): the password itself never leaves.

mod algorithm;
mod authorizer;
mod challenge;
mod response;
mod session;

pub use self::authorizer::Digest;
