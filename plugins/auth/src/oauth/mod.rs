//! OAuth 2.0 as a client (RFC 6749): tokens that are fetched, kept, shared, and fetched again when they are refused.

mod authorizer;
mod client;
mod dpop;
mod failure;
mod grant;
mod kept;
mod pool;
mod recipe;
mod reply;
mod settings;
mod source;

pub use self::{
    authorizer::OAuth2,
    settings::{
        AssertionSettings, ClientAssertionSettings, ClientAuth, DpopSettings, Grant,
        OAuth2Settings, RefreshTokenSettings,
    },
};
