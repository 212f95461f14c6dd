//! Those who are compared.

use std::{fmt, future::Future, str::FromStr};

/// Sends one payload to all its targets.
pub(crate) trait Contender: Clone + Send + Sync + 'static {
    /// Ends when each target has answered.
    ///
    /// # Panics
    /// When one of them was not delivered to: what fails quickly is not to be called fast.
    fn broadcast(&self) -> impl Future<Output = ()> + Send;
}

/// Who sends a batch. The first three make a round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    Rival,
    /// The rival once more, with a client of its own: what differs from it is noise.
    Control,
    Fanfare,
    /// Fanfare without a network; only for profilers.
    Engine,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rival => "rival",
            Self::Control => "control",
            Self::Fanfare => "fanfare",
            Self::Engine => "engine",
        })
    }
}

impl FromStr for Side {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let sides = [Self::Rival, Self::Control, Self::Fanfare, Self::Engine];
        sides.into_iter().find(|it| it.to_string() == text).ok_or(format!("`{text}` is not a side"))
    }
}
