//! The payload and the durations of a command line.

use std::{
    fs::File,
    io::{self, Read},
    time::Duration,
};

use fanfare_sdk::{Payload, Span};

use super::{args::SendArgs, plan::Wrong};
use crate::engine::Limits;

/// Reads the duration of an option.
pub(super) fn span(option: &str, text: &str) -> Result<Duration, String> {
    Span::parse(text).map(|Span(read)| read).map_err(|says| format!("{option}: {says}"))
}

/// The payload, which is JSON unless its media type says otherwise.
pub(super) fn payload(
    args: &SendArgs,
    content_type: Option<&str>,
    wrong: &mut Wrong,
) -> Option<Payload> {
    let without = ["GET", "HEAD"].contains(&args.method.as_str());
    let typed = match (&args.payload, without) {
        (Some(_), true) => {
            wrong.0.push(format!(
                "a {} carries no payload: leave it out, or use another --method",
                args.method
            ));
            return None;
        }
        (None, true) => return Some(Payload::new("application/octet-stream", "")),
        (None, false) => {
            wrong.0.push(
                "no payload: give it as it is, as `@FILE`, or as `-` for standard input".into(),
            );
            return None;
        }
        (Some(typed), false) => typed,
    };
    let bytes = wrong.take(read(typed))?;
    let content_type = args.content_type.as_deref().or(content_type).unwrap_or("application/json");
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || essence.ends_with("+json") {
        wrong.take(is_json(&bytes))?;
    }
    Some(Payload::new(content_type, bytes))
}

fn is_json(bytes: &[u8]) -> Result<(), String> {
    match serde_json::from_slice::<serde::de::IgnoredAny>(bytes) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!(
            "the payload is not JSON ({error}): mend it, or say what it is with --content-type text/plain"
        )),
    }
}

fn read(typed: &str) -> Result<Vec<u8>, String> {
    let (what, source): (_, Box<dyn Read>) = match typed.strip_prefix('@') {
        Some(path) => {
            let file = File::open(path)
                .map_err(|error| format!("the payload's file `{path}`: {error}"))?;
            (format!("the payload's file `{path}`"), Box::new(file))
        }
        None if typed == "-" => ("standard input".to_owned(), Box::new(io::stdin().lock())),
        None => return Ok(typed.as_bytes().to_vec()),
    };
    let mut bytes = Vec::new();
    let bytes_max = Limits::default().payload_bytes_max as u64;
    let read = source.take(bytes_max + 1).read_to_end(&mut bytes);
    read.map_err(|error| format!("{what}: {error}"))?;
    if bytes.len() as u64 > bytes_max {
        return Err(format!("{what}: more than {} MiB", bytes_max >> 20));
    }
    Ok(bytes)
}
