//! Notices: owed when their occasion has come, and accepted once.

use super::{
    script::{DELIVERED, FAILED, at, broadcast, id, settled},
    stage::Stage,
    suite::{Checked, expect},
    telling,
};
use crate::{
    journal::NewBroadcast,
    report::{CancelledBy, Completion, NoticeOf, Notify, Occasion},
};

/// A broadcast to `a` and `b`, satisfied by the first success, of which `to` is notified.
fn notifying(number: u128, to: &str, on: &[Occasion]) -> NewBroadcast {
    let notify = Notify { target: to.into(), on: on.iter().copied().collect() };
    let (completion, notify) = (Completion::Any, Some(notify));
    NewBroadcast { completion, notify, ..broadcast(number, "a b") }
}

fn notice(number: u128, of: u128, occasion: Occasion) -> NewBroadcast {
    let notice_of = Some(NoticeOf { broadcast: id(of), occasion });
    NewBroadcast { notice_of, route: None, ..broadcast(number, "ops") }
}

/// `ops 2: verdict of 1, settled of 1`
async fn owed(stage: &Stage, to: &str, count_max: usize) -> String {
    let owing = match stage.journal.owing().await {
        Ok(owing) => owing.iter().find(|(target, _)| target.as_str() == to).map_or(0, |it| it.1),
        Err(error) => return telling::error(error),
    };
    let owed = stage.journal.owed(&to.into(), count_max).await;
    let tell = |it: &NoticeOf| format!("{} of {}", it.occasion.code(), it.broadcast.0.as_u128());
    let owed = telling::answer(owed, |owed| owed.iter().map(tell).collect::<Vec<_>>().join(", "));
    format!("{to} {owing}: {owed}")
}

pub(super) async fn occasions(stage: Stage) -> Checked {
    stage.accept(notifying(1, "ops", &Occasion::ALL)).await;
    stage.accept(notifying(2, "ops", &[Occasion::Settled])).await;
    stage.accept(broadcast(3, "a b")).await;
    expect(owed(&stage, "ops", 9).await, "ops 0: ")?;
    let (a, b) = (stage.claim("a", 1).await?, stage.claim("b", 1).await?);
    let ends = [1, 2, 3].map(|number| settled((number, "a"), DELIVERED));
    expect(
        stage.append(&a, &ends, 5).await,
        "verdict 1 satisfied by first at 5, verdict 2 satisfied by first at 5, verdict owed of 1",
    )?;
    expect(owed(&stage, "ops", 9).await, "ops 1: verdict of 1")?;
    let ends = [2, 1].map(|number| settled((number, "b"), FAILED));
    let expected = "settled 2, settled 1, settled owed of 2, settled owed of 1";
    expect(stage.append(&b, &ends, 6).await, expected)?;
    expect(owed(&stage, "ops", 9).await, "ops 3: verdict of 1, settled of 1, settled of 2")?;
    expect(owed(&stage, "ops", 2).await, "ops 3: verdict of 1, settled of 1")?;
    // What was appended again brings nothing new.
    expect(stage.append(&b, &ends, 7).await, "nothing")?;
    expect(owed(&stage, "ops", 9).await, "ops 3: verdict of 1, settled of 1, settled of 2")
}

