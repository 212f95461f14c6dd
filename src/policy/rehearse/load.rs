//! How many broadcasts there are, and when.

use std::time::Duration;

/// Broadcasts of one rehearsal. Bounds its memory and its time.
pub(super) const BROADCASTS_MAX: u32 = 1_000_000;

/// Broadcasts at an even pace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Load {
    // Invariant: 1 to `BROADCASTS_MAX`.
    count: u32,
    // Invariant: at least 1.
    rate: u32,
    per: Duration,
}

/// A load that makes no sense.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Nothing would be sent.
    #[error("there is no broadcast in it")]
    None,
    /// More than a rehearsal can hold.
    #[error("there are {0} broadcasts in it: {BROADCASTS_MAX} are allowed")]
    TooMany(u128),
}

impl Load {
    /// `rate` broadcasts per `per`, for so long: `Load::steady(10, second, minute)` are 600 of them, the first one at
    /// once.
    ///
    /// # Errors
    /// When there is none, or more than a million.
    pub fn steady(rate: u32, per: Duration, lasts: Duration) -> Result<Self, LoadError> {
        let all = (u128::from(rate) * lasts.as_nanos()).checked_div(per.as_nanos());
        let all = all.ok_or(LoadError::None)?;
        match u32::try_from(all) {
            Ok(0) => Err(LoadError::None),
            Ok(count) if count <= BROADCASTS_MAX => Ok(Self { count, rate, per }),
            Ok(_) | Err(_) => Err(LoadError::TooMany(all)),
        }
    }

    /// All of them in the first instant.
    ///
    /// # Errors
    /// When there is none, or more than a million.
    pub fn at_once(count: u32) -> Result<Self, LoadError> {
        match count {
            0 => Err(LoadError::None),
            1..=BROADCASTS_MAX => Ok(Self { count, rate: 1, per: Duration::ZERO }),
            _ => Err(LoadError::TooMany(u128::from(count))),
        }
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// When that one is sent, counted from the first, which has the number 0.
    pub(super) fn at(&self, number: u32) -> Duration {
        let nanos = self.per.as_nanos() * u128::from(number) / u128::from(self.rate);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}
