//! Checks of who may write what.

use fanfare_sdk::Meaning;

use super::{
    script::{DELIVERED, FAILED, broadcast, due, ended, moved, settled, started},
    stage::Stage,
    suite::{Checked, expect},
};

pub(super) async fn fenced(stage: Stage) -> Checked {
    stage.accept(broadcast(1, "a")).await;
    let older = stage.claim("a", 1).await?;
    let newer = stage.claim("a", 1).await?;
    let batch = [started((1, "a"), 1, 1), due((1, "a"), 9), settled((1, "a"), FAILED)];
    expect(stage.append(&older, &batch, 2).await, "error: fenced")?;
    expect(stage.append(&older, &[], 2).await, "error: fenced")?;
    expect(stage.all(&older).await, "error: fenced")?;
    expect(stage.all(&newer).await, "1/a at a due 1 [nothing]")?;
    let verdict = stage.append(&newer, &[settled((1, "a"), DELIVERED)], 2).await;
    expect(verdict, "verdict 1 satisfied by all at 2, settled 1")?;
    expect(stage.append(&older, &[settled((1, "a"), FAILED)], 3).await, "error: fenced")
}

pub(super) async fn others(stage: Stage) -> Checked {
    stage.accept(broadcast(1, "a b")).await;
    let a = stage.claim("a", 1).await?;
    let b = stage.claim("b", 1).await?;
    stage.claim("b", 2).await?;
    expect(stage.append(&a, &[started((1, "a"), 1, 1)], 2).await, "nothing")?;
    expect(stage.append(&b, &[started((1, "b"), 1, 1)], 2).await, "error: fenced")?;
    // A claim is a right to its own target's deliveries only.
    expect(stage.append(&a, &[settled((1, "b"), FAILED)], 2).await, "error: fenced")?;
    expect(stage.append(&a, &[started((1, "b"), 1, 1)], 2).await, "error: fenced")?;
    expect(stage.append(&a, &[moved((1, "b"), "a", 2)], 2).await, "error: fenced")?;
    expect(stage.view(1).await, "1 open: a in flight [1 running]; b pending [nothing]")
}

pub(super) async fn lost(stage: Stage) -> Checked {
    stage.accept(broadcast(1, "a")).await;
    stage.accept(broadcast(2, "a")).await;
    stage.accept(broadcast(3, "b")).await;
    let [a, b] = [stage.claim("a", 1).await?, stage.claim("b", 1).await?];
    stage.append(&a, &[started((1, "a"), 1, 1), due((1, "a"), 50)], 2).await;
    stage.append(&b, &[started((3, "b"), 1, 1)], 2).await;
    let a = stage.claim_at("a", 2, 7).await?;
    expect(
        stage.all(&a).await,
        "2/a at a due 1 [nothing]; 1/a at a due 7 [started 1, lost 1 at 7]",
    )?;
    expect(stage.view(3).await, "3 open: b in flight [1 running]")?;
    // The loss is an end: neither a late fact nor a third boot changes it.
    stage.record((1, "a"), ended(1, Meaning::Success, 8)).await;
    stage.append(&a, &[started((2, "a"), 1, 2)], 8).await;
    let a = stage.claim_at("a", 3, 9).await?;
    expect(
        stage.all(&a).await,
        "2/a at a due 1 [started 1, lost 1 at 9]; 1/a at a due 7 [started 1, lost 1 at 7]",
    )
}

pub(super) async fn same_boot(stage: Stage) -> Checked {
    stage.accept(broadcast(1, "a")).await;
    stage.accept(broadcast(2, "a")).await;
    let one = stage.claim("a", 1).await?;
    stage.append(&one, &[started((1, "a"), 1, 1)], 2).await;
    let two = stage.claim_at("a", 2, 3).await?;
    stage.append(&two, &[started((2, "a"), 1, 2)], 4).await;
    let again = stage.claim_at("a", 2, 5).await?;
    expect(
        stage.all(&again).await,
        "1/a at a due 1 [started 1, lost 1 at 3]; 2/a at a due 1 [started 1]",
    )?;
    stage.record((2, "a"), ended(1, Meaning::Success, 6)).await;
    let batch = [settled((2, "a"), DELIVERED)];
    expect(stage.append(&again, &batch, 7).await, "verdict 2 satisfied by all at 7, settled 2")
}

/// The process that was thought to be gone is still there, for a while.
pub(super) async fn two_boots(stage: Stage) -> Checked {
    stage.accept(broadcast(1, "a")).await;
    stage.accept(broadcast(2, "a")).await;
    let two = stage.claim("a", 2).await?;
    stage.append(&two, &[started((1, "a"), 1, 2)], 2).await;
    let one = stage.claim("a", 1).await?;
    stage.append(&one, &[started((2, "a"), 1, 1)], 3).await;
    let two = stage.claim_at("a", 2, 4).await?;
    expect(
        stage.all(&two).await,
        "1/a at a due 1 [started 1]; 2/a at a due 1 [started 1, lost 1 at 4]",
    )?;
    let three = stage.claim_at("a", 3, 5).await?;
    expect(
        stage.all(&three).await,
        "1/a at a due 1 [started 1, lost 1 at 5]; 2/a at a due 1 [started 1, lost 1 at 4]",
    )
}

pub(super) async fn ended_before(stage: Stage) -> Checked {
    stage.accept(broadcast(1, "a")).await;
    stage.accept(broadcast(2, "a")).await;
    let a = stage.claim("a", 1).await?;
    stage.append(&a, &[started((1, "a"), 1, 1), started((2, "a"), 1, 1)], 2).await;
    stage.record((1, "a"), ended(1, Meaning::Retry, 3)).await;
    stage.append(&a, &[settled((2, "a"), FAILED)], 3).await;
    let a = stage.claim_at("a", 2, 4).await?;
    expect(stage.all(&a).await, "1/a at a due 1 [started 1, ended 1 retry]")?;
    expect(
        stage.view(2).await,
        "2 unsatisfied by impossible at 3, settled at 3: a failed of permanent at 3 [1 running]",
    )
}

/// Whoever knows how an attempt ended says so, even where its target has been taken over or moved on.
pub(super) async fn facts(stage: Stage) -> Checked {
    stage.accept(broadcast(1, "a")).await;
    stage.accept(broadcast(2, "a")).await;
    let a = stage.claim("a", 1).await?;
    let batch = [started((1, "a"), 1, 1), started((2, "a"), 1, 1), moved((2, "a"), "b", 3)];
    stage.append(&a, &batch, 3).await;
    let [a, b] = [stage.claim("a", 1).await?, stage.claim("b", 1).await?];
    expect(stage.record((1, "a"), ended(1, Meaning::Success, 4)).await, "recorded")?;
    expect(stage.record((2, "a"), ended(1, Meaning::Success, 4)).await, "recorded")?;
    expect(stage.all(&a).await, "1/a at a due 1 [started 1, ended 1 success]")?;
    expect(stage.all(&b).await, "2/a at b due 3 [started 1, moved to b, ended 1 success]")
}
