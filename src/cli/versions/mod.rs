//! `fanfare versions`: which versions of which API are spoken, which of them end, and when.

mod text;
#[expect(clippy::module_inception, reason = "the command that the module is named after")]
mod versions;

pub(super) use self::versions::{VersionsArgs, versions};
