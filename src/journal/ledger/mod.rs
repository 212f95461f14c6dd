//! What a commit changes in one broadcast: the same for every store.
//!
//! A store finds the [`Record`] and keeps [`Books`]; all else that a commit decides is decided here, so that no two
//! stores can differ in it.

mod books;
mod commit;
mod paging;
mod record;

pub(in crate::journal) use self::{
    books::{Books, Rank},
    commit::{apply, cancel, fold, give_up, happen, retire, tell},
    paging::{Due, choose},
    record::{Record, Slot, are_distinct, small},
};
