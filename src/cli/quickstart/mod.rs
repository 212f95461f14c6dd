//! `fanfare quickstart`: one broadcast to three small APIs, and the file to go on with.

mod apis;
mod file;
#[expect(clippy::module_inception, reason = "the command is called like that")]
mod quickstart;
#[cfg(test)]
mod tests;

pub(super) use self::quickstart::quickstart;
