//! Whoever is to be notified is, once on each occasion.

use fanfare::{journal::NewBroadcast, report::Occasion};
use serde_json::Value;

use super::{
    journal::What,
    promises::Say,
    run::Played,
    scenario::{Deed, Scenario},
};

const PROMISE: &str = "each notice is sent once";

/// For what was accepted there is one notice for each occasion; none too many where the engine ended before.
pub(super) fn check(scenario: &Scenario, played: &Played, say: Say<'_>) {
    let accepted = || {
        played.facts.iter().filter_map(|fact| match &fact.what {
            What::Accepted(new) => Some(&**new),
            _ => None,
        })
    };
    let is_cut = scenario.deeds.iter().any(|(_, deed)| *deed == Deed::Shutdown);
    for new in accepted() {
        let Some(notify) = &new.notify else { continue };
        for occasion in notify.on.iter() {
            let is_it = |notice: &&NewBroadcast| {
                notice.notice_of.is_some_and(|it| (it.broadcast, it.occasion) == (new.id, occasion))
            };
            let notices: Vec<_> = accepted().filter(is_it).collect();
            if notices.len() > 1 || (notices.is_empty() && !is_cut) {
                let (count, code) = (notices.len(), occasion.code());
                say(PROMISE, format!("broadcast {}: {count} notices of its {code}", new.id));
            }
            for notice in notices {
                is_true(new, (notice, occasion), say);
            }
        }
    }
    for notice in accepted().filter(|it| it.notice_of.is_some() && it.notify.is_some()) {
        say(PROMISE, format!("{} is a notice, and notified", notice.id));
    }
}

/// It goes to whom it is meant for, and says what it is meant to.
fn is_true(new: &NewBroadcast, (notice, occasion): (&NewBroadcast, Occasion), say: Say<'_>) {
    let told: Value = serde_json::from_slice(notice.payload.bytes()).unwrap();
    let (kind, report) = (told["type"].as_str().unwrap_or_default(), &told["report"]);
    let to: Vec<_> = notice.recipients.iter().map(|it| &it.recipient).collect();
    let right = kind == format!("fanfare.broadcast.{}", occasion.code())
        && report["id"] == new.id.to_string()
        && !report["verdict"].is_null()
        && (occasion == Occasion::Verdict || report["state"] == "settled")
        && to == new.notify.iter().map(|notify| &notify.target).collect::<Vec<_>>();
    if !right {
        say(PROMISE, format!("{kind} to {to:?} of {}: {report}", new.id));
    }
}
