//! The line before a gate: in order of arrival within a priority, and nobody waits for ever for others.

use std::collections::VecDeque;

use crate::report::Priority;

/// Whose turn it is, again and again. Each lane has its share of seven: four, two, one.
const TURNS: [Priority; 7] = [
    Priority::High,
    Priority::Normal,
    Priority::High,
    Priority::Low,
    Priority::High,
    Priority::Normal,
    Priority::High,
];

/// The deliveries before a gate.
#[derive(Debug)]
pub(crate) struct Line<Id> {
    lanes: [VecDeque<Id>; 3],
    turn: usize,
}

impl<Id> Line<Id> {
    pub(crate) fn len(&self) -> usize {
        self.lanes.iter().map(VecDeque::len).sum()
    }

    pub(crate) fn push(&mut self, id: Id, priority: Priority) {
        self.lanes[lane(priority)].push_back(id);
    }

    /// Who is next.
    pub(crate) fn first(&self) -> Option<&Id> {
        self.lanes[self.next_lane()?.1].front()
    }

    /// The next one has left: it is the turn of the one after.
    pub(crate) fn pop(&mut self) {
        if let Some((turn, lane)) = self.next_lane() {
            self.lanes[lane].pop_front();
            self.turn = (turn + 1) % TURNS.len();
        }
    }

    /// The next one was not there any more.
    pub(crate) fn drop_first(&mut self) {
        if let Some((_, lane)) = self.next_lane() {
            self.lanes[lane].pop_front();
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The first turn from here on whose lane is not empty.
    fn next_lane(&self) -> Option<(usize, usize)> {
        if self.lanes.iter().all(VecDeque::is_empty) {
            return None;
        }
        let turns = (0..TURNS.len()).map(|ahead| (self.turn + ahead) % TURNS.len());
        turns.map(|turn| (turn, lane(TURNS[turn]))).find(|(_, lane)| !self.lanes[*lane].is_empty())
    }
}

impl<Id> Default for Line<Id> {
    fn default() -> Self {
        Self { lanes: [const { VecDeque::new() }; 3], turn: 0 }
    }
}

fn lane(priority: Priority) -> usize {
    match priority {
        Priority::High => 0,
        Priority::Normal => 1,
        Priority::Low => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, Priority};

    /// Letters arrive in this order: `h` is urgent, `n` normal, `l` can wait. They leave in that order.
    #[track_caller]
    fn check(arrive: &str, expected: &str) {
        let mut line = Line::default();
        for (place, letter) in arrive.chars().enumerate() {
            let priority = match letter {
                'h' => Priority::High,
                'n' => Priority::Normal,
                _ => Priority::Low,
            };
            line.push(format!("{letter}{place}"), priority);
        }
        let mut left = Vec::new();
        while let Some(id) = line.first().cloned() {
            left.push(id);
            line.pop();
        }
        assert_eq!(line.len(), 0);
        assert_eq!(left.join(" "), expected);
    }

    #[test]
    fn of_the_same_priority_the_first_goes_first() {
        check("nnn", "n0 n1 n2");
        check("lll", "l0 l1 l2");
    }

    #[test]
    fn each_priority_has_its_share() {
        check("llnnnhhhhh", "h5 n2 h6 l0 h7 n3 h8 h9 n4 l1");
        check("lhl", "h1 l0 l2");
    }
}
