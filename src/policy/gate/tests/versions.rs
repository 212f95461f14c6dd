//! Versions that were rejected.

use super::script::{check, open, secs};
use crate::policy::gate::GatePolicy;

#[test]
fn a_rejected_version_is_not_asked_for_again_for_a_while() {
    let policy = || GatePolicy { version_memory: secs(60), ..open() };
    check(policy(), "first", "preferred");
    check(policy(), "ask3 rejects first 59s first", "in 2 2");
    check(policy(), "ask3 rejects ask2 speaks first", "in in 2");
    check(policy(), "ask3 rejects ask2 rejects first", "in in preferred");
    check(policy(), "ask3 rejects again first", "in 2");
}

#[test]
fn one_attempt_asks_for_it_again_and_the_others_go_on_without() {
    let policy = || GatePolicy { version_memory: secs(60), ..open() };
    check(
        policy(),
        "ask3 rejects 60s first ask3 first speaks first",
        "in preferred in 2 preferred",
    );
    check(policy(), "ask3 rejects 60s ask3 rejects 119s first 120s first", "in in 2 preferred");
    check(policy(), "ask3 rejects 60s ask3 lost first 120s first", "in in 2 preferred");
}
