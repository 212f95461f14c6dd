//! What the daemon can be asked, in one table: the router is made of it, and the description for programs in any language.

mod document;
mod operation;
mod operations;
mod parameter;
mod plain;
mod serve;

pub use self::document::openapi;
pub(super) use self::{
    operation::Operation, operations::operations, parameter::Parameter, serve::serve,
};
