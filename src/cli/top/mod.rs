//! `fanfare top`. What is shown is a function of a state; only `top` asks, reads keys and draws.

mod screen;
mod state;
#[cfg(test)]
mod tests;
#[expect(clippy::module_inception, reason = "it is called so by whoever types it")]
mod top;

pub(super) use self::top::top;
