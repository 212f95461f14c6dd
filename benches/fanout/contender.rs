//! Those who are compared.

use std::{error::Error, fmt, str::FromStr, time::Duration};

use super::{
    axios::{self, Axios},
    batch::InProcess,
    exporting::Exporting,
    fanfare::Fanfare,
    join_all::JoinAll,
    stage::Stage,
};

/// Sends batches, and says what they cost.
pub(crate) trait Contender {
    /// The CPU time of its process for one batch, user and system, all threads. Ends when each target of each broadcast
    /// has answered.
    ///
    /// # Errors
    /// When one of them was not delivered to: what fails quickly is not to be called fast.
    fn batch(&mut self, broadcasts: usize) -> Result<Duration, Box<dyn Error>>;
}

/// Whom a row names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Who {
    /// A hand-written `join_all` over reqwest.
    JoinAll,
    /// `Promise.all` over axios, in a process of Node.
    Axios,
    /// An engine as it comes: everything on, nothing exported.
    Fanfare,
    /// The same with every span exported.
    Exporting,
    /// The same without a network; only for profilers.
    Engine,
}

impl Who {
    const ALL: [Self; 5] =
        [Self::JoinAll, Self::Axios, Self::Fanfare, Self::Exporting, Self::Engine];

    /// Why this one cannot be measured on this machine.
    pub(crate) fn missing(self) -> Option<String> {
        match self {
            Self::Axios => axios::install().err(),
            Self::JoinAll | Self::Fanfare | Self::Exporting | Self::Engine => None,
        }
    }

    /// Makes it ready for its first batch.
    pub(crate) fn start<'a>(
        self,
        stage: &'a Stage<'a>,
    ) -> Result<Box<dyn Contender + 'a>, Box<dyn Error>> {
        Ok(match self {
            Self::JoinAll => Box::new(InProcess::new(stage, JoinAll::new(stage)?)),
            Self::Axios => Box::new(Axios::start(stage)?),
            Self::Fanfare => Box::new(InProcess::new(stage, Fanfare::start(stage)?)),
            Self::Exporting => Box::new(InProcess::new(stage, Exporting::start(stage)?)),
            Self::Engine => Box::new(InProcess::new(stage, Fanfare::start_alone(stage)?)),
        })
    }

    /// Deliveries that are not measured, beside the one batch that makes connections and fills caches and the allocator:
    /// a JIT compiler needs some thousand of them until it is done.
    pub(crate) const fn warm_up(self) -> usize {
        match self {
            Self::Axios => 16_000,
            Self::JoinAll | Self::Fanfare | Self::Exporting | Self::Engine => 0,
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::JoinAll => "join_all",
            Self::Axios => "axios",
            Self::Fanfare => "fanfare",
            Self::Exporting => "exporting",
            Self::Engine => "engine",
        })
    }
}

impl FromStr for Who {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|it| it.to_string() == text);
        found.ok_or(format!("`{text}` is not one of those who are compared"))
    }
}
