//! The shared authorizers, as their users see them.

mod authorize;
mod hmac;
mod hmac_peer;
mod peer;
mod settings;
