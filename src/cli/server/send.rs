//! `fanfare send --server`: a daemon sends, and this waits for what becomes of it.

use std::{io, time::Duration};

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value};
use tokio::{signal::ctrl_c, time::sleep};

use super::{
    client::{Client, Failed, Trouble},
    lists::{run, say},
};
use crate::{
    cli::{
        args::{Output, SendArgs},
        output::complain,
        payload::payload,
        plan::Wrong,
        run::Status,
        text,
        width::tame_json,
    },
    engine::Entropy,
    report::hex,
    wire::{Report, State, listing::Accepted},
};

/// How often a request is made again that got no answer: with the same key, so that it does no harm.
const REPEATS: u32 = 3;

/// The pause before it is.
const REPEAT_AFTER: Duration = Duration::from_millis(500);

/// Hands a broadcast to a daemon, waits until it has settled, and prints its report.
pub(in crate::cli) fn send(args: &SendArgs, server: &str) -> io::Result<Status> {
    let body = match body(args) {
        Ok(body) => body,
        Err(problems) => {
            complain(&problems);
            return Ok(Status::WrongUsage);
        }
    };
    run(async {
        let mut client = Client::new(server, &args.credentials)?;
        let key = args.idempotency_key.clone();
        let key = key.unwrap_or_else(|| hex(&Entropy::system().bytes()));
        client.continue_trace();
        let mut watcher = Client::new(server, &args.credentials)?;
        watcher.header("prefer", "wait=60")?;
        let quoted = key.replace('\\', "\\\\").replace('"', "\\\"");
        client.header("idempotency-key", &format!("\"{quoted}\""))?;
        let id = accepted(&client, &body).await?;
        let path = format!("/v1/broadcasts/{id}?until=settled");
        let watching = async {
            loop {
                let report: Report = watcher.get(&path).await?.read()?;
                if report.state == State::Settled {
                    return Ok(report);
                }
            }
        };
        let report: Report = tokio::select! {
            settled = watching => settled?,
            _ = ctrl_c() => {
                complain(&[format!("interrupted: broadcast {id} goes on; `fanfare broadcasts {id} --cancel` ends it")]);
                return Ok(Status::Interrupted);
            }
        };
        say(&shown(args.output, &report))?;
        let satisfied = report.verdict.as_deref() == Some("satisfied");
        Ok(if satisfied { Status::Satisfied } else { Status::Unsatisfied })
    })
}

/// Asks until there is an answer.
async fn accepted(client: &Client, body: &Bytes) -> Result<String, Failed> {
    let mut repeats = 0;
    loop {
        match client.try_post("/v1/broadcasts", body.clone()).await {
            Ok(answer) if answer.status == StatusCode::ACCEPTED => {
                return Ok(answer.read::<Accepted>()?.id);
            }
            Ok(answer) => return Ok(answer.read::<Report>()?.id),
            Err(Trouble::MayBeRepeated(_)) if repeats < REPEATS => {
                repeats += 1;
                sleep(REPEAT_AFTER).await;
            }
            Err(trouble) => return Err(trouble.end()),
        }
    }
}

/// What is asked for, as the daemon reads it.
fn body(args: &SendArgs) -> Result<Bytes, Vec<String>> {
    let mut wrong = Wrong::default();
    let payload = payload(args, None, &mut wrong);
    if args.route.is_none() && args.target.is_empty() {
        wrong.0.push("nobody to send to: add `--route NAME` or `--target NAME`".to_owned());
    }
    let is_json = args.content_type.as_deref().is_none_or(|it| it == "application/json");
    if !is_json {
        wrong.0.push("--content-type: a daemon takes `application/json` only".to_owned());
    }
    let Some(payload) = payload.filter(|_| wrong.0.is_empty()) else { return Err(wrong.0) };
    let mut asked = Map::new();
    asked.extend(args.route.as_ref().map(|route| ("route".to_owned(), route.as_str().into())));
    if !args.target.is_empty() {
        asked.insert("to".to_owned(), args.target.clone().into());
    }
    if let Some(deadline) = &args.deadline {
        asked.insert("deadline".to_owned(), deadline.as_str().into());
        asked.insert("rest".to_owned(), "cancel".into());
    }
    // The payload as it was typed: not written anew.
    let head = Value::Object(asked).to_string();
    let mut body = head.into_bytes();
    body.pop();
    body.extend_from_slice(b",\"payload\":");
    body.extend_from_slice(payload.bytes());
    body.push(b'}');
    Ok(body.into())
}

/// A report, as it is printed.
pub(super) fn shown(output: Output, report: &Report) -> String {
    match output {
        Output::Text => text::report(report),
        Output::Json => {
            let json = serde_json::to_string_pretty(report).unwrap_or_default();
            format!("{}\n", tame_json(&json))
        }
    }
}
