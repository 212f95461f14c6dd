//! Events of others as broadcasts: CloudEvents 1.0 by its HTTP protocol binding, one at a time, binary or structured.
//!
//! Read by hand and not by `cloudevents-sdk`: that ends at the first mistake, and holds data that is JSON as a value, while
//! here the bytes that came are those that are sent.

#[cfg(test)]
mod any;
mod attributes;
mod binary;
mod event;
mod receive;
mod structured;

pub(super) use self::receive::{handshake, receive};
