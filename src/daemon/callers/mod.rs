//! Who may call: keys, what each of them allows, and the file that they are kept in.
//!
//! The file has no secrets: of each key the SHA-256 is kept. A key is 256 random bits, which nobody can try out one by one,
//! so that a hash that is fast is right; a slow one is for what people think up.

mod caller;
mod edit;
mod file;
mod key;
mod token;
mod usage;

pub(super) use self::{
    caller::{Caller, Callers},
    usage::InFlight,
};
pub use self::{
    edit::{EditError, Editing, NewKey},
    file::Keys,
    key::{Key, Scope, Standing},
    token::Token,
};
