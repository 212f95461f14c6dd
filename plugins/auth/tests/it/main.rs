//! The shared authorizers, as their users see them.

mod authorize;
mod digest;
mod hmac;
mod hmac_peer;
mod peer;
mod settings;