pub(super) async fn once(stage: Stage) -> Checked {
    stage.accept(notifying(1, "ops", &Occasion::ALL)).await;
    let verdict = |number| notice(number, 1, Occasion::Verdict);
    expect(stage.accept(verdict(2)).await, "error: not owed")?;
    let (a, b) = (stage.claim("a", 1).await?, stage.claim("b", 1).await?);
    stage.append(&a, &[settled((1, "a"), DELIVERED)], 5).await;
    expect(stage.accept(notice(2, 1, Occasion::Settled)).await, "error: not owed")?;
    expect(stage.accept(notice(2, 9, Occasion::Verdict)).await, "error: not owed")?;
    expect(stage.accept(verdict(2)).await, "new 2")?;
    expect(owed(&stage, "ops", 9).await, "ops 0: ")?;
    // Asked again with the same id, as after an answer that was lost; and by somebody else.
    expect(stage.accept(verdict(2)).await, "same 2")?;
    expect(stage.accept(verdict(3)).await, "error: not owed")?;
    stage.append(&b, &[settled((1, "b"), DELIVERED)], 6).await;
    expect(owed(&stage, "ops", 9).await, "ops 1: settled of 1")?;
    expect(stage.accept(verdict(3)).await, "error: not owed")?;
    expect(stage.accept(notice(3, 1, Occasion::Settled)).await, "new 3")?;
    expect(owed(&stage, "ops", 9).await, "ops 0: ")?;
    let ops = stage.claim("ops", 1).await?;
    expect(stage.all(&ops).await, "2/ops at ops due 1 [nothing]; 3/ops at ops due 1 [nothing]")?;
    // A notice is a broadcast like any other, and says of which one it tells.
    let ends = [2, 3].map(|number| settled((number, "ops"), DELIVERED));
    let ended =
        "verdict 2 satisfied by all at 7, verdict 3 satisfied by all at 7, settled 2, settled 3";
    expect(stage.append(&ops, &ends, 7).await, ended)?;
    let report = stage.journal.view(id(3)).await.ok().flatten();
    let of = report.and_then(|report| report.notice_of);
    let expected = NoticeOf { broadcast: id(1), occasion: Occasion::Settled };
    expect(format!("{of:?}"), format!("{:?}", Some(expected)))?;
    let all = stage.journal.broadcasts(&crate::journal::BroadcastFilter::default(), None, 9).await;
    let of = all.map(|all| all.iter().filter_map(|it| it.notice_of).count());
    expect(format!("{of:?}"), "Ok(2)")
}

pub(super) async fn however(stage: Stage) -> Checked {
    for number in 1..=2 {
        let deadline = Some(at(5));
        stage.accept(NewBroadcast { deadline, ..notifying(number, "ops", &Occasion::ALL) }).await;
    }
    expect(stage.judge(1, 5).await, "verdict 1 unsatisfied by deadline at 5, verdict owed of 1")?;
    let cancelled = "verdict 2 unsatisfied by cancelled at 3, cancel 2/a at a, cancel 2/b at b, verdict owed of 2";
    expect(stage.cancel(2, CancelledBy::Caller, 3).await, cancelled)?;
    let to_nobody = NewBroadcast { recipients: Vec::new(), ..notifying(3, "ops", &Occasion::ALL) };
    stage.accept(to_nobody).await;
    let empty =
        "verdict 3 unsatisfied by impossible at 6, settled 3, verdict owed of 3, settled owed of 3";
    expect(stage.judge(3, 6).await, empty)?;
    let owed_now = "ops 4: verdict of 1, verdict of 2, verdict of 3, settled of 3";
    expect(owed(&stage, "ops", 9).await, owed_now)
}

pub(super) async fn given_up(stage: Stage) -> Checked {
    for (number, to) in [(1, "gone"), (2, "ops"), (3, "gone")] {
        stage.accept(notifying(number, to, &Occasion::ALL)).await;
    }
    let (a, b) = (stage.claim("a", 1).await?, stage.claim("b", 1).await?);
    let ends = [1, 2, 3].map(|number| settled((number, "a"), DELIVERED));
    stage.append(&a, &ends, 5).await;
    expect(owed(&stage, "gone", 9).await, "gone 2: verdict of 1, verdict of 3")?;
    expect(owed(&stage, "ops", 9).await, "ops 1: verdict of 2")?;
    expect(owed(&stage, "who", 9).await, "who 0: ")?;
    let forgo = async |to: &str| {
        telling::answer(stage.journal.forgo(&to.into()).await, |count| format!("{count} given up"))
    };
    expect(forgo("gone").await, "2 given up")?;
    expect(forgo("gone").await, "0 given up")?;
    expect(owed(&stage, "gone", 9).await, "gone 0: ")?;
    expect(stage.accept(notice(4, 1, Occasion::Verdict)).await, "error: not owed")?;
    expect(owed(&stage, "ops", 9).await, "ops 1: verdict of 2")?;
    // What was not due yet is not given up.
    expect(
        stage.append(&b, &[settled((1, "b"), DELIVERED)], 6).await,
        "settled 1, settled owed of 1",
    )?;
    expect(owed(&stage, "gone", 9).await, "gone 1: settled of 1")
}
