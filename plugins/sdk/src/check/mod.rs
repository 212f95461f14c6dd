//! Checks of what people write, for targets of every kind: URLs, header fields, settings as a whole.
//!
//! Made once, when a target is built. No message contains a value: it may be a secret.

mod header;
mod settings;
mod url;

pub use self::{
    header::{header_name, header_value, headers, is_secret_header},
    settings::settings,
    url::{URL_BYTES_MAX, is_secret_query_key, masked_url, percent_encode, url},
};
