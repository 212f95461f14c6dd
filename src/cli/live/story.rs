//! Reports for tests, from rehearsed deliveries: virtual time, real decisions.

use std::time::Duration;

use fanfare_sdk::{Fallback, Profile, Timestamp};
use uuid::Uuid;

use crate::{
    cli::script,
    policy::{
        Backoff, FallbackRule, Jitter, Retry, Step, TargetPolicy,
        rehearse::{Moment, Rehearsal, rehearse},
    },
    report::{BroadcastId, Delivery, Event, History, Report, ReportSource, Trace, Why},
};

/// Recipients and what they answer. `versions` and `stand_in` belong to all of them.
#[derive(Clone, Copy)]
pub(in crate::cli) struct Story<'a> {
    pub(in crate::cli) recipients: &'a [(&'a str, &'a str)],
    pub(in crate::cli) versions: &'a [&'a str],
    pub(in crate::cli) stand_in: Option<&'a str>,
    /// Writes into the last attempt of each of them that it was held back, and since when.
    pub(in crate::cli) held: Option<(Why, Duration)>,
}

pub(in crate::cli) const PLAIN: Story<'_> =
    Story { recipients: &[], versions: &[], stand_in: None, held: None };

pub(in crate::cli) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// How the broadcast stands so long after its acceptance.
pub(in crate::cli) fn at(story: &Story<'_>, since: Duration) -> Report {
    let accepted = Timestamp::default();
    let deliveries =
        story.recipients.iter().map(|(name, script)| delivery(story, (name, script), since));
    Report {
        id: BroadcastId(Uuid::nil()),
        route: None,
        metadata: None,
        replay_of: None,
        notice_of: None,
        trace: Trace {
            link: None,
            trace_id: [1; 16],
            span_id: [1; 8],
            parent_id: None,
            parent_is_remote: false,
            flags: 3,
            state: None,
            baggage: None,
        },
        verdict: None,
        accepted_at: accepted,
        settled_at: None,
        deliveries: deliveries.collect(),
    }
}

fn delivery(story: &Story<'_>, (name, script): (&str, &str), since: Duration) -> Delivery {
    let start = Timestamp::default();
    let backoff = Backoff::constant(ms(200)).with_jitter(Jitter::None);
    let policy = |name: &str, fallback: Vec<FallbackRule>| TargetPolicy {
        versions: story.versions.iter().map(|version| (*version).into()).collect(),
        retry: Retry { backoff: backoff.clone(), ..Retry::default() },
        fallback,
        ..TargetPolicy::new(name.into(), &Profile::default())
    };
    let other = story.stand_in.map(|name| Fallback::Target(name.into()));
    let own = policy(name, [Fallback::Version].into_iter().chain(other).map(Into::into).collect());
    let stand_in = story.stand_in.map(|name| policy(name, vec![Fallback::Version.into()]));
    let played = rehearse(&Rehearsal {
        apis: std::collections::HashMap::new(),
        targets: [own].into_iter().chain(stand_in).collect(),
        script: script::parse(script).unwrap(),
        seed: 1,
        start,
        cancel_after: None,
    });
    let now = start.after(since);
    let mut events: Vec<_> = played.history.events().to_vec();
    let last = events.iter_mut().rev().find_map(|event| match event {
        Event::Started(started) => Some(started),
        _ => None,
    });
    if let (Some(started), Some((why, before))) = (last, story.held) {
        (started.held, started.due) = (Some(why), start.after(started.at.since(start) - before));
    }
    let until_now = |(after, _): &&(Duration, Moment)| *after <= since;
    let (mut due, mut settled) = (start, None);
    for (after, moment) in played.moments.iter().filter(until_now) {
        match moment {
            Moment::Decided(Step::Wait { until, .. }) => due = *until,
            Moment::Decided(Step::Settle(outcome)) => {
                settled = Some((*outcome, start.after(*after)));
            }
            _ => {}
        }
    }
    let history: History = events.into_iter().filter(|event| event.at() <= now).collect();
    let source = ReportSource {
        recipient: name.into(),
        required: true,
        span_id: [2; 8],
        history: &history,
        settled,
        due,
    };
    Delivery::assemble(source, start, None)
}

/// One of each.
pub(in crate::cli) const SIGNUP: Story<'_> = Story {
    recipients: &[
        ("crm", "200 after=20ms"),
        ("mail", "429 after=5ms retry-after=1, 202 after=30ms"),
        ("audit", "503 after=3ms, refused, 200 after=900ms"),
        ("dead", "refused after=2ms"),
        ("mute", "reset after=7ms"),
    ],
    ..PLAIN
};
