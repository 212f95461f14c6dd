//! Where problems are collected while a part of the configuration is checked.

use std::fmt::Display;

use super::{
    document::{Places, child},
    problem::Problem,
};

/// Collects the problems of what stands at one pointer.
#[derive(Debug)]
pub(super) struct Issues<'a> {
    pub(super) pointer: String,
    places: &'a Places,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Issues<'a> {
    pub(super) fn new(pointer: &str, places: &'a Places, problems: &'a mut Vec<Problem>) -> Self {
        Self { pointer: pointer.to_owned(), places, problems }
    }

    /// The same, one key deeper.
    pub(super) fn at(&mut self, key: &str) -> Issues<'_> {
        let pointer = child(&self.pointer, key);
        Issues { pointer, places: self.places, problems: &mut *self.problems }
    }

    /// A problem of what stands below that key.
    pub(super) fn push(&mut self, key: &str, says: impl Display) {
        let pointer = child(&self.pointer, key);
        self.push_at(&pointer, says);
    }

    /// A problem of what stands at that pointer, counted from the document's root.
    pub(super) fn push_at(&mut self, pointer: &str, says: impl Display) {
        let problem = Problem::new(self.places.value(pointer), pointer, says.to_string());
        // What is wrong is taken out: it is not missing, too.
        if !problem.message.starts_with("is missing") || !self.is_wrong(pointer) {
            self.problems.push(problem);
        }
    }

    /// Whether something at that pointer, or below it, is known to be wrong.
    pub(super) fn is_wrong(&self, pointer: &str) -> bool {
        self.problems.iter().any(|problem| problem.is_below(pointer))
    }

    /// Whether what stands at that pointer came by a reference.
    pub(super) fn is_foreign(&self, pointer: &str) -> bool {
        self.places.foreign.contains(pointer)
    }

    /// Keeps what is right of a check, and adds what is wrong.
    pub(super) fn take<T>(&mut self, key: &str, checked: Result<T, impl Display>) -> Option<T> {
        checked.map_err(|says| self.push(key, says)).ok()
    }
}
