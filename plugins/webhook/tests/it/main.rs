//! The signed webhook target, as its users see it.

mod contract;
mod request;
mod settings;
