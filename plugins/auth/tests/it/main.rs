//! The shared authorizers, as their users see them.

mod authorize;
mod aws;
mod digest;
mod hmac;
mod hmac_peer;
mod peer;
mod settings;
mod signed;
mod signed_peer;
