//! Whom the report of a broadcast is sent to, and on which occasions.

use fanfare_sdk::TargetName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::BroadcastId;

/// When a notice is sent.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// The verdict has fallen.
    Verdict,
    /// Everything has settled.
    Settled,
}

/// Some occasions, each of them once.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Occasions {
    /// [`Occasion::Verdict`] is among them.
    #[serde(default)]
    pub verdict: bool,
    /// [`Occasion::Settled`] is among them.
    #[serde(default)]
    pub settled: bool,
}

/// Whom the report of a broadcast is sent to, and when.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Notify {
    /// The target.
    pub target: TargetName,
    /// The occasions.
    pub on: Occasions,
}

/// A broadcast that is a notice: of which other one, and on which occasion. There is one for each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NoticeOf {
    /// The broadcast whose report it carries.
    pub broadcast: BroadcastId,
    /// Why it is sent.
    pub occasion: Occasion,
}

// === impl Occasion ===

impl Occasion {
    /// All there are, in the order in which they come.
    pub const ALL: [Self; 2] = [Self::Verdict, Self::Settled];

    /// The word for it in configurations and journals.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Verdict => "verdict",
            Self::Settled => "settled",
        }
    }
}

// === impl Occasions ===

impl Occasions {
    /// Whether it is among them.
    #[must_use]
    pub const fn contains(self, occasion: Occasion) -> bool {
        match occasion {
            Occasion::Verdict => self.verdict,
            Occasion::Settled => self.settled,
        }
    }

    /// With this one too.
    #[must_use]
    pub const fn with(self, occasion: Occasion) -> Self {
        match occasion {
            Occasion::Verdict => Self { verdict: true, ..self },
            Occasion::Settled => Self { settled: true, ..self },
        }
    }

    /// Those that are not among the others.
    #[must_use]
    pub const fn without(self, others: Self) -> Self {
        Self { verdict: self.verdict && !others.verdict, settled: self.settled && !others.settled }
    }

    /// How many there are.
    #[must_use]
    pub fn count(self) -> usize {
        self.iter().count()
    }

    /// Each of them, in the order in which they come.
    pub fn iter(self) -> impl Iterator<Item = Occasion> {
        Occasion::ALL.into_iter().filter(move |occasion| self.contains(*occasion))
    }
}

impl FromIterator<Occasion> for Occasions {
    fn from_iter<T: IntoIterator<Item = Occasion>>(occasions: T) -> Self {
        occasions.into_iter().fold(Self::default(), Self::with)
    }
}
