//! OAuth 1.0a (RFC 5849): requests signed with the secrets of a client and of a token.

mod authorizer;
mod settings;

pub use self::{
    authorizer::OAuth1,
    settings::{OAuth1Method, OAuth1Settings},
};
