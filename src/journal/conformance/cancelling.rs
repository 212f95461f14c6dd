//! Checks of who can end a broadcast before its deliveries have ended.

use fanfare_sdk::Meaning;

use super::{
    script::{DELIVERED, FAILED, at, broadcast, ended, moved, settled, started},
    stage::Stage,
    suite::{Checked, expect},
};
use crate::{
    journal::NewBroadcast,
    report::{CancelledBy, Completion, Outcome, Rest},
};

pub(super) async fn rest(stage: Stage) -> Checked {
    let [a, b] = [stage.claim("a", 1).await?, stage.claim("b", 1).await?];
    let d = stage.claim("d", 1).await?;
    let cancel = |number| NewBroadcast {
        rest: Rest::Cancel,
        completion: Completion::Any,
        deadline: Some(at(10)),
        ..broadcast(number, "a b c")
    };
    stage.accept(cancel(1)).await;
    stage.append(&b, &[started((1, "b"), 1, 1), moved((1, "b"), "d", 2)], 2).await;
    expect(
        stage.append(&a, &[settled((1, "a"), DELIVERED)], 3).await,
        "verdict 1 satisfied by first at 3, cancel 1/b at d, cancel 1/c at c",
    )?;
    expect(stage.all(&d).await, "1/b at d due 2 [started 1, moved to d, verdict cancels at 3]")?;
    let c = stage.claim("c", 1).await?;
    expect(stage.all(&c).await, "1/c at c due 1 [verdict cancels at 3]")?;
    let cancelled = Outcome::Cancelled(CancelledBy::Verdict);
    expect(stage.append(&c, &[settled((1, "c"), cancelled)], 4).await, "nothing")?;
    stage.record((1, "b"), ended(1, Meaning::Success, 5)).await;
    expect(stage.append(&d, &[settled((1, "b"), DELIVERED)], 5).await, "settled 1")?;
    // What settles in the same commit is not cancelled any more.
    stage.accept(cancel(2)).await;
    stage.append(&b, &[moved((2, "b"), "a", 6)], 6).await;
    let both = [settled((2, "a"), DELIVERED), settled((2, "b"), FAILED)];
    let verdict = stage.append(&a, &both, 7).await;
    expect(verdict, "verdict 2 satisfied by first at 7, cancel 2/c at c")?;
    stage.accept(cancel(3)).await;
    expect(
        stage.judge(3, 10).await,
        "verdict 3 unsatisfied by deadline at 10, \
         cancel 3/a at a, cancel 3/b at b, cancel 3/c at c",
    )?;
    expect(stage.all(&a).await, "3/a at a due 1 [verdict cancels at 10]")
}

pub(super) async fn asked(stage: Stage) -> Checked {
    let [a, b] = [stage.claim("a", 1).await?, stage.claim("b", 1).await?];
    expect(stage.cancel(1, CancelledBy::Caller, 2).await, "nothing")?;
    stage.accept(broadcast(1, "a b")).await;
    stage.append(&a, &[settled((1, "a"), DELIVERED)], 2).await;
    let verdict = stage.cancel(1, CancelledBy::Caller, 3).await;
    expect(verdict, "verdict 1 unsatisfied by cancelled at 3, cancel 1/b at b")?;
    // Asked again, the same deliveries are listed; the first wish stands, and the verdict is not told again.
    expect(stage.cancel(1, CancelledBy::Shutdown, 4).await, "cancel 1/b at b")?;
    expect(stage.all(&b).await, "1/b at b due 1 [caller cancels at 3]")?;
    let cancelled = Outcome::Cancelled(CancelledBy::Caller);
    expect(stage.append(&b, &[settled((1, "b"), cancelled)], 5).await, "settled 1")?;
    expect(stage.cancel(1, CancelledBy::Caller, 6).await, "nothing")?;
    expect(
        stage.view(1).await,
        "1 unsatisfied by cancelled at 3, settled at 5: \
         a delivered by 1 at 2 [nothing]; b cancelled by caller at 5 late [nothing]",
    )
}

pub(super) async fn late(stage: Stage) -> Checked {
    let a = stage.claim("a", 1).await?;
    let completion = Completion::Any;
    stage.accept(NewBroadcast { completion, ..broadcast(1, "a b") }).await;
    stage.append(&a, &[settled((1, "a"), DELIVERED)], 2).await;
    expect(stage.cancel(1, CancelledBy::Caller, 3).await, "cancel 1/b at b")?;
    let b = stage.claim("b", 1).await?;
    expect(stage.all(&b).await, "1/b at b due 1 [caller cancels at 3]")?;
    expect(
        stage.view(1).await,
        "1 satisfied by first at 2: a delivered by 1 at 2 [nothing]; b pending [nothing]",
    )?;
    // A wish of the verdict gives none.
    stage.accept(broadcast(2, "b")).await;
    expect(stage.cancel(2, CancelledBy::Verdict, 4).await, "cancel 2/b at b")?;
    expect(stage.view(2).await, "2 open: b pending [nothing]")
}
