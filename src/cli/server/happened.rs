//! Events in words.

use crate::{cli::text::millis, wire::Happened};

/// `crm: attempt 2: 503, 20.0 ms`: what happened, in a line.
pub(super) fn says(what: &Happened) -> String {
    match what {
        Happened::BroadcastAccepted { recipients, replay_of } => {
            let plural = if *recipients == 1 { "" } else { "s" };
            let replay = replay_of.as_ref().map(|id| format!(", replays {id}"));
            format!("accepted: {recipients} recipient{plural}{}", replay.unwrap_or_default())
        }
        Happened::AttemptStarted { .. } => begins(what),
        Happened::AttemptEnded {
            recipient, target, attempt, duration_ms, status, error, ..
        } => {
            let answer = match (status, error) {
                (_, Some(error)) => format!("no reply ({error})"),
                (Some(status), None) => status.to_string(),
                (None, None) => "accepted".to_owned(),
            };
            let by = by(recipient, target);
            format!("{recipient}: attempt {attempt}{by}: {answer}, {}", millis(*duration_ms))
        }
        Happened::AttemptLost { recipient, target, attempt } => {
            format!(
                "{recipient}: attempt {attempt}{}: lost with its process",
                by(recipient, target)
            )
        }
        Happened::HandedOver { recipient, to, because } => {
            format!("{recipient}: {to} stands in from here on ({because})")
        }
        Happened::DeliverySettled { recipient, outcome, reason, duration_ms } => {
            let why = reason.as_ref().map(|reason| format!(" ({reason})"));
            format!("{recipient}: {outcome}{}, {}", why.unwrap_or_default(), millis(*duration_ms))
        }
        Happened::Verdict { verdict, completed_by } => format!("{verdict} by {completed_by}"),
        Happened::BroadcastSettled { duration_ms } => {
            format!("settled after {}", millis(*duration_ms))
        }
        Happened::BreakerChanged { target, from, to } => {
            format!("{target}: its breaker was {from}, and is {to}")
        }
        Happened::TargetPaused { target } => format!("{target}: paused by an operator"),
        Happened::TargetResumed { target } => format!("{target}: resumed"),
        Happened::TargetDisabled { target } => {
            format!("{target}: disabled: it asked not to be called again")
        }
        Happened::TargetRevived { target } => format!("{target}: revived"),
        Happened::TargetFailed { target } => format!("{target}: failed: its plugin ends too often"),
        Happened::VersionAnnounced { target, version, notice, sunset } => {
            let version = version.as_ref().map(|version| format!(" version {version}"));
            let sunset = sunset.as_ref().map(|at| format!(", gone by {at}"));
            let (version, sunset) = (version.unwrap_or_default(), sunset.unwrap_or_default());
            format!("{target}:{version} is announced as {notice}{sunset}")
        }
        Happened::Gap { why } if why == "other_boot" => {
            "some events are missing: the daemon was started again".to_owned()
        }
        Happened::Gap { .. } => "some events are missing: they are not kept any more".to_owned(),
    }
}

fn begins(what: &Happened) -> String {
    let Happened::AttemptStarted {
        recipient,
        target,
        version,
        attempt,
        because,
        held_by,
        held_ms,
        ..
    } = what
    else {
        return String::new();
    };
    let version = version.as_ref().map(|version| format!(", version {version}"));
    let because = (because != "first_way").then(|| format!(": {}", because.replace('_', " ")));
    let held = held_by
        .as_ref()
        .map(|why| format!(", held back for {} by {}", millis(*held_ms), why.replace('_', " ")));
    let (by, told) =
        (by(recipient, target), [version, because, held].map(Option::unwrap_or_default));
    format!("{recipient}: attempt {attempt}{by} begins{}", told.concat())
}

fn by(recipient: &str, target: &str) -> String {
    if recipient == target { String::new() } else { format!(", by {target}") }
}

#[test]
fn events_are_told_in_a_line() {
    #[track_caller]
    fn check(json: &str, expected: &str) {
        assert_eq!(says(&serde_json::from_str(json).unwrap()), expected);
    }
    check(
        r#"{"kind":"broadcast_accepted","recipients":1,"replay_of":"x"}"#,
        "accepted: 1 recipient, replays x",
    );
    check(
        r#"{"kind":"attempt_started","recipient":"crm","target":"crm","version":null,"attempt":1,
            "counts_as":"first","because":"first_way","held_by":null,"held_ms":0.0}"#,
        "crm: attempt 1 begins",
    );
    check(
        r#"{"kind":"attempt_started","recipient":"crm","target":"spare","version":"2","attempt":3,
            "counts_as":"retry","because":"target_failed","held_by":"rate_limit","held_ms":20.0}"#,
        "crm: attempt 3, by spare begins, version 2: target failed, held back for 20.0 ms by rate limit",
    );
    check(
        r#"{"kind":"attempt_ended","recipient":"crm","target":"crm","attempt":2,"duration_ms":3.1,
            "status":null,"meaning":"retry","effect":"unknown","error":"timeout"}"#,
        "crm: attempt 2: no reply (timeout), 3.10 ms",
    );
    check(
        r#"{"kind":"delivery_settled","recipient":"crm","outcome":"failed","reason":"permanent","duration_ms":9.0}"#,
        "crm: failed (permanent), 9.00 ms",
    );
    check(r#"{"kind":"verdict","verdict":"satisfied","completed_by":"all"}"#, "satisfied by all");
    check(
        r#"{"kind":"gap","why":"too_old"}"#,
        "some events are missing: they are not kept any more",
    );
}
