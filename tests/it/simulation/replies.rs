//! Which replies are kept: the last one of who gave up, and none of who goes on.

use fanfare::report::{AttemptRecord, Delivery, Kind, Outcome, Reason, Report};
use fanfare_sdk::Meaning;

use super::{promises::Say, run::Played, scenario::Scenario};

/// A reply is kept where no other attempt can follow, and only there.
pub(super) fn check(scenario: &Scenario, played: &Played, report: &Report, say: Say<'_>) {
    if !scenario.is_calm() || played.disturbed {
        return;
    }
    // Which of two that are in flight is the last one is found out by chance.
    let hedged = |it: &&Delivery| it.attempts.iter().any(|it| it.started.kind == Kind::Hedge);
    for delivery in report.deliveries.iter().filter(|it| !hedged(it)) {
        let Some((last, before)) = delivery.attempts.split_last() else { continue };
        if gave_up(delivery) && replied(last) && !keeps(last) {
            say("who gave up has the last reply", format!("{}: {last:?}", delivery.target));
        }
        for held in before.iter().filter(|it| keeps(it) && may_go_on(it)) {
            say("who goes on holds no reply", format!("{}: {held:?}", delivery.target));
        }
    }
}

/// Whether that was certain when the last attempt ended.
fn gave_up(delivery: &Delivery) -> bool {
    let (Some(Outcome::Failed(reason)) | Some(Outcome::Indeterminate(reason))) = delivery.outcome
    else {
        return false;
    };
    [Reason::AttemptsUsedUp, Reason::ThrottledTooOften, Reason::NotRepeatable].contains(&reason)
}

fn replied(attempt: &AttemptRecord) -> bool {
    attempt.ended.as_ref().is_some_and(|ended| ended.status.is_some())
}

fn keeps(attempt: &AttemptRecord) -> bool {
    attempt.ended.as_ref().is_some_and(|ended| ended.reply.is_some())
}

fn may_go_on(attempt: &AttemptRecord) -> bool {
    let goes_on = [Meaning::Retry, Meaning::Throttled, Meaning::VersionRejected];
    attempt.meaning().is_some_and(|meaning| goes_on.contains(&meaning))
}
