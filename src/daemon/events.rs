//! What happens, as server-sent events (HTML standard, section 9.2): of one broadcast, and of all.
//!
//! Nothing is queued for a reader: that of one broadcast is read from the journal as fast as he takes it, that of all from
//! what the engine keeps of late. Whoever falls out of that is let go, and may come back.

use std::{collections::VecDeque, convert::Infallible, str::FromStr, sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::{Path, State},
    response::{IntoResponse, Response, Sse, sse},
};
use futures_util::stream::unfold;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    task::yield_now,
    time::{sleep, timeout},
};

use super::{
    Daemon, ProblemKind,
    broadcasts::known,
    callers::Caller,
    problem::{Mistake, Problem},
    query::Query,
    router::{Answer, Shared},
};
use crate::{
    engine::BroadcastHandle,
    report::{Happening, Told, What},
    telemetry::{Following, Gap, Next, Position, Watch},
    wire::{Event, Happened},
};

/// After that time without an event, a reader is told that the stream lives: proxies end what says nothing for a minute.
const ALIVE: Duration = Duration::from_secs(15);

/// The pause before a broadcast is looked at again, however much happens to it: its report is read as a whole.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// The one where nothing is said to have happened: hints may be lost.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// After which time a reader that was cut off comes back.
const RETRY: Duration = Duration::from_secs(1);

/// What is left out without letting others have their turn.
const LEFT_OUT_MAX: usize = 256;

const LAST_EVENT_ID: &str = "last-event-id";

/// What a stream holds as long as somebody reads it.
struct Reader {
    ending: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
}

/// The events of one broadcast.
struct Story {
    reader: Reader,
    handle: BroadcastHandle,
    watch: Watch,
    told: Told,
    news: VecDeque<(Told, Happening)>,
    looked: bool,
    quiet: Duration,
}

/// The events of all.
struct Everything {
    reader: Reader,
    following: Following,
    filter: Filter,
    /// What is said first.
    first: VecDeque<sse::Event>,
}

/// Which events are told: those that fit everything that is given.
struct Filter {
    caller: Caller,
    route: Option<String>,
    target: Option<String>,
    kinds: Vec<String>,
}

