//! All that the daemon can be asked.

use serde_json::{Map, Value};

use super::{
    operation::{Operation, bytes, get, of, options, post},
    parameter::{
        attributes, baggage, broadcasts, dead_letters, happenings, idempotency_key, last_event_id,
        origin, prefer, trace, until,
    },
};
use crate::{
    daemon::{
        Need, ProblemKind as Kind, broadcasts as sent, callers::Scope, cloud_events,
        dead_letters as dead, events, health, metrics, openapi, reload, targets,
    },
    wire::{
        Report,
        listing::{
            Accepted, Broadcasts, DeadLetters, Discarded, Readiness, Reloaded, Replayed, Routes,
            Targets,
        },
        request::{self, Discard, Event, Replay, ReplayAll},
    },
};

const SEND: Need = Need::Scope(Scope::Send);
const READ: Need = Need::Scope(Scope::Read);
const OPERATE: Need = Need::Scope(Scope::Operate);

/// What concerns more than some routes.
const READ_ALL: Need = Need::Whole(Scope::Read);
const OPERATE_ALL: Need = Need::Whole(Scope::Operate);

const APPLIED: (&str, &str) = ("Preference-Applied", "What was followed of `Prefer`.");

/// Of an answer with a report.
const REPORT_HEADS: &[(&str, &str)] = &[APPLIED];

/// Of an answer before there is a report.
const ACCEPTED_HEADS: &[(&str, &str)] = &[("Location", "The path of the report."), APPLIED];

const IN_TIME: &str = "The verdict has fallen in time: satisfied or not.";
const ACCEPTED: &str = "It is accepted, and written down; the report is found at `location`.";

/// Whoever reads them finds what each of them says in `schemas/event.schema.json`.
const STREAM: &str = "Server-sent events; their data is JSON.";

const EVENTS: &str = "/v1/routes/{route}/events";

/// What may become of something that is written down.
const WRITING: &[Kind] =
    &[Kind::Full, Kind::JournalUnavailable, Kind::OutcomeUnknown, Kind::ShuttingDown];

/// What may become of something that is looked up.
const READING: &[Kind] = &[Kind::JournalUnavailable];

/// The table from which the router and the description are made.
pub(in crate::daemon) fn operations() -> Vec<Operation> {
    [of_broadcasts(), of_dead_letters(), of_targets(), of_the_daemon()]
        .into_iter()
        .flatten()
        .collect()
}

fn of_broadcasts() -> Vec<Operation> {
    let (id, path) = ("/v1/broadcasts/{id}", "/v1/broadcasts");
    vec![
        post(SEND, path, "sendBroadcast", sent::send)
            .says("Sends one payload to the targets of a route, or of a list.")
            .with([prefer(), idempotency_key()])
            .with(trace())
            .with([baggage()])
            .takes::<request::Send>()
            .answers::<Report>(200, IN_TIME)
            .heads(REPORT_HEADS)
            .answers::<Accepted>(202, ACCEPTED)
            .heads(ACCEPTED_HEADS)
            .fails(&[Kind::KeyInUse, Kind::KeyReused, Kind::PayloadInvalid])
            .fails(WRITING),
        get(READ, path, "listBroadcasts", sent::list)
            .says("Lists broadcasts, the newest first.")
            .with(broadcasts())
            .answers::<Broadcasts>(200, "A page.")
            .fails(&[Kind::InvalidRequest])
            .fails(READING),
        get(READ, id, "viewBroadcast", sent::view)
            .says("Gives the report of a broadcast, as it stands.")
            .with([until(), prefer()])
            .answers::<Report>(200, "The report.")
            .heads(REPORT_HEADS)
            .fails(&[Kind::InvalidRequest, Kind::NotFound])
            .fails(READING),
        get(READ, "/v1/broadcasts/{id}/events", "followBroadcast", events::of_broadcast)
            .says("Streams what happened and what happens to a broadcast, until it has settled.")
            .with([last_event_id()])
            .answers_text(200, STREAM, "text/event-stream")
            .answers_nothing(204, "There is nothing more to come.")
            .fails(&[Kind::InvalidRequest, Kind::NotFound, Kind::Full, Kind::ShuttingDown])
            .fails(READING),
        post(OPERATE, "/v1/broadcasts/{id}/cancel", "cancelBroadcast", sent::cancel)
            .says("Ends what has not ended of a broadcast.")
            .with([prefer()])
            .answers::<Report>(200, IN_TIME)
            .heads(REPORT_HEADS)
            .answers::<Accepted>(202, "It is being ended.")
            .heads(ACCEPTED_HEADS)
            .fails(&[Kind::NotFound])
            .fails(WRITING),
        post(OPERATE, "/v1/broadcasts/{id}/replay", "replayBroadcast", sent::replay)
            .says("Sends the dead letters of a broadcast again, as a broadcast of its own.")
            .with([prefer()])
            .with(trace())
            .may_take::<Replay>()
            .answers::<Report>(200, IN_TIME)
            .heads(REPORT_HEADS)
            .answers::<Accepted>(202, ACCEPTED)
            .heads(ACCEPTED_HEADS)
            .fails(&[Kind::NotFound, Kind::NothingToReplay])
            .fails(WRITING),
    ]
}

