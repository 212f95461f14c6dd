//! The list of checks, and how it is run.

use std::{panic::Location, sync::Arc};

use futures_util::future::BoxFuture;
use thiserror::Error;

use super::{
    accepting, cancelling, claiming, deciding, doubting, judging, listing, notifying, paging,
    stage::Stage,
};
use crate::journal::Journal;

/// A check that a journal does not pass.
#[derive(Clone, Debug, Error)]
#[error("{check}: expected `{expected}`, found `{found}` (at {at})")]
pub struct Broken {
    /// Its name.
    pub check: &'static str,
    /// What should have happened.
    pub expected: String,
    /// What happened.
    pub found: String,
    /// The line that expected it.
    pub at: &'static Location<'static>,
}

/// The first thing in a check that is not as expected.
pub(super) type Checked = Result<(), Broken>;

type Check = (&'static str, fn(Stage) -> BoxFuture<'static, Checked>);

const CHECKS: [Check; 49] = [
    ("what is accepted can be viewed", |s| Box::pin(accepting::view(s))),
    ("an id is accepted once", |s| Box::pin(accepting::same_id(s))),
    ("a caller's key is accepted once", |s| Box::pin(accepting::same_key(s))),
    ("a caller's key belongs to one fingerprint", |s| Box::pin(accepting::key_reused(s))),
    ("no recipient is named twice", |s| Box::pin(accepting::twice(s))),
    ("a refused broadcast leaves no trace", |s| Box::pin(accepting::refused(s))),
    ("many recipients are told apart", |s| Box::pin(accepting::many(s))),
    ("a newer claim fences an older one", |s| Box::pin(claiming::fenced(s))),
    ("claims on other targets are left alone", |s| Box::pin(claiming::others(s))),
    ("starts of older boots are lost", |s| Box::pin(claiming::lost(s))),
    ("starts of the same boot stay in flight", |s| Box::pin(claiming::same_boot(s))),
    ("a boot loses older starts only", |s| Box::pin(claiming::two_boots(s))),
    ("what has ended is not lost", |s| Box::pin(claiming::ended_before(s))),
    ("facts are never fenced", |s| Box::pin(claiming::facts(s))),
    ("due pages have exact boundaries", |s| Box::pin(paging::boundaries(s))),
    ("due pages have an order", |s| Box::pin(paging::order(s))),
    ("due pages have a length", |s| Box::pin(paging::length(s))),
    ("a page that is too short has a share for each", |s| Box::pin(paging::shares(s))),
    ("one delivery can be asked for", |s| Box::pin(paging::one(s))),
    ("what changes the next step makes it due", |s| Box::pin(paging::woken(s))),
    ("an attempt ends once", |s| Box::pin(deciding::first_end(s))),
    ("a start that was made is a fact", |s| Box::pin(deciding::starts(s))),
    ("only starts and ends are facts", |s| Box::pin(deciding::only_ends(s))),
    ("a delivery settles once", |s| Box::pin(deciding::settles_once(s))),
    ("a batch is written as a whole or not at all", |s| Box::pin(deciding::whole(s))),
    ("a batch can be appended again", |s| Box::pin(deciding::again(s))),
    ("a delivery that moved belongs to the stand-in", |s| Box::pin(deciding::moved_on(s))),
    ("the verdict falls when it is certain", |s| Box::pin(judging::certain(s))),
    ("the verdict falls at the deadline", |s| Box::pin(judging::deadline(s))),
    ("what was skipped does not count", |s| Box::pin(judging::skipped(s))),
    ("a broadcast without recipients has a verdict", |s| Box::pin(judging::empty(s))),
    ("open broadcasts are listed", |s| Box::pin(judging::open(s))),
    ("dead letters are listed", |s| Box::pin(judging::dead_letters(s))),
    ("dead letters are listed in pages", |s| Box::pin(listing::pages(s))),
    ("dead letters are filtered", |s| Box::pin(listing::letters(s))),
    ("what is discarded is listed no more", |s| Box::pin(listing::discarded(s))),
    ("what is replayed is listed no more, and replayed once", |s| Box::pin(listing::replayed(s))),
    ("what the API said last is told", |s| Box::pin(listing::said_last(s))),
    ("broadcasts are listed", |s| Box::pin(listing::broadcasts(s))),
    ("what is open is counted by who serves it", |s| Box::pin(listing::serving(s))),
    ("later lives have greater numbers", |s| Box::pin(listing::boots(s))),
    ("a notice is owed once its occasion has come", |s| Box::pin(notifying::occasions(s))),
    ("a notice is accepted once", |s| Box::pin(notifying::once(s))),
    ("a notice is owed however it has ended", |s| Box::pin(notifying::however(s))),
    ("what is owed can be given up", |s| Box::pin(notifying::given_up(s))),
    ("the verdict cancels the rest", |s| Box::pin(cancelling::rest(s))),
    ("a caller can cancel", |s| Box::pin(cancelling::asked(s))),
    ("the verdict cannot be cancelled", |s| Box::pin(cancelling::late(s))),
    ("what is in doubt can be asked again", |s| Box::pin(doubting::again(s))),
];

/// Runs all checks, each with a journal of its own, and gives those that are not passed.
///
/// `make` makes a journal that holds nothing yet.
pub async fn run<J: Journal>(make: impl AsyncFn() -> J) -> Vec<Broken> {
    let mut broken = Vec::new();
    for (name, check) in CHECKS {
        let journal: Arc<dyn Journal> = Arc::new(make().await);
        if let Err(error) = check(Stage::new(journal)).await {
            broken.push(Broken { check: name, ..error });
        }
    }
    broken
}

/// Compares whole answers, as text.
#[track_caller]
pub(super) fn expect(found: impl AsRef<str>, expected: impl AsRef<str>) -> Checked {
    let (found, expected) = (found.as_ref(), expected.as_ref());
    if found == expected {
        return Ok(());
    }
    Err(broken(found, expected))
}

#[track_caller]
pub(super) fn broken(found: impl Into<String>, expected: impl Into<String>) -> Broken {
    let (found, expected) = (found.into(), expected.into());
    Broken { check: "", expected, found, at: Location::caller() }
}
