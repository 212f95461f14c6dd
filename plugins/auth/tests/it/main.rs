//! The shared authorizers, as their users see them.

mod authorize;
mod aws;
mod digest;
mod hmac;
mod hmac_peer;
mod jwt;
mod oauth;
mod oauth_refresh;
mod oauth_settings;
mod peer;
mod settings;
mod signed;
mod signed_peer;
