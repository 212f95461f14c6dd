//! By what the APIs know a delivery, and each of its ways: always the same, also after a crash that has lost what was
//! begun.

use fanfare_sdk::{IdempotencyKey, Version};
use uuid::{Uuid, fmt::Hyphenated};

use crate::{
    journal::{NewBroadcast, NewDelivery, Open},
    report::Way,
};

/// What the keys of a delivery are made from where the caller has given a key: the same sending then has the same
/// keys also in another process.
fn namespace(broadcast: &NewBroadcast) -> Option<Uuid> {
    let caller = broadcast.caller_key.as_ref()?;
    Some(Uuid::new_v5(&Uuid::NAMESPACE_OID, caller.key.as_bytes()))
}

/// One per delivery, whoever serves it.
///
/// # Panics
/// Where `place` is not a place among the recipients.
pub(crate) fn delivery_key(broadcast: &NewBroadcast, place: usize) -> IdempotencyKey {
    let NewDelivery { recipient, carried, .. } = &broadcast.recipients[place];
    if let Some(carried) = carried {
        return carried.delivery.clone();
    }
    let key = match namespace(broadcast) {
        Some(namespace) => Uuid::new_v5(&namespace, recipient.as_str().as_bytes()).to_string(),
        None => [as_text(&broadcast.id.0, &mut [0; Hyphenated::LENGTH]), "-", &place.to_string()]
            .concat(),
    };
    IdempotencyKey::from(key)
}

/// One per (delivery, serving target, version). `salt` is 0, unless somebody wants another key.
pub(super) fn attempt_key(open: &Open, way: &Way, salt: u64) -> IdempotencyKey {
    let NewDelivery { recipient, carried, seed, .. } = open.recipient();
    let carried = carried.iter().flat_map(|carried| &carried.attempts);
    let mut carried =
        carried.filter(|(to, version, _)| (to, version) == (&way.target, &way.version));
    if let Some((.., key)) = carried.next() {
        return key.clone();
    }
    let version = way.version.as_ref().map_or("", Version::as_str);
    let key = match namespace(&open.broadcast) {
        Some(namespace) => {
            let name = format!("{recipient}\n{}\n{version}", way.target);
            Uuid::new_v5(&namespace, name.as_bytes())
        }
        None => mixed(seed ^ salt, open.broadcast.id.0, (way.target.as_str(), version)),
    };
    IdempotencyKey::from(as_text(&key, &mut [0; Hyphenated::LENGTH]))
}

fn as_text<'b>(id: &Uuid, buffer: &'b mut [u8; Hyphenated::LENGTH]) -> &'b str {
    id.as_hyphenated().encode_lower(buffer)
}

/// As good as drawn: what goes in first is, and nobody else has it.
fn mixed(seed: u64, broadcast: Uuid, (target, version): (&str, &str)) -> Uuid {
    let (high, low) = broadcast.as_u64_pair();
    let first = scrambled(scrambled(seed ^ high) ^ digest(target));
    let second = scrambled(scrambled(first ^ low) ^ digest(version));
    uuid::Builder::from_random_bytes(((u128::from(first) << 64) | u128::from(second)).to_be_bytes())
        .into_uuid()
}

/// The output function of SplitMix64 (Steele, Lea and Flood, 2014): every bit of the input moves half of the output's.
fn scrambled(bits: u64) -> u64 {
    let bits = bits.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// FNV-1a: what matters is that it is the same in every release.
fn digest(text: &str) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
    text.as_bytes().iter().fold(0xCBF2_9CE4_8422_2325, step)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Uuid, digest, mixed, scrambled};

    /// Deliveries that are stored were sent with these keys: they must be the same in the next release.
    #[test]
    fn keys_are_what_they_were() {
        // Known answers: SplitMix64 of seed 0, and FNV-1a of "a".
        assert_eq!(scrambled(0), 0xE220_A839_7B1D_CDAF);
        assert_eq!(digest("a"), 0xAF63_DC4C_8601_EC8C);
        let key = mixed(1, Uuid::from_u128(2), ("crm", "3"));
        assert_eq!(key.to_string(), "9f57f3ba-afac-4a37-8808-d3162bc64984");
    }

    #[test]
    fn no_two_are_the_same() {
        let mut seen = HashSet::new();
        for seed in 0..20 {
            for broadcast in 0..20 {
                for (target, version) in [("a", ""), ("b", ""), ("a", "2"), ("", "a")] {
                    let key = mixed(seed, Uuid::from_u128(broadcast), (target, version));
                    assert_eq!(key.get_version_num(), 4);
                    assert!(seen.insert(key), "{seed} {broadcast} {target} {version}");
                }
            }
        }
    }
}
