//! `fanfare new-target`: a crate for a target of one's own, to begin with.

mod name;
#[expect(clippy::module_inception, reason = "the command is called like that")]
mod new_target;
mod template;
#[cfg(test)]
mod tests;

pub(super) use self::new_target::new_target;
