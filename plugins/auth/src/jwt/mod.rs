//! JSON Web Tokens that we sign ourselves (RFC 7515, RFC 7519).

mod authorizer;
mod key;
mod settings;
mod signer;

pub use self::{
    authorizer::Jwt,
    key::JwtAlgorithm,
    settings::{JwtClaims, JwtSettings},
};
pub(crate) use self::{
    key::SigningKey,
    signer::{Signer, Times, check_claims, head},
};
