//! Dead letters: listed, sent again, taken off the list. Many at once by what they have in common.

use std::{num::NonZero, sync::Arc, time::Duration};

use axum::{Extension, body::Body, extract::State};
use bytes::Bytes;
use fanfare_sdk::TargetName;
use http::{HeaderMap, StatusCode, Uri};
use tokio::{sync::OwnedSemaphorePermit, time::sleep};

use super::{
    Daemon, ProblemKind,
    callers::Caller,
    members::Members,
    problem::Problem,
    query::{OUTCOMES, Query, outcomes, time},
    router::{Answer, Shared, json},
    task,
};
use crate::{
    engine::{Engine, Replay},
    journal::{DeadLetter, DeadLetterFilter, JournalError, Mark},
    report::{BroadcastId, DeliveryId, Outcome},
    wire::listing::{self, Again, Discarded, Refused, Replayed},
};

const FILTERS: &str =
    "there are `broadcast`, `target`, `route`, `outcome`, `reason`, `from`, `until`";

/// Deliveries a second that a replay may ask for at most.
const RATE_MAX: u32 = 10_000;

/// Which dead letters are meant, and what is asked for them.
struct Selection {
    filter: DeadLetterFilter,
    dry_run: bool,
    /// At most so many; all of them where there is a rate.
    limit: usize,
    /// Deliveries a second.
    rate: Option<NonZero<u32>>,
}

/// Dead letters of one broadcast.
type Group = (BroadcastId, Vec<TargetName>);