/// `GET /v1/broadcasts/{id}/events`
pub(super) async fn of_broadcast(
    State(daemon): Shared,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Answer {
    Query::of(uri.query()).end("there are no parameters")?;
    let told = last_event_id::<Told>(&headers)?.unwrap_or_default();
    let handle = known(&daemon, &id).await?;
    let report = handle.report().await?.ok_or_else(|| Problem::no_such("broadcast", &id))?;
    if !told.fits(&report) {
        return Err(no_such_event());
    }
    if told.is_all() {
        // So whoever reads it stops coming back.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let watch = daemon.engine.live().watch(handle.id()).ok_or_else(nothing_kept)?;
    let reader = reader(&daemon)?;
    let (news, looked, quiet) = (VecDeque::new(), false, Duration::ZERO);
    let story = Story { reader, handle, watch, told, news, looked, quiet };
    Ok(stream(unfold(story, async |mut story| story.next().await.map(|it| (Ok(it), story)))))
}

/// `GET /v1/events`
pub(super) async fn of_all(
    State(daemon): Shared,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    uri: Uri,
) -> Answer {
    let mut query = Query::of(uri.query());
    let (route, target) = (query.text("route"), query.text("target"));
    let known = What::CODES.map(|code| format!("`{code}`")).join(", ");
    let kinds = query.take("kind", format!("some of {known}, with commas between"), |text| {
        let kinds: Vec<_> = text.split(',').map(str::to_owned).collect();
        kinds.iter().all(|kind| What::CODES.contains(&kind.as_str())).then_some(kinds)
    });
    query.end("there are `route`, `target` and `kind`")?;
    let filter = Filter { caller, route, target, kinds: kinds.unwrap_or_default() };
    let from = last_event_id::<Position>(&headers)?;
    let reader = reader(&daemon)?;
    let live = daemon.engine.live();
    let (following, gap) = match from {
        Some(position) => live.follow_from(position),
        None => live.follow().map(|following| (following, None)),
    }
    .ok_or_else(nothing_kept)?;
    let position = following.position();
    // Whoever is cut off before anything happens knows where he stood.
    let hello = sse::Event::default().id(position.to_string()).retry(RETRY);
    let gap = gap.map(|gap| missed(&daemon, position, gap));
    let first = [Some(hello), gap].into_iter().flatten().collect();
    let all = Everything { reader, following, filter, first };
    Ok(stream(unfold(all, async |mut all| all.next().await.map(|it| (Ok(it), all)))))
}

fn stream(
    events: impl futures_util::Stream<Item = Result<sse::Event, Infallible>> + Send + 'static,
) -> Response {
    let mut response = Sse::new(events).into_response();
    // nginx and its kind hand events on as they come.
    let unbuffered = HeaderName::from_static("x-accel-buffering");
    response.headers_mut().insert(unbuffered, HeaderValue::from_static("no"));
    response
}

fn reader(daemon: &Arc<Daemon>) -> Result<Reader, Problem> {
    if daemon.is_draining() {
        return Err(Problem::new(ProblemKind::ShuttingDown, "no stream begins any more"));
    }
    let place = daemon.streams.clone().try_acquire_owned().map_err(|_| {
        let says = format!("{} streams are being read", daemon.limits.streams_max);
        Problem::new(ProblemKind::Full, says)
    })?;
    Ok(Reader { ending: daemon.ending(), _place: place })
}

fn last_event_id<T: FromStr>(headers: &HeaderMap) -> Result<Option<T>, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let id = value.to_str().ok().and_then(|text| text.parse().ok());
    id.map(Some).ok_or_else(no_such_event)
}

fn no_such_event() -> Problem {
    let says = "no event of this stream has that id: leave it out to begin anew";
    Problem::invalid(vec![Mistake::in_header("Last-Event-ID", says)])
}

fn nothing_kept() -> Problem {
    Problem::new(ProblemKind::NotFound, "no events are kept")
}

/// Some events are not told.
fn missed(daemon: &Daemon, position: Position, gap: Gap) -> sse::Event {
    let why = match gap {
        Gap::OtherBoot => "other_boot",
        Gap::TooOld => "too_old",
    };
    let what = Happened::Gap { why: why.into() };
    let event = Event::new(daemon.engine.now(), what);
    told("gap", &position.to_string(), &event)
}

fn told(kind: &str, id: &str, event: &Event) -> sse::Event {
    let data = serde_json::to_string(event).unwrap_or_default();
    sse::Event::default().event(kind).id(id).data(data)
}

fn happened(id: &str, happening: &Happening) -> sse::Event {
    told(happening.what.code(), id, &Event::from(happening))
}

impl Reader {
    /// Waits for the end of the daemon.
    async fn ended(&mut self) {
        // A daemon that is gone has ended, too.
        drop(self.ending.wait_for(|ending| *ending).await);
    }
}

impl Story {
    async fn next(&mut self) -> Option<sse::Event> {
        loop {
            if let Some((told, happening)) = self.news.pop_front() {
                self.quiet = Duration::ZERO;
                self.told = told;
                return Some(happened(&self.told.to_string(), &happening));
            }
            if self.told.is_all() || *self.reader.ending.borrow() {
                return None;
            }
            if self.looked && !self.something_new().await? {
                self.quiet += LOOK_AGAIN;
            }
            self.looked = true;
            match self.handle.report().await {
                Ok(Some(report)) => self.news = report.news(&self.told).into(),
                // It is not kept any more.
                Ok(None) => return None,
                // The journal has failed: it is asked again.
                Err(_) => {}
            }
            if self.news.is_empty() && self.watch.has_ended() {
                return None;
            }
            if self.quiet >= ALIVE {
                self.quiet = Duration::ZERO;
                return Some(sse::Event::default().comment("alive"));
            }
        }
    }

    /// Whether something is said to have happened, or it is time to look again anyway; none at the end of the daemon.
    async fn something_new(&mut self) -> Option<bool> {
        let Self { reader, watch, .. } = self;
        let waiting = async {
            sleep(LOOK_PAUSE).await;
            timeout(LOOK_AGAIN, watch.changed()).await.is_ok()
        };
        tokio::select! {
            () = reader.ended() => None,
            new = waiting => Some(new),
        }
    }
}

impl Everything {
    async fn next(&mut self) -> Option<sse::Event> {
        if let Some(first) = self.first.pop_front() {
            return Some(first);
        }
        let Self { reader, following, filter, .. } = self;
        let alive = sleep(ALIVE);
        let mut alive = std::pin::pin!(alive);
        let mut left_out = 0;
        loop {
            let next = tokio::select! {
                biased;
                () = reader.ended() => return None,
                next = following.next() => next,
                () = &mut alive => {
                    // With where he stands: what was left out needs not be looked through again.
                    let id = following.position().to_string();
                    return Some(sse::Event::default().id(id).comment("alive"));
                }
            };
            match next {
                Next::Happened(position, happening) if filter.fits(&happening) => {
                    return Some(happened(&position.to_string(), &happening));
                }
                Next::Happened(..) => left_out += 1,
                // He may come back, and is told of the gap then.
                Next::Behind | Next::Ended => return None,
            }
            if left_out % LEFT_OUT_MAX == 0 {
                yield_now().await;
            }
        }
    }
}

impl Filter {
    fn fits(&self, happening: &Happening) -> bool {
        let Happening { broadcast, route, what, .. } = happening;
        // Whoever is bound to routes is told nothing else.
        let reaches = match broadcast {
            Some(_) => self.caller.reaches(route.as_deref()),
            None => self.caller.routes().is_none(),
        };
        reaches
            && self.route.as_ref().is_none_or(|wanted| route.as_ref() == Some(wanted))
            && self.target.as_ref().is_none_or(|wanted| what.concerns(wanted))
            && (self.kinds.is_empty() || self.kinds.iter().any(|kind| kind == what.code()))
    }
}