fn of_dead_letters() -> Vec<Operation> {
    vec![
        get(READ, "/v1/dead-letters", "listDeadLetters", dead::list)
            .says("Lists deliveries that ended without success, the newest first.")
            .with(dead_letters())
            .answers::<DeadLetters>(200, "A page.")
            .fails(&[Kind::InvalidRequest])
            .fails(READING),
        post(OPERATE, "/v1/dead-letters/replay", "replayDeadLetters", dead::replay)
            .says("Sends all dead letters that fit again.")
            .takes::<ReplayAll>()
            .answers::<Replayed>(200, "What is sent again.")
            .answers::<Replayed>(202, "What is sent again from now on.")
            .fails(WRITING),
        post(OPERATE, "/v1/dead-letters/discard", "discardDeadLetters", dead::discard)
            .says("Takes all dead letters that fit off the list.")
            .takes::<Discard>()
            .answers::<Discarded>(200, "What is taken off.")
            .fails(WRITING),
    ]
}

fn of_targets() -> Vec<Operation> {
    vec![
        get(READ, "/v1/routes", "listRoutes", targets::routes)
            .says("Lists the routes of the configuration.")
            .answers::<Routes>(200, "All routes."),
        post(SEND, EVENTS, "sendEvent", cloud_events::receive)
            .says("Sends the data of an event along a route: CloudEvents 1.0, binary or structured.")
            .with([prefer(), idempotency_key()])
            .with(trace())
            .with([baggage()])
            .with(attributes())
            .takes_any(&[("application/cloudevents+json", of::<Event>), ("application/json", of::<Value>), ("application/octet-stream", bytes)], true)
            .answers::<Report>(200, IN_TIME)
            .heads(REPORT_HEADS)
            .answers::<Accepted>(202, ACCEPTED)
            .heads(ACCEPTED_HEADS)
            .fails(&[Kind::NotFound, Kind::KeyInUse, Kind::KeyReused, Kind::PayloadInvalid])
            .fails(WRITING),
        options(SEND, EVENTS, "askToSendEvents", cloud_events::handshake)
            .says("Says that events may be sent: the handshake of the webhook specification of CloudEvents.")
            .with([origin()])
            .answers_nothing(204, "They may.")
            .heads(&[("Allow", "The methods."), ("WebHook-Allowed-Origin", "Who has asked.")])
            .fails(&[Kind::NotFound]),
        get(READ, "/v1/targets", "listTargets", targets::list)
            .says("Lists the targets, and how they stand.")
            .answers::<Targets>(200, "All targets.")
            .fails(READING),
        post(OPERATE_ALL, "/v1/targets/{name}/pause", "pauseTarget", targets::pause)
            .says("Holds the attempts of a target back.")
            .answers_nothing(204, "It is paused.")
            .fails(&[Kind::NotFound])
            .fails(WRITING),
        post(OPERATE_ALL, "/v1/targets/{name}/resume", "resumeTarget", targets::resume)
            .says("Lets the attempts of a target through again.")
            .answers_nothing(204, "It goes on.")
            .fails(&[Kind::NotFound])
            .fails(WRITING),
        post(OPERATE_ALL, "/v1/targets/{name}/revive", "reviveTarget", targets::revive)
            .says("Lets attempts through again after the target asked not to be called, or has failed.")
            .answers_nothing(204, "It goes on.")
            .fails(&[Kind::NotFound])
            .fails(WRITING),
    ]
}

fn of_the_daemon() -> Vec<Operation> {
    const METRICS: &str = prometheus::TEXT_FORMAT;
    vec![
        get(READ, "/v1/events", "follow", events::of_all)
            .says("Streams what happens.")
            .with(happenings())
            .with([last_event_id()])
            .answers_text(200, STREAM, "text/event-stream")
            .fails(&[Kind::InvalidRequest, Kind::NotFound, Kind::Full, Kind::ShuttingDown]),
        get(Need::Nothing, "/healthz", "health", health::healthz)
            .says("Says that the process answers.")
            .answers_text(200, "It does.", "text/plain"),
        get(Need::Nothing, "/readyz", "readiness", health::readyz)
            .says("Says whether broadcasts are accepted.")
            .answers::<Readiness>(200, "They are.")
            .answers::<Readiness>(503, "They are not."),
        post(OPERATE_ALL, "/v1/reload", "reload", reload::reload)
            .says("Reads the configuration again, and takes it over where it is right.")
            .answers::<Reloaded>(200, "What has changed.")
            .fails(&[Kind::ConfigurationRefused, Kind::NotFound])
            .fails(&[Kind::JournalUnavailable, Kind::ShuttingDown]),
        get(READ_ALL, "/metrics", "metrics", metrics::metrics)
            .says("Tells the metrics for Prometheus.")
            .answers_text(200, "All metrics.", METRICS)
            .fails(&[Kind::NotFound]),
        get(READ, "/openapi.json", "description", openapi::serve)
            .says("Gives this description.")
            .answers::<Map<String, Value>>(200, "OpenAPI 3.1."),
    ]
}
