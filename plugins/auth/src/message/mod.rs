//! HTTP Message Signatures (RFC 9421), the body covered by its digest (RFC 9530).

mod authorizer;
mod component;
mod key;
mod settings;

pub use self::{
    authorizer::MessageSigner,
    settings::{BodyDigest, MessageAlgorithm, MessageSettings},
};
