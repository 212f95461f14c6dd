//! Ids of broadcasts: UUID version 7, and later ones are greater, also within a millisecond (RFC 9562, section 6.2,
//! method 2).

use std::sync::{Mutex, PoisonError};

use fanfare_sdk::Timestamp;

use crate::{actor::Entropy, report::BroadcastId};

/// Bits of the random end that are counted on within a millisecond.
const COUNTED_BITS: u32 = 56;

/// The id that was given last.
#[derive(Debug, Default)]
pub(super) struct Ids(Mutex<(u64, [u8; 10])>);

impl Ids {
    /// The next one.
    pub(super) fn next(&self, entropy: &Entropy, now: Timestamp) -> BroadcastId {
        let millis = u64::try_from(now.as_micros() / 1_000).unwrap_or(0);
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if millis > last.0 {
            let mut tail = [0; 10];
            tail.copy_from_slice(&entropy.bytes()[..10]);
            // Room to count on.
            tail[3] &= 0x7F;
            *last = (millis, tail);
        } else {
            let step = 1 + entropy.number() % (1 << 16);
            last.1 = plus(last.1, step);
        }
        let (millis, tail) = *last;
        drop(last);
        BroadcastId(uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid())
    }
}

fn plus(mut tail: [u8; 10], step: u64) -> [u8; 10] {
    let mut counted = [0; 8];
    counted[1..].copy_from_slice(&tail[3..]);
    let next = (u64::from_be_bytes(counted) + step) % (1 << COUNTED_BITS);
    tail[3..].copy_from_slice(&next.to_be_bytes()[1..]);
    tail
}

#[cfg(test)]
mod tests {
    use super::{Entropy, Ids, Timestamp};

    #[test]
    fn later_ones_are_greater() {
        let (ids, entropy) = (Ids::default(), Entropy::seeded(7));
        let times = (0..10_000).map(|n| Timestamp::from_micros(1_800_000_000_000_000 + n / 3));
        let all: Vec<_> = times.map(|now| ids.next(&entropy, now)).collect();
        assert!(all.is_sorted_by(|a, b| a < b));
        assert!(all.iter().all(|id| id.0.get_version_num() == 7));
        let back = ids.next(&entropy, Timestamp::from_micros(0));
        assert!(back > all[9_999], "also where the clock goes back");
    }
}
