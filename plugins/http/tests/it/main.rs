//! The declarative HTTP target, as its users see it.

mod canary;
mod conformance;
mod meaning;
mod request;
mod settings;
