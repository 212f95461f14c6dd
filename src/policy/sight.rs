//! What a target knows at this moment, as far as it bears on a delivery's next step.

use std::time::Duration;

use fanfare_sdk::{Endpoint, Timestamp, Version};
use smallvec::SmallVec;

use crate::report::Why;

/// The gate's answer. Looking through it changes nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Door {
    /// Attempts are let through.
    #[default]
    Open,
    /// Not now; as soon as something that is in flight has ended.
    Busy(Why),
    /// Not before that time.
    NotBefore(Timestamp, Why),
    /// Not until somebody has done something about it: there is no point in waiting.
    Shut(Why),
}

/// The third input of [`next()`](super::next()). What was acted upon is written into the event.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Sight {
    /// What holds for the whole target: pause, throttling, disabled, rate limit, queue.
    pub target: Door,
    /// What holds for single endpoints: their breakers. An endpoint that is not listed is open.
    pub endpoints: SmallVec<[(Option<Endpoint>, Door); 1]>,
    /// The version to begin with, where one was remembered; otherwise the preferred one.
    pub version_first: Option<Version>,
    /// The time within which 95 of 100 attempts were answered lately, where it is asked for and known.
    pub percentile95: Option<Duration>,
}

impl Sight {
    /// What holds for an attempt at that endpoint: the stricter of the two doors.
    #[must_use]
    pub fn door(&self, endpoint: Option<&Endpoint>) -> Door {
        let of_endpoint = self.endpoints.iter().find(|(e, _)| e.as_ref() == endpoint);
        self.target.stricter(of_endpoint.map_or(Door::Open, |(_, door)| *door))
    }
}

impl Door {
    /// What stands in the way.
    #[must_use]
    pub fn why(self) -> Option<Why> {
        match self {
            Self::Open => None,
            Self::Busy(why) | Self::NotBefore(_, why) | Self::Shut(why) => Some(why),
        }
    }

    /// The one of two doors that lets less through.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        match (self, other) {
            (Self::Shut(why), _) | (_, Self::Shut(why)) => Self::Shut(why),
            (Self::NotBefore(a, why_a), Self::NotBefore(b, why_b)) => {
                if a >= b {
                    Self::NotBefore(a, why_a)
                } else {
                    Self::NotBefore(b, why_b)
                }
            }
            (Self::NotBefore(t, why), _) | (_, Self::NotBefore(t, why)) => Self::NotBefore(t, why),
            (Self::Busy(why), _) | (_, Self::Busy(why)) => Self::Busy(why),
            (Self::Open, Self::Open) => Self::Open,
        }
    }

    /// Whether it is a breaker that stands in the way, or that there is no proof to give: a reason to take another way
    /// rather than to wait.
    #[must_use]
    pub fn is_broken(self) -> bool {
        match self {
            Self::Busy(why) | Self::NotBefore(_, why) | Self::Shut(why) => {
                matches!(why, Why::Breaker | Why::Auth)
            }
            Self::Open => false,
        }
    }
}
