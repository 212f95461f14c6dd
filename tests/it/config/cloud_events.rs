//! `cloudevents`, as it is written.

use super::{read, target, wrong};

#[test]
fn an_event_needs_a_body_to_be_in() {
    wrong(
        &target("method: GET\n    cloudevents: binary"),
        &[
            "6:18: targets.a.cloudevents: has no place in a request without a body: `method: POST` would be right",
        ],
    );
    read(&target("method: PUT\n    cloudevents: binary")).unwrap();
}
