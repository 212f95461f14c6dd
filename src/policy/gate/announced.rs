//! What the API of a target has announced of its versions: it outlives the process, so that somebody can be told later.

use std::sync::Arc;

use fanfare_sdk::{Timestamp, Version};
use smallvec::SmallVec;

use super::Gate;
use crate::report::Notice;

/// Versions of one target of which announcements are kept.
const ANNOUNCED_MAX: usize = 64;

/// The newest announcement of each version; none is that of an API without versions.
pub(super) type Announced = SmallVec<[(Option<Version>, Arc<Notice>); 1]>;

impl Gate {
    /// The API has announced this of a version: the newest counts.
    pub(crate) fn announce(&mut self, version: Option<&Version>, notice: &Notice) {
        let announced = &mut self.kept.announced;
        match announced.iter().position(|(known, _)| known.as_ref() == version) {
            Some(place) if !notice.is_news_after(&announced[place].1) => return,
            Some(place) => announced[place].1 = Arc::new(notice.clone()),
            None if announced.len() >= ANNOUNCED_MAX => return,
            None => announced.push((version.cloned(), Arc::new(notice.clone()))),
        }
        self.revision += 1;
    }

    /// What the API has announced of that version last.
    #[must_use]
    pub fn announced(&self, version: Option<&Version>) -> Option<&Notice> {
        let mut announced = self.kept.announced.iter();
        announced.find(|(known, _)| known.as_ref() == version).map(|(_, notice)| &**notice)
    }

    /// Until when that version is taken for rejected, where it is now.
    #[must_use]
    pub fn rejected_until(&self, version: &Version, now: Timestamp) -> Option<Timestamp> {
        let mut rejected = self.kept.rejected.iter();
        rejected.find(|(known, until)| known == version && now < *until).map(|(_, until)| *until)
    }
}
