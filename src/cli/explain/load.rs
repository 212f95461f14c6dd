//! `--load` and `--outage`, read as people type them.

use std::time::Duration;

use fanfare_sdk::{Endpoint, Span};

use crate::{
    cli::script,
    policy::rehearse::{Answer, Load, LoadError, Outage, Scripted},
};

const LOAD_RIGHT: &str = "`10/s for 1m` or `500 at once` would be right";
const OUTAGE_RIGHT: &str = "`crm: down from 10s to 3m` would be right";

/// Reads `10/s for 1m` or `500 at once`.
pub(super) fn load(text: &str) -> Result<Load, String> {
    let wrong = || format!("--load: `{text}`: {LOAD_RIGHT}");
    let says = |error: LoadError| format!("--load: `{text}`: {error}");
    if let Some(count) = text.trim().strip_suffix("at once") {
        return Load::at_once(count.trim().parse().map_err(|_| wrong())?).map_err(says);
    }
    let (rate, lasts) = text.split_once(" for ").ok_or_else(wrong)?;
    let (rate, per) = rate.split_once('/').ok_or_else(wrong)?;
    let rate = rate.trim().parse().map_err(|_| wrong())?;
    let per = per.trim();
    // `10/s` is ten in one second.
    let per = if per.starts_with(|c: char| c.is_ascii_digit()) {
        per.to_owned()
    } else {
        format!("1{per}")
    };
    let Span(per) = Span::parse(&per).map_err(|_| wrong())?;
    let Span(lasts) = Span::parse(lasts).map_err(|says| format!("--load: {says}"))?;
    Load::steady(rate, per, lasts).map_err(says)
}

/// An outage as it is typed: of whom, and what. Who that is nobody has checked yet.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Typed {
    pub(super) target: String,
    pub(super) endpoint: Option<String>,
    does: Scripted,
    during: Option<(Duration, Duration)>,
    percent: u8,
}

/// Reads `crm: down from 10s to 3m`; `usually` is how an API answers that is only slow.
pub(super) fn outage(option: &str, text: &str, usually: &Scripted) -> Result<Typed, Vec<String>> {
    let told = |says: String| format!("{option}: {says}");
    let Some((who, what)) = text.split_once(": ").filter(|(_, what)| !what.trim().is_empty())
    else {
        return Err(vec![told(format!("`{text}`: {OUTAGE_RIGHT}"))]);
    };
    let (target, endpoint) = match who.split_once(" at ") {
        Some((target, endpoint)) => (target.trim(), Some(endpoint.trim().to_owned())),
        None => (who.trim(), None),
    };
    let words: Vec<_> = what.split_whitespace().collect();
    let (what, time) =
        words.split_at(words.iter().position(|word| *word == "from").unwrap_or(words.len()));
    let mut wrong = Vec::new();
    let mut take = |says: String| wrong.push(told(says));
    let during = during(time).map_err(|says| says.into_iter().for_each(&mut take)).ok().flatten();
    let (shares, what): (Vec<&str>, Vec<&str>) =
        what.iter().partition(|word| word.ends_with('%') && !word.contains('='));
    let percent = percent(&shares).map_err(&mut take).unwrap_or_default();
    let does = does(&what, usually).map_err(&mut take).ok();
    match does {
        Some(does) if wrong.is_empty() => {
            Ok(Typed { target: target.to_owned(), endpoint, does, during, percent })
        }
        _ => Err(wrong),
    }
}

impl Typed {
    /// The outage, at that endpoint.
    pub(super) fn at(self, endpoint: Option<Endpoint>) -> Outage {
        let Self { target, does, during, percent, .. } = self;
        let outage = match during {
            Some((from, to)) => Outage::new(target.as_str(), does, from..to),
            None => Outage::always(target.as_str(), does),
        };
        let outage = outage.percent(percent);
        match endpoint {
            Some(endpoint) => outage.at(endpoint),
            None => outage,
        }
    }
}

fn during(words: &[&str]) -> Result<Option<(Duration, Duration)>, Vec<String>> {
    let (from, to) = match words {
        [] => return Ok(None),
        ["from", from, "to", to] => (Span::parse(from), Span::parse(to)),
        words => {
            let says = format!("`{}`: `from 10s to 3m` would be right", words.join(" "));
            return Err(vec![says]);
        }
    };
    match (from, to) {
        (Ok(Span(from)), Ok(Span(to))) if from < to => Ok(Some((from, to))),
        (Ok(_), Ok(_)) => Err(vec![format!("`{}`: it ends before it begins", words.join(" "))]),
        (from, to) => Err([from.err(), to.err()].into_iter().flatten().collect()),
    }
}

fn percent(words: &[&str]) -> Result<u8, String> {
    let read = |word: &str| word.trim_end_matches('%').parse().ok().filter(|it| *it <= 100_u8);
    match words {
        [] => Ok(100),
        [word] => read(word).ok_or_else(|| format!("`{word}`: `0%` to `100%` would be right")),
        words => Err(format!("`{}`: one share is enough", words.join(" "))),
    }
}

fn does(words: &[&str], usually: &Scripted) -> Result<Scripted, String> {
    match words {
        [] => {
            Err("what the API does is missing: `down`, `slow 3s` or `503` would be right"
                .to_owned())
        }
        ["down", rest @ ..] => {
            let does = script::answer(&[&["refused"], rest].concat().join(" "))?;
            Ok(Scripted { answer: Answer::Refused, ..does })
        }
        ["slow", wait] => Ok(usually.clone().after(Span::parse(wait)?.0)),
        ["slow", ..] => Err("`slow 3s` would be right".to_owned()),
        words => script::answer(&words.join(" ")).map_err(|says| {
            says.replace("a status, `hang`", "`down`, `slow 3s`, a status, `hang`")
        }),
    }
}
