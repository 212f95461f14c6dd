//! What happens, kept for a while for whoever looks on now: in order, from where he stopped, and never waiting for him.
//!
//! Where nobody looks on, telling costs one load of an atomic. The first who looks on has it kept from then on, and for
//! some minutes after the last one has gone: one who was cut off finds what he has missed.

use std::{
    collections::VecDeque,
    fmt,
    str::FromStr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use fanfare_sdk::Timestamp;
use tokio::sync::Notify;

use crate::report::{Boot, BroadcastId, Happening, IdMap};

/// How long everything is kept after the last who looked on has gone: he may only have been cut off.
const LINGER: Duration = Duration::from_secs(300);

/// What happens in an engine, for whoever looks on. Nothing is kept where it was not asked for.
#[derive(Clone, Debug, Default)]
pub struct Live(Option<Arc<Hub>>);

struct Hub {
    boot: Boot,
    kept_max: usize,
    /// Somebody looks on, or did so lately.
    on: AtomicBool,
    /// How many look at single broadcasts.
    watching: AtomicUsize,
    kept: Mutex<Kept>,
    /// Rings whenever something has happened.
    rings: Notify,
    watched: Mutex<IdMap<BroadcastId, Vec<Arc<Notify>>>>,
}

#[derive(Default)]
struct Kept {
    /// The number of the next one; those before it that are kept follow each other.
    next: u64,
    latest: VecDeque<Arc<Happening>>,
    following: usize,
    /// When it was seen first that nobody looks on any more.
    alone_since: Option<Timestamp>,
    ended: bool,
}

/// Where somebody stands in what happens. As text for whoever goes on there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Position {
    boot: Boot,
    number: u64,
}

/// A text that is no position.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no event has that id")]
pub struct NoPosition;

/// Why somebody cannot go on where he stopped: something happened of which he is not told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gap {
    /// He stopped in another life of the process.
    OtherBoot,
    /// What came then is not kept any more.
    TooOld,
}

/// Somebody who looks on.
#[derive(Debug)]
pub struct Following {
    hub: Arc<Hub>,
    next: u64,
}

/// What comes next to somebody who looks on.
#[derive(Debug)]
pub enum Next {
    /// This has happened.
    Happened(Position, Arc<Happening>),
    /// He was too slow: what comes next is not kept any more.
    Behind,
    /// The engine has ended.
    Ended,
}

/// Rings when something may have happened to one broadcast.
#[derive(Debug)]
pub struct Watch {
    hub: Arc<Hub>,
    id: BroadcastId,
    bell: Arc<Notify>,
}

impl Live {
    /// Keeps at most so many.
    pub(crate) fn new(boot: Boot, kept_max: usize) -> Self {
        Self(Some(Arc::new(Hub {
            boot,
            kept_max: kept_max.max(1),
            on: AtomicBool::new(false),
            watching: AtomicUsize::new(0),
            kept: Mutex::new(Kept { next: 1, ..Kept::default() }),
            rings: Notify::new(),
            watched: Mutex::default(),
        })))
    }

    /// Whether anybody may look on.
    pub(crate) fn is_there(&self) -> bool {
        self.0.is_some()
    }

    /// Tells what has happened, where somebody looks on. What was told first came first.
    pub(crate) fn tell(&self, happening: impl FnOnce() -> Happening) {
        if let Some(hub) = self.0.as_ref().filter(|hub| hub.on.load(Ordering::Relaxed)) {
            hub.keep(happening());
        }
    }

    /// Whether somebody looks at a single broadcast.
    pub(crate) fn watches(&self) -> bool {
        self.0.as_ref().is_some_and(|hub| hub.watching.load(Ordering::Acquire) > 0)
    }

    /// Something may have happened to that broadcast, and is written.
    pub(crate) fn changed(&self, id: BroadcastId) {
        let Some(hub) = self.0.as_ref().filter(|_| self.watches()) else { return };
        for bell in hub.watched().get(&id).into_iter().flatten() {
            bell.notify_one();
        }
    }

    /// The engine has ended: whoever looks on is told what is kept, and then so.
    pub(crate) fn end(&self) {
        let Some(hub) = &self.0 else { return };
        hub.kept().ended = true;
        hub.rings.notify_waiters();
        hub.watched().values().flatten().for_each(|bell| bell.notify_one());
    }

    /// Looks on from here on; none where nothing is kept.
    #[must_use]
    pub fn follow(&self) -> Option<Following> {
        let hub = self.0.clone()?;
        let next = hub.join();
        Some(Following { hub, next })
    }

    /// The same from where somebody stopped. Where that cannot be, from here on, and why.
    #[must_use]
    pub fn follow_from(&self, position: Position) -> Option<(Following, Option<Gap>)> {
        let mut following = self.follow()?;
        let kept = following.hub.kept();
        let wanted = position.number.saturating_add(1);
        let gap = if position.boot != following.hub.boot {
            Some(Gap::OtherBoot)
        } else if wanted < kept.first() || wanted > kept.next {
            Some(Gap::TooOld)
        } else {
            None
        };
        drop(kept);
        if gap.is_none() {
            following.next = wanted;
        }
        Some((following, gap))
    }

    /// Is told when something may have happened to that broadcast; none where nothing is kept.
    #[must_use]
    pub fn watch(&self, id: BroadcastId) -> Option<Watch> {
        let (hub, bell) = (self.0.clone()?, Arc::new(Notify::new()));
        hub.watched().entry(id).or_default().push(bell.clone());
        hub.watching.fetch_add(1, Ordering::AcqRel);
        Some(Watch { hub, id, bell })
    }
}

