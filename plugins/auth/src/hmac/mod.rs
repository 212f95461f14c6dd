//! Signatures by HMAC over what a template says, in a header whose form is data: most vendors' webhooks.

mod authorizer;
mod preset;
mod settings;
mod template;

pub use self::{
    authorizer::HmacSigner,
    settings::{HmacDigest, HmacPreset, HmacSettings, KeyForm, SignatureForm},
};
