//! The shared authorizers, as their users see them.

mod authorize;
mod settings;
