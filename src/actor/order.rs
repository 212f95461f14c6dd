//! Whose turn it is among deliveries with the same order key.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use crate::report::DeliveryId;

/// The deliveries with each order key, first come first.
#[derive(Debug, Default)]
pub(super) struct Order(HashMap<Arc<str>, VecDeque<DeliveryId>>);

impl Order {
    /// Behind the others with that key, unless it is there.
    pub(super) fn join(&mut self, key: &Arc<str>, id: &DeliveryId) {
        let queue = self.0.entry(key.clone()).or_default();
        if !queue.contains(id) {
            queue.push_back(id.clone());
        }
    }

    /// Gone; says whose turn it is now, where it was the first.
    pub(super) fn leave(&mut self, key: &Arc<str>, id: &DeliveryId) -> Option<DeliveryId> {
        let queue = self.0.get_mut(key)?;
        if queue.front() != Some(id) {
            queue.retain(|other| other != id);
            return None;
        }
        queue.pop_front();
        let next = queue.front().cloned();
        if next.is_none() {
            self.0.remove(key);
        }
        next
    }

    /// Whether nobody waits for his turn, or has it.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether nobody with that key comes before it.
    pub(super) fn is_first(&self, key: &Arc<str>, id: &DeliveryId) -> bool {
        self.0.get(key).and_then(VecDeque::front).is_none_or(|first| first == id)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{DeliveryId, Order};
    use crate::report::BroadcastId;

    /// `+a1` joins with key a, `-a1` leaves: says whose turn it is after each that leaves.
    #[track_caller]
    fn check(script: &str, expected: &str) {
        let (mut order, mut said) = (Order::default(), Vec::new());
        for word in script.split_whitespace() {
            let (key, recipient) = (word[1..2].into(), word[1..].into());
            let id = DeliveryId { broadcast: BroadcastId(Uuid::nil()), recipient };
            match &word[..1] {
                "+" => order.join(&key, &id),
                _ => said
                    .push(order.leave(&key, &id).map_or("-".into(), |id| id.recipient.to_string())),
            }
        }
        assert_eq!(said.join(" "), expected, "{script}");
        assert!(order.0.is_empty(), "nothing is left");
    }

    #[test]
    fn one_after_the_other() {
        check("+a1 +a2 +b1 -a1 -b1 -a2", "a2 - -");
        check("+a1 +a2 +a3 -a2 -a1 -a3", "- a3 -");
        check("+a1 +a1 -a1", "-");
    }
}