/// `GET /v1/dead-letters`
pub(super) async fn list(
    State(daemon): Shared,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Answer {
    let mut query = Query::of(uri.query());
    let mut filter = query.dead_letters();
    filter.routes = caller.routes();
    let from = query.parse::<Mark>("cursor", "`next` of the page before");
    let count = query.limit(daemon.limits.page_max);
    query.end(&format!("{FILTERS}, `limit` and `cursor`"))?;
    let journal = daemon.engine.journal();
    let page = journal.dead_letters(&filter, from, count).await?;
    let mut dead_letters = Vec::with_capacity(page.letters.len());
    for letter in &page.letters {
        // It is listed, also where that cannot be read.
        let said = journal.said_last(&letter.id).await.ok().flatten();
        dead_letters.push(listing::DeadLetter::of(letter, said.as_ref()));
    }
    let next = page.next.map(|mark| mark.to_string());
    Ok(json(StatusCode::OK, &listing::DeadLetters { dead_letters, next }))
}

/// `POST /v1/dead-letters/replay`
pub(super) async fn replay(
    State(daemon): Shared,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let body = daemon.bodies.json(&headers, body).await?;
    let selection = selection(&daemon, &caller, (&body.bytes, true))?;
    if let (Some(rate), false) = (selection.rate, selection.dry_run) {
        let turn = daemon.replays.clone().try_acquire_owned();
        let turn = turn.map_err(|_| {
            Problem::new(ProblemKind::Full, "several replays with a rate are still going on")
        })?;
        let counted = scan(&daemon.engine, &selection, usize::MAX).await?.told(&selection);
        task::spawn(slowly(daemon, selection, (rate, turn)));
        return Ok(json(StatusCode::ACCEPTED, &counted));
    }
    let found = scan(&daemon.engine, &selection, selection.limit).await?;
    let mut told = found.told(&selection);
    if !selection.dry_run {
        told.dead_letters = 0;
        for group in &found.groups {
            match again(&daemon.engine, group).await {
                Ok(id) => {
                    told.dead_letters += group.1.len();
                    told.replays.push(Again::new(group.0, id));
                }
                Err(detail) => {
                    told.refused.push(Refused { replay_of: group.0.to_string(), detail });
                }
            }
        }
    }
    Ok(json(StatusCode::OK, &told))
}

/// `POST /v1/dead-letters/discard`
pub(super) async fn discard(
    State(daemon): Shared,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let body = daemon.bodies.json(&headers, body).await?;
    let Selection { filter, dry_run, limit, .. } =
        selection(&daemon, &caller, (&body.bytes, false))?;
    let journal = daemon.engine.journal();
    let page = journal.dead_letters(&filter, None, limit).await?;
    let letters: Vec<DeliveryId> = page.letters.into_iter().map(|letter| letter.id).collect();
    let dead_letters = if dry_run { letters.len() } else { journal.discard(&letters).await? };
    let more = page.next.is_some();
    Ok(json(StatusCode::OK, &Discarded { dry_run, dead_letters, more }))
}

fn selection(
    daemon: &Daemon,
    caller: &Caller,
    (body, may_have_rate): (&Bytes, bool),
) -> Result<Selection, Problem> {
    let mut members = Members::of(body)?;
    let mut text = |name: &str| members.take::<String>(name, "a string");
    let (broadcast, target, route) = (text("broadcast"), text("target"), text("route"));
    let (outcome, reason, from, until) =
        (text("outcome"), text("reason"), text("from"), text("until"));
    let mut filter = DeadLetterFilter {
        target: target.map(TargetName::from),
        route,
        reason,
        routes: caller.routes(),
        ..DeadLetterFilter::default()
    };
    if let Some(text) = broadcast {
        filter.broadcast = text.parse().ok().map(BroadcastId);
        if filter.broadcast.is_none() {
            members.mistake("broadcast", "must be the id of a broadcast");
        }
    }
    if let Some(text) = &outcome
        && !OUTCOMES.contains(&text.as_str())
    {
        members.mistake("outcome", format!("must be {}", outcomes()));
    }
    filter.outcome = outcome;
    for (name, text, at) in [("from", from, &mut filter.from), ("until", until, &mut filter.until)]
    {
        let Some(text) = text else { continue };
        *at = time(&text);
        if at.is_none() {
            members.mistake(name, "must be a time like `2026-01-31T12:00:00Z`");
        }
    }
    let dry_run = members.take::<bool>("dry_run", "`true` or `false`").unwrap_or(false);
    let max = daemon.limits.page_max;
    let limit = members.whole("limit", "a whole number");
    let limit = limit.map_or(max, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    if !(1..=max).contains(&limit) {
        members.mistake("limit", format!("must be from 1 to {max}"));
    }
    let mut known = format!("{FILTERS}, `dry_run` and `limit`");
    let mut rate = None;
    if may_have_rate {
        known.push_str(", and `rate`");
        let typed = members.whole("rate", "a whole number of deliveries a second");
        let typed = typed.map(|rate| u32::try_from(rate).unwrap_or(u32::MAX));
        rate = typed.and_then(NonZero::new);
        if typed.is_some_and(|rate| !(1..=RATE_MAX).contains(&rate)) {
            members.mistake("rate", format!("must be from 1 to {RATE_MAX}"));
        }
    }
    members.end(&known)?;
    Ok(Selection { filter, dry_run, limit, rate })
}

/// What a selection comes to.
#[derive(Default)]
struct Found {
    groups: Vec<Group>,
    count: usize,
    in_doubt: usize,
    more: bool,
}

impl Found {
    fn told(&self, selection: &Selection) -> Replayed {
        Replayed {
            dry_run: selection.dry_run,
            dead_letters: self.count,
            in_doubt: self.in_doubt,
            more: self.more,
            ..Replayed::default()
        }
    }

    /// What may have been applied is left, unless it was asked for by that outcome.
    fn add(&mut self, letter: DeadLetter, doubts: bool) {
        if !doubts && matches!(letter.outcome, Outcome::Indeterminate(_)) {
            self.in_doubt += 1;
            return;
        }
        self.count += 1;
        let DeliveryId { broadcast, recipient } = letter.id;
        match self.groups.iter_mut().rev().take(NEAR).find(|(id, _)| *id == broadcast) {
            Some((_, recipients)) => recipients.push(recipient),
            None => self.groups.push((broadcast, vec![recipient])),
        }
    }
}

/// How far back it is looked for other dead letters of a broadcast: those of one end near each other, and where they do
/// not, there are two replays.
const NEAR: usize = 64;

/// Reads dead letters that fit, at most so many.
async fn scan(
    engine: &Engine,
    selection: &Selection,
    count_max: usize,
) -> Result<Found, JournalError> {
    const AT_ONCE: usize = 500;
    let doubts = selection.filter.outcome.as_deref() == Some("indeterminate");
    let (mut found, mut from) = (Found::default(), None);
    loop {
        let page = engine.journal().dead_letters(&selection.filter, from, AT_ONCE).await?;
        for letter in page.letters {
            if found.count == count_max {
                found.more = true;
                return Ok(found);
            }
            found.add(letter, doubts);
        }
        match page.next {
            Some(next) => from = Some(next),
            None => return Ok(found),
        }
    }
}

async fn again(engine: &Engine, (of, recipients): &Group) -> Result<BroadcastId, String> {
    let named = recipients.iter().cloned().fold(Replay::new(*of), Replay::only);
    let handle = engine.replay(named).await.map_err(|error| error.to_string())?;
    Ok(handle.id())
}

/// Sends again, so many a second. Ends with the daemon: what it has not come to stays a dead letter.
async fn slowly(
    daemon: Arc<Daemon>,
    selection: Selection,
    (rate, _turn): (NonZero<u32>, OwnedSemaphorePermit),
) {
    let Ok(found) = scan(&daemon.engine, &selection, usize::MAX).await else { return };
    for group in &found.groups {
        if daemon.is_draining() {
            return;
        }
        let count = u32::try_from(group.1.len()).unwrap_or(u32::MAX);
        if let Err(says) = again(&daemon.engine, group).await {
            tracing::warn!(broadcast = %group.0, reason = says, "not replayed");
        }
        sleep(Duration::from_secs(count.into()) / rate.get()).await;
    }
}
