//! What the API of a target has announced of its versions: told once, and kept by its gate.

use std::sync::{Arc, Mutex, PoisonError};

use fanfare_sdk::Version;

use super::{Shared, Slot};
use crate::{
    policy::{VersionStatus, versions},
    report::{Ended, Happening, Notice, VersionEnd, Warning, Way, What},
};

/// Versions of one target of which announcements are told.
const ANNOUNCED_MAX: usize = 64;

/// What was told last in this life of the process, by the version that was spoken.
#[derive(Debug, Default)]
pub(super) struct Announced(Mutex<Vec<(Option<Version>, Arc<Notice>)>>);

impl Shared {
    /// When versions of its targets are likely to be gone.
    pub(crate) fn version_ends(&self) -> Vec<VersionEnd> {
        let now = self.clock.now();
        let of = |slot: &Arc<Slot>| {
            let end = |it: VersionStatus| {
                let (target, version) = (slot.name.clone(), it.version);
                Some(VersionEnd { target, version, at: it.notice.sunset? })
            };
            let all = versions(&slot.parts().policy, &slot.gate(), now);
            all.into_iter().filter_map(end).collect::<Vec<_>>()
        };
        self.slots.all().values().flat_map(of).collect()
    }
}

impl Slot {
    /// What was announced of its versions, or is known of those that were spoken.
    pub(crate) fn warnings(&self) -> Vec<Warning> {
        let announced = self.announced.0.lock().unwrap_or_else(PoisonError::into_inner);
        let warning = |(version, notice): &(Option<Version>, Arc<Notice>)| Warning {
            target: self.name.clone(),
            version: version.clone(),
            notice: (**notice).clone(),
        };
        announced.iter().map(warning).collect()
    }

    /// Tells what the API announced about a version, or what is known of it, where that is news.
    pub(super) fn announce(&self, way: &Way, ended: &Ended) {
        let Some(notice) = &ended.notice else { return };
        let mut announced = self.announced.0.lock().unwrap_or_else(PoisonError::into_inner);
        match announced.iter().position(|(version, _)| *version == way.version) {
            Some(place) if !notice.is_news_after(&announced[place].1) => return,
            Some(place) => announced[place].1 = notice.clone(),
            None if announced.len() >= ANNOUNCED_MAX => return,
            None => announced.push((way.version.clone(), notice.clone())),
        }
        crate::telemetry::announced(&way.target, way.version.as_ref(), notice);
        if let Some(observer) = &self.observer {
            observer.announced(&way.target, notice.code());
        }
        self.live.tell(|| {
            let (target, version) = (way.target.clone(), way.version.clone());
            let (notice, sunset) = (notice.code(), notice.sunset);
            let what = What::VersionAnnounced { target, version, notice, sunset };
            Happening::of_target(ended.at, what)
        });
    }
}
