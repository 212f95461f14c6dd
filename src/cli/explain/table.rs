//! What came of a load, for people: tables.

use std::time::Duration;

use crate::{
    cli::{
        text::{millis, style},
        width::{columns, padded, tame},
    },
    policy::rehearse::{ApiSummary, Change, Peak, RouteRehearsed, Spread, VerdictCount},
    wire::origin,
};

/// Changes of breakers that are told; of a breaker that opens for hours, the first ones tell how it goes.
const CHANGES_MAX: usize = 8;

/// From here on seconds are no longer easily read.
const READABLE: Duration = Duration::from_secs(120);

/// The verdicts, and a table each for outcomes, times, what the APIs saw, and waits.
pub(super) fn tell(played: &RouteRehearsed) -> String {
    let apis: Vec<_> = seen(played).collect();
    let mut text = verdicts(played);
    text += &outcomes(played);
    text += &times(played);
    let rows: Vec<_> = apis.iter().map(|api| load(api)).collect();
    let heads = ["API", "requests", "repeats", "accepted", "busiest second", "in flight", "open"];
    text += &table(&heads, &rows);
    text += &waits(&apis);
    for api in apis.iter().filter(|api| !api.breaker.is_empty()) {
        text += &format!("\n{}\n", breaker(api));
    }
    if played.unsettled > 0 {
        text += &format!("\ngiven up: {} deliveries were still open\n", played.unsettled);
    }
    text
}

/// The recipients, and whoever else was asked.
pub(super) fn seen(played: &RouteRehearsed) -> impl Iterator<Item = &ApiSummary> {
    let recipients = played.recipients.len();
    let asked =
        move |(place, api): &(usize, &ApiSummary)| *place < recipients || api.open.count > 0;
    played.apis.iter().enumerate().filter(asked).map(|(_, api)| api)
}

fn verdicts(played: &RouteRehearsed) -> String {
    let verdict = |it: &VerdictCount| {
        let word = if it.satisfied { "satisfied" } else { "unsatisfied" };
        format!("{} {word} ({})", it.count, it.by.code())
    };
    let verdicts: Vec<_> = played.verdicts.iter().map(verdict).collect();
    let lasted = span(played.lasted);
    let broadcasts = plural(played.broadcasts, "broadcast");
    format!("{broadcasts}, all settled after {lasted}: {}\n", verdicts.join(", "))
}

fn outcomes(played: &RouteRehearsed) -> String {
    let mut rows = Vec::new();
    for recipient in &played.recipients {
        for count in &recipient.outcomes {
            let reason = count.reason.map(|reason| reason.to_string()).unwrap_or_default();
            let (target, outcome) = (recipient.target.to_string(), count.outcome.to_owned());
            rows.push([outcome, target, count.count.to_string(), reason]);
        }
    }
    table(&["outcome", "recipient", "count", "why"], &rows)
}

fn times(played: &RouteRehearsed) -> String {
    let row =
        |name: String, spread: Spread| [name, span(spread.p50), span(spread.p95), span(spread.max)];
    let recipients = played.recipients.iter();
    let recipients = recipients.map(|it| row(it.target.to_string(), it.settled_after));
    let mut rows: Vec<_> = recipients.collect();
    if played.recipients.len() > 1 {
        rows.push(row("(verdict)".to_owned(), played.verdict_after));
    }
    table(&["settled after", "50 %", "95 %", "100 %"], &rows)
}

fn load(api: &ApiSummary) -> [String; 7] {
    let at = |peak: Peak| match peak.count {
        0 => "0".to_owned(),
        count => format!("{count} at {}", span(peak.at)),
    };
    let [requests, repeats, accepted] =
        [api.attempts, api.retries + api.hedges, api.accepted].map(|count| count.to_string());
    let name = api.target.to_string();
    [name, requests, repeats, accepted, at(api.busiest), at(api.in_flight), at(api.open)]
}

fn waits(apis: &[&ApiSummary]) -> String {
    let mut rows = Vec::new();
    for api in apis {
        for wait in &api.waits {
            let why = wait.why.code().replace('_', " ");
            let (often, longest) = (wait.count.to_string(), span(wait.longest));
            rows.push([why, api.target.to_string(), often, longest, span(wait.total)]);
        }
    }
    if rows.is_empty() {
        return String::new();
    }
    table(&["waited for", "before", "how often", "longest", "all together"], &rows)
}

/// `breaker of crm: open at 10.3 s, closed at 1m40s`; whose endpoint it is only where there are several.
fn breaker(api: &ApiSummary) -> String {
    let several = api.breaker.iter().any(|it| it.endpoint != api.breaker[0].endpoint);
    let change = |it: &Change| {
        let endpoint = it.endpoint.as_ref().filter(|_| several);
        let endpoint = endpoint.map(|it| format!(" ({})", tame(&origin(it)))).unwrap_or_default();
        format!("{} at {}{endpoint}", it.to.code().replace('_', "-"), span(it.at))
    };
    let told: Vec<_> = api.breaker.iter().take(CHANGES_MAX).map(change).collect();
    let more = api.breaker.len().saturating_sub(CHANGES_MAX);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    format!("breaker of {}: {}{more}", tame(api.target.as_str()), told.join(", "))
}

/// A blank line, the heads, and the rows in columns; a first column of outcomes is coloured.
fn table<const N: usize>(heads: &[&str; N], rows: &[[String; N]]) -> String {
    let widths: Vec<usize> = (0..N)
        .map(|at| rows.iter().map(|row| columns(&row[at])).chain([columns(heads[at])]).max())
        .map(Option::unwrap_or_default)
        .collect();
    let line = |cells: Vec<String>| {
        let cells = cells.iter().zip(&widths).map(|(cell, width)| padded(&tame(cell), *width));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut text = format!("\n{}\n", line(heads.iter().map(|head| (*head).to_owned()).collect()));
    for row in rows {
        let told = line(row.to_vec());
        let told = match told.strip_prefix(row[0].as_str()) {
            Some(rest) if heads[0] == "outcome" => {
                let style = style(&row[0]);
                format!("{style}{}{style:#}{rest}", row[0])
            }
            _ => told,
        };
        text += &format!("{told}\n");
    }
    text
}

/// Three digits are enough for a person, and nobody divides by sixty.
fn span(span: Duration) -> String {
    if span < READABLE {
        return millis(span.as_secs_f64() * 1_000.0);
    }
    let seconds = span.as_secs();
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}m{seconds:02}s"),
        _ => format!("{hours}h{minutes:02}m"),
    }
}

fn plural(count: u32, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
