//! `fanfare explain`: what would be decided, in virtual time, of one delivery or of many.

#[expect(clippy::module_inception, reason = "the command is the word for it")]
mod explain;
mod figures;
mod load;
mod route;
mod table;
#[cfg(test)]
mod tests;

pub(super) use self::explain::{explain, passed_over};