impl Hub {
    fn keep(&self, happening: Happening) {
        let mut kept = self.kept();
        if kept.following == 0 {
            let since = *kept.alone_since.get_or_insert(happening.at);
            if happening.at.since(since) > LINGER {
                self.on.store(false, Ordering::Relaxed);
                // What happens meanwhile has no number: whoever comes back is told of the gap.
                kept.latest = VecDeque::new();
                kept.next += 1;
                return;
            }
        }
        if kept.latest.len() == self.kept_max {
            kept.latest.pop_front();
        }
        kept.latest.push_back(Arc::new(happening));
        kept.next += 1;
        drop(kept);
        self.rings.notify_waiters();
    }

    /// One more looks on. Gives the number of what comes next.
    fn join(&self) -> u64 {
        let mut kept = self.kept();
        kept.following += 1;
        kept.alone_since = None;
        self.on.store(true, Ordering::Relaxed);
        kept.next
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watched(&self) -> MutexGuard<'_, IdMap<BroadcastId, Vec<Arc<Notify>>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// The number of the oldest that is kept.
    fn first(&self) -> u64 {
        self.next - self.latest.len() as u64
    }

    fn get(&self, number: u64) -> Option<&Arc<Happening>> {
        let place = number.checked_sub(self.first())?;
        self.latest.get(usize::try_from(place).ok()?)
    }
}

impl Following {
    /// Where he stands: what he was told last.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { boot: self.hub.boot, number: self.next - 1 }
    }

    /// Waits for what comes next.
    ///
    /// # Cancel safety
    /// Nothing is lost: it can be asked again.
    pub async fn next(&mut self) -> Next {
        let hub = self.hub.clone();
        loop {
            let rings = hub.rings.notified();
            let mut rings = std::pin::pin!(rings);
            rings.as_mut().enable();
            {
                let kept = hub.kept();
                if self.next < kept.first() {
                    return Next::Behind;
                }
                if let Some(happening) = kept.get(self.next) {
                    self.next += 1;
                    return Next::Happened(self.position(), happening.clone());
                }
                if kept.ended {
                    return Next::Ended;
                }
            }
            rings.await;
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let mut kept = self.hub.kept();
        kept.following = kept.following.saturating_sub(1);
    }
}

impl Watch {
    /// Waits until something may have happened since it was asked last.
    ///
    /// # Cancel safety
    /// Nothing is lost: it can be asked again.
    pub async fn changed(&self) {
        self.bell.notified().await;
    }

    /// Whether the engine has ended: nothing more happens.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.hub.kept().ended
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.hub.watching.fetch_sub(1, Ordering::AcqRel);
        let mut watched = self.hub.watched();
        if let Some(bells) = watched.get_mut(&self.id) {
            bells.retain(|bell| !Arc::ptr_eq(bell, &self.bell));
            if bells.is_empty() {
                watched.remove(&self.id);
            }
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.boot.0, self.number)
    }
}

impl FromStr for Position {
    type Err = NoPosition;

    fn from_str(text: &str) -> Result<Self, NoPosition> {
        let (boot, number) = text.split_once('.').ok_or(NoPosition)?;
        let boot = boot.parse().map(Boot).map_err(|_| NoPosition)?;
        Ok(Self { boot, number: number.parse().map_err(|_| NoPosition)? })
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("kept", &self.kept().latest.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use fanfare_sdk::{TargetName, Timestamp};

    use super::{Boot, Following, Gap, Happening, LINGER, Live, Next};
    use crate::report::What;

    fn tell(live: &Live, at: Timestamp) {
        let target = TargetName::from("crm");
        live.tell(|| Happening::of_target(at, What::TargetPaused(target)));
    }

    async fn count(following: &mut Following) -> usize {
        let mut count = 0;
        loop {
            match following.next().await {
                Next::Happened(..) => count += 1,
                Next::Behind | Next::Ended => return count,
            }
        }
    }

    #[tokio::test]
    async fn it_is_kept_for_a_while_for_whoever_was_cut_off() {
        let (live, begun) = (Live::new(Boot(1), 10), Timestamp::from_secs(0));
        tell(&live, begun);
        let following = live.follow().unwrap();
        let (here, later) = (following.position(), begun.after(LINGER));
        assert_eq!(here.to_string(), "1.0", "nobody was there before");
        drop(following);
        tell(&live, begun);
        tell(&live, later);
        let (mut again, gap) = live.follow_from(here).unwrap();
        assert_eq!(gap, None);
        drop(live.follow());
        live.end();
        assert_eq!(count(&mut again).await, 2);
        let there = again.position();
        drop(again);
        tell(&live, begun);
        tell(&live, later.after(LINGER));
        assert_eq!(live.follow_from(there).unwrap().1, Some(Gap::TooOld), "nobody came back");
        assert_eq!(live.follow_from("2.1".parse().unwrap()).unwrap().1, Some(Gap::OtherBoot));
        assert_eq!(live.follow_from("1.99".parse().unwrap()).unwrap().1, Some(Gap::TooOld));
    }

    #[test]
    fn nothing_is_made_where_nobody_looks_on() {
        let never = || unreachable!("nobody looks on");
        Live::default().tell(never);
        assert!(Live::default().follow().is_none());
        Live::new(Boot(1), 10).tell(never);
    }
}
