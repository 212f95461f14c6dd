//! One line per target, as it stands now.

use anstyle::{AnsiColor, Style};
use fanfare_sdk::Timestamp;

use super::{
    look::{Look, Mark},
    waits,
    words::{self, seconds},
};
use crate::{
    cli::{
        text,
        width::{columns, cut, cut_middle, padded, tame},
    },
    report::{AttemptRecord, Delivery, DeliveryState, Outcome, Report},
    wire,
};

/// A line for each target, none of them wider or all of them higher than the terminal.
pub(super) fn frame(report: &Report, now: Timestamp, look: Look) -> String {
    let shown = shown(report, look.rows.saturating_sub(1).max(1));
    let names = shown.iter().map(|delivery| columns(delivery.target.as_str())).max();
    // Long names leave room for what is said about them.
    let name_width = names.unwrap_or(0).min(look.columns.saturating_sub(2) / 2);
    let mut text = String::new();
    for delivery in &shown {
        text += &line(delivery, (report.accepted_at, now), name_width, look);
    }
    let left_out = report.deliveries.len() - shown.len();
    if left_out > 0 {
        let settled =
            report.deliveries.iter().filter(|d| d.state == DeliveryState::Settled).count();
        let all = report.deliveries.len();
        let says = format!("and {left_out} more; {settled} of {all} have settled");
        text += &format!("{}\n", cut(&says, room(look), look.ellipsis()));
    }
    text
}

/// The deliveries that have a line; those that are open come first where there are too many.
fn shown(report: &Report, rows_max: usize) -> Vec<&Delivery> {
    let all = &report.deliveries;
    if all.len() <= rows_max {
        return all.iter().collect();
    }
    let is_open = |delivery: &&Delivery| delivery.state != DeliveryState::Settled;
    let settled = all.iter().filter(|delivery| !is_open(delivery));
    all.iter().filter(is_open).chain(settled).take(rows_max.saturating_sub(1)).collect()
}

fn line(
    delivery: &Delivery,
    (accepted, now): (Timestamp, Timestamp),
    name_width: usize,
    look: Look,
) -> String {
    let (mark, style, says) = match delivery.state {
        DeliveryState::Pending => (Mark::Pending, DIM, begins(accepted, now)),
        DeliveryState::Waiting => (Mark::Waiting, YELLOW, waiting(delivery, now)),
        DeliveryState::InFlight => flying(delivery, now),
        DeliveryState::Settled => settled(delivery),
    };
    let name = cut_middle(&tame(delivery.target.as_str()), name_width, look.ellipsis());
    let head = format!("{}  ", padded(&name, name_width));
    let left = room(look).saturating_sub(2 + columns(&head));
    let says = cut(&tame(&says), left, look.ellipsis());
    let mark = look.mark(mark);
    format!("{style}{mark}{style:#} {}\n", format!("{head}{says}").trim_end())
}

/// The last column stays free: some terminals wrap when it is written.
fn room(look: Look) -> usize {
    look.columns.saturating_sub(1)
}

fn begins(accepted: Timestamp, now: Timestamp) -> String {
    // What has just been accepted does not wait for anything yet.
    let says = if now.since(accepted) < SOON { "starts" } else { "waits for its turn" };
    says.to_owned()
}

fn waiting(delivery: &Delivery, now: Timestamp) -> String {
    match waits::now(delivery) {
        Some(wait) if wait.until.after(SOON) > now => {
            format!("waits {}: {}", seconds(wait.until.since(now)), wait.why)
        }
        Some(_) | None => "waits for its turn".to_owned(),
    }
}

fn flying(delivery: &Delivery, now: Timestamp) -> (Mark, Style, String) {
    let Some(record) = delivery.attempts.last() else {
        return (Mark::Pending, DIM, String::new());
    };
    let flown = now.since(record.started.at);
    let mut says = format!("{}, {}", words::attempt(delivery, record), seconds(flown));
    let before = delivery.attempts.iter().rev().nth(1);
    if let Some(why) = before.map(|before| because(before, record)) {
        says += &format!(": {why}");
    }
    (Mark::Flying(flown), CYAN, says)
}

fn because(before: &AttemptRecord, record: &AttemptRecord) -> String {
    words::turn(before, record).unwrap_or_else(|| format!("after {}", words::in_short(before)))
}

fn settled(delivery: &Delivery) -> (Mark, Style, String) {
    let wire = wire::Delivery::from(delivery);
    let mark = match delivery.outcome {
        Some(Outcome::Delivered { .. }) => Mark::Delivered,
        Some(Outcome::Failed(_) | Outcome::Expired) => Mark::Failed,
        Some(Outcome::Indeterminate(_)) => Mark::Doubtful,
        Some(Outcome::Substituted | Outcome::Cancelled(_) | Outcome::Skipped) | None => {
            Mark::LeftOut
        }
    };
    let says = format!("{}: {}", text::outcome(&wire), text::says(&wire));
    (mark, text::style(text::outcome(&wire)), says)
}

/// Shorter than a person notices.
const SOON: std::time::Duration = std::time::Duration::from_millis(200);
const DIM: Style = Style::new().dimmed();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();
