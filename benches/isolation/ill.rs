//! What is wrong with the tenth target.

use std::fmt;

/// What is wrong with the tenth target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ill {
    /// Nothing: what the others are compared with.
    Nothing,
    /// Nothing once more, with an engine and connections of its own: what differs from it is noise.
    Control,
    /// Nobody listens.
    Dead,
    /// It takes connections and never answers.
    BlackHole,
    /// It answers after ten seconds.
    Slow,
    /// It answers 429 with `Retry-After: 1`.
    Throttles,
    /// Its plugin panics.
    Panics,
}

/// In the order of the table; what the others are compared with first.
pub(crate) const SIDES: [Ill; 7] =
    [Ill::Nothing, Ill::Control, Ill::Dead, Ill::BlackHole, Ill::Slow, Ill::Throttles, Ill::Panics];

impl fmt::Display for Ill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "healthy",
            Self::Control => "healthy (A/A)",
            Self::Dead => "dead: connections are refused",
            Self::BlackHole => "a black hole: never answers",
            Self::Slow => "slow: answers after 10 s",
            Self::Throttles => "throttling: 429, Retry-After",
            Self::Panics => "its plugin panics",
        })
    }
}
