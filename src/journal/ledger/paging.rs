//! Which of the deliveries that are due go into a page, where not all of them fit.

use super::Rank;
use crate::report::Priority;

/// A delivery that is due. It is the first one with its order key, or has none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::journal) struct Due {
    pub(in crate::journal) rank: Rank,
    pub(in crate::journal) priority: Priority,
}

/// Of seven places, so many go to each priority first.
const SHARES: [(Priority, usize); 3] =
    [(Priority::High, 4), (Priority::Normal, 2), (Priority::Low, 1)];

/// Those that go into a page, in the order in which they are served, and the first one that does not. Each priority has
/// its share of the page, so that none waits for all of another; what one does not use goes to what is more urgent, and
/// then to what is less.
pub(in crate::journal) fn choose(mut due: Vec<Due>, count_max: usize) -> (Vec<Due>, Option<Rank>) {
    due.sort_unstable_by_key(|one| one.rank);
    if due.len() <= count_max {
        return (due, None);
    }
    let classes = SHARES.map(|(priority, share)| {
        let class: Vec<_> = due.iter().filter(|one| one.priority == priority).copied().collect();
        (class, count_max.saturating_mul(share) / 7)
    });
    let mut takes = classes.each_ref().map(|(class, share)| class.len().min(*share));
    for (take, (class, _)) in (0..).zip(&classes) {
        let left = count_max - takes.iter().sum::<usize>();
        let more: usize = class.len() - takes[take];
        takes[take] += more.min(left);
    }
    let (mut chosen, mut rest) = (Vec::with_capacity(count_max), None::<Rank>);
    for ((class, _), take) in classes.iter().zip(takes) {
        chosen.extend_from_slice(&class[..take]);
        let first = class.get(take).map(|one| one.rank);
        rest = [rest, first].into_iter().flatten().min();
    }
    chosen.sort_unstable_by_key(|one| one.rank);
    (chosen, rest)
}

#[cfg(test)]
mod tests {
    use fanfare_sdk::Timestamp;

    use super::{Due, Priority, Rank, choose};

    /// Deliveries as `h`, `n` and `l`, each due a microsecond after the one before it.
    #[track_caller]
    fn check(all: &str, count_max: usize, expected: &str) {
        let due = all.chars().zip(0_u32..).map(|(letter, order)| Due {
            rank: Rank { due: Timestamp::from_micros(i64::from(order)), order: order.into() },
            priority: match letter {
                'h' => Priority::High,
                'n' => Priority::Normal,
                _ => Priority::Low,
            },
        });
        let (chosen, rest) = choose(due.collect(), count_max);
        let letters: String = chosen
            .iter()
            .map(|one| all.chars().nth(usize::try_from(one.rank.order).unwrap()).unwrap())
            .collect();
        let rest = rest.map_or(String::new(), |rank| format!(", then {}", rank.order));
        assert_eq!(format!("{letters}{rest}"), expected, "{all}, {count_max}");
    }

    #[test]
    fn each_priority_has_its_share() {
        check("lnh", 3, "lnh");
        check("nnnn", 2, "nn, then 2");
        check("nnnn", 0, ", then 0");
        check("llllllllhhhhhhhh", 7, "lhhhhhh, then 1");
        check("llllllllnnnnnnnnhhhhhhhh", 7, "lnnhhhh, then 1");
        check("llllllllh", 7, "llllllh, then 6");
        check("lllllllln", 1, "n, then 0");
    }
}
