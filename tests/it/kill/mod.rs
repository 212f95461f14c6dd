//! The daemon is killed while it works, again and again; what it has said yes to ends, once and truly.

mod api;

#[cfg(target_os = "linux")]
mod disk;
mod oracle;
mod tests;
