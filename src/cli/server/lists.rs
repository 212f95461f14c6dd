//! `fanfare broadcasts`, `dead-letters`, `replay` and `targets`.

use std::{future::Future, io};

use serde_json::{Map, Value};
use url::form_urlencoded;

use super::{
    args::{BroadcastsArgs, DeadLettersArgs, LetterArgs, ReplayArgs, TargetsArgs},
    client::{Client, Failed},
    send::shown,
    table::table,
};
use crate::{
    cli::{
        args::Output,
        output::{complain, print, warn},
        run::Status,
        runtime,
    },
    wire::{
        Reason, Report,
        listing::{Broadcasts, DeadLetters, Discarded, Replayed, Targets},
    },
};

/// Runs a command, and says what went wrong.
pub(in crate::cli) fn run(
    work: impl Future<Output = Result<Status, Failed>>,
) -> io::Result<Status> {
    Ok(runtime::run(work)?.unwrap_or_else(|(status, says)| {
        complain(&says);
        status
    }))
}

/// Writes a result.
pub(in crate::cli) fn say(text: &str) -> Result<(), Failed> {
    print(text).map_err(|error| (Status::OurFault, vec![format!("cannot write: {error}")]))
}

/// `fanfare broadcasts`
pub(in crate::cli) fn broadcasts(args: &BroadcastsArgs) -> io::Result<Status> {
    run(async {
        let client = Client::new(&args.server.server, &args.server.credentials)?;
        if let Some(id) = &args.id {
            return one(args, &client, id).await;
        }
        let limit = args.limit.to_string();
        let path = path(
            "/v1/broadcasts",
            &[
                ("route", args.route.as_deref()),
                ("target", args.target.as_deref()),
                ("state", args.state.as_deref()),
                ("verdict", args.verdict.as_deref()),
                ("from", args.from.as_deref()),
                ("until", args.until.as_deref()),
                ("limit", Some(&limit)),
                ("cursor", args.cursor.as_deref()),
            ],
        );
        let answer = client.get(&path).await?;
        if args.server.output == Output::Json {
            say(&answer.pretty()?)?;
            return Ok(Status::Satisfied);
        }
        let page: Broadcasts = answer.read()?;
        let row = |it: &crate::wire::listing::Summary| {
            let verdict = it.verdict.as_deref().unwrap_or("open");
            let by = it.completed_by.as_deref().map(|by| format!("by {by}")).unwrap_or_default();
            let state = if it.settled_at.is_some() { "settled" } else { "open" };
            let replay = it.replay_of.as_ref().map(|of| format!("replays {of}"));
            let notice = it.notice_of.as_ref().map(|of| format!("tells of {of}"));
            [
                it.id.clone(),
                seconds(&it.accepted_at),
                it.route.clone().unwrap_or_else(|| "-".to_owned()),
                state.to_owned(),
                verdict.to_owned(),
                by,
                replay.or(notice).unwrap_or_default(),
            ]
        };
        let rows: Vec<_> = page.broadcasts.iter().map(row).collect();
        say(&table(&rows))?;
        more(page.next.as_deref())
    })
}

async fn one(args: &BroadcastsArgs, client: &Client, id: &str) -> Result<Status, Failed> {
    let id: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
    let path = format!("/v1/broadcasts/{id}");
    if args.cancel {
        client.post(&format!("{path}/cancel"), &Value::Object(Map::new())).await?;
    }
    let report: Report = client.get(&path).await?.read()?;
    say(&shown(args.server.output, &report))?;
    Ok(Status::Satisfied)
}

/// `fanfare dead-letters`
pub(in crate::cli) fn dead_letters(args: &DeadLettersArgs) -> io::Result<Status> {
    run(async {
        let client = Client::new(&args.server.server, &args.server.credentials)?;
        if args.discard {
            let mut body = selection(&args.letters);
            body.insert("dry_run".to_owned(), args.dry_run.into());
            let answer = client.post("/v1/dead-letters/discard", &body.into()).await?;
            let told: Discarded = answer.read()?;
            let text = match args.server.output {
                Output::Json => answer.pretty()?,
                Output::Text => {
                    let would = if told.dry_run { "would be taken" } else { "taken" };
                    format!("{} {would} off the list{}\n", told.dead_letters, ask_again(told.more))
                }
            };
            say(&text)?;
            return Ok(Status::Satisfied);
        }
        let LetterArgs { broadcast, target, route, outcome, reason, from, until, limit } =
            &args.letters;
        let limit = limit.unwrap_or(20).to_string();
        let path = path(
            "/v1/dead-letters",
            &[
                ("broadcast", broadcast.as_deref()),
                ("target", target.as_deref()),
                ("route", route.as_deref()),
                ("outcome", outcome.as_deref()),
                ("reason", reason.as_deref()),
                ("from", from.as_deref()),
                ("until", until.as_deref()),
                ("limit", Some(&limit)),
                ("cursor", args.cursor.as_deref()),
            ],
        );
        let answer = client.get(&path).await?;
        if args.server.output == Output::Json {
            say(&answer.pretty()?)?;
            return Ok(Status::Satisfied);
        }
        let page: DeadLetters = answer.read()?;
        let row = |it: &crate::wire::listing::DeadLetter| {
            [
                seconds(&it.settled_at),
                it.outcome.to_string(),
                it.target.clone(),
                it.broadcast.clone(),
                it.route.clone().unwrap_or_else(|| "-".to_owned()),
                it.reason.as_ref().map(why).unwrap_or_default(),
            ]
        };
        let rows: Vec<_> = page.dead_letters.iter().map(row).collect();
        say(&table(&rows))?;
        more(page.next.as_deref())
    })
}

/// The reason, and what the API said.
fn why(reason: &Reason) -> String {
    let said = reason.said.as_ref().map(|said| said.line()).unwrap_or_default();
    let colon = if said.is_empty() { "" } else { ": " };
    format!("{}{colon}{said}", reason.message)
}

/// `fanfare replay`
pub(in crate::cli) fn replay(args: &ReplayArgs) -> io::Result<Status> {
    run(async {
        let client = Client::new(&args.server.server, &args.server.credentials)?;
        let mut body = selection(&args.letters);
        body.insert("dry_run".to_owned(), args.dry_run.into());
        body.extend(args.rate.map(|rate| ("rate".to_owned(), rate.into())));
        let answer = client.post("/v1/dead-letters/replay", &body.into()).await?;
        let told: Replayed = answer.read()?;
        let text = match args.server.output {
            Output::Json => answer.pretty()?,
            Output::Text => said(&told, args.rate),
        };
        say(&text)?;
        complain(
            &told
                .refused
                .iter()
                .map(|it| format!("{}: {}", it.replay_of, it.detail))
                .collect::<Vec<_>>(),
        );
        Ok(if told.refused.is_empty() { Status::Satisfied } else { Status::Unsatisfied })
    })
}

fn said(told: &Replayed, rate: Option<u32>) -> String {
    let rows: Vec<_> = told
        .replays
        .iter()
        .map(|it| [it.replay_of.clone(), format!("again as {}", it.id)])
        .collect();
    let verb = match (told.dry_run, rate) {
        (true, _) => "would be sent again".to_owned(),
        (false, None) => "sent again".to_owned(),
        (false, Some(rate)) => format!("are sent again, {rate} a second"),
    };
    let mut text = format!("{}{} {verb}", table(&rows), told.dead_letters);
    if told.in_doubt > 0 {
        let left = format!("; {} left, which may have been applied: ", told.in_doubt);
        text += &(left + "`--outcome indeterminate` names them");
    }
    format!("{text}{}\n", ask_again(told.more))
}

/// `fanfare targets --server`
pub(in crate::cli) fn targets(args: &TargetsArgs, server: &str) -> io::Result<Status> {
    run(async {
        let client = Client::new(server, &args.credentials)?;
        let levers = [("pause", &args.pause), ("resume", &args.resume), ("revive", &args.revive)];
        for (lever, name) in levers {
            let Some(name) = name else { continue };
            let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
            client.post(&format!("/v1/targets/{name}/{lever}"), &Value::Object(Map::new())).await?;
        }
        let answer = client.get("/v1/targets").await?;
        let text = match args.output {
            Output::Json => answer.pretty()?,
            Output::Text => {
                let row = |it: &crate::wire::listing::Target| {
                    [
                        it.name.clone(),
                        it.kind.clone(),
                        it.state.to_string(),
                        format!("{} open", it.open),
                        format!("{} waiting at the gate", it.at_gate),
                        format!("{} in flight", it.in_flight),
                    ]
                };
                let targets: Targets = answer.read()?;
                table(&targets.targets.iter().map(row).collect::<Vec<_>>())
            }
        };
        say(&text)?;
        Ok(Status::Satisfied)
    })
}

/// A name or an id, as it stands in a path.
pub(in crate::cli) fn segment(name: &str) -> String {
    form_urlencoded::byte_serialize(name.as_bytes()).collect()
}

/// A path with the parameters that were typed.
pub(super) fn path(path: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    format!("{path}?{}", query.finish())
}

fn selection(letters: &LetterArgs) -> Map<String, Value> {
    let LetterArgs { broadcast, target, route, outcome, reason, from, until, limit } = letters;
    let typed = [
        ("broadcast", broadcast),
        ("target", target),
        ("route", route),
        ("outcome", outcome),
        ("reason", reason),
        ("from", from),
        ("until", until),
    ];
    let typed = typed
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), Value::from(value.as_deref()?))));
    let limit = limit.map(|limit| ("limit".to_owned(), limit.into()));
    typed.chain(limit).collect()
}

fn ask_again(more: bool) -> &'static str {
    if more { "; there are more: ask again" } else { "" }
}

/// Where the list goes on.
fn more(next: Option<&str>) -> Result<Status, Failed> {
    if let Some(next) = next {
        warn(&format!("there are more: --cursor {next}"));
    }
    Ok(Status::Satisfied)
}

/// A time without what is below a second.
fn seconds(time: &str) -> String {
    match time.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => time.to_owned(),
    }
}
