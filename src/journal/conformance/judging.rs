//! Checks of when the verdict falls, and of what is listed.

use super::{
    script::{DELIVERED, FAILED, at, broadcast, due, settled, started},
    stage::Stage,
    suite::{Checked, expect},
};
use crate::{
    journal::NewBroadcast,
    report::{CancelledBy, Completion, Outcome, Reason},
};

/// With the entry that makes it certain, once; what settles later is late.
pub(super) async fn certain(stage: Stage) -> Checked {
    let cases = [
        (
            Completion::All,
            DELIVERED,
            DELIVERED,
            ["nothing", "verdict 1 satisfied by all at 3", "settled 1"],
        ),
        (
            Completion::All,
            FAILED,
            DELIVERED,
            ["verdict 2 unsatisfied by impossible at 2", "nothing", "settled 2"],
        ),
        (
            Completion::Any,
            DELIVERED,
            FAILED,
            ["verdict 3 satisfied by first at 2", "nothing", "settled 3"],
        ),
        (
            Completion::Quorum(2),
            FAILED,
            DELIVERED,
            ["nothing", "nothing", "verdict 4 satisfied by quorum at 4, settled 4"],
        ),
        (
            Completion::BestEffort,
            FAILED,
            FAILED,
            ["nothing", "nothing", "verdict 5 satisfied by all at 4, settled 5"],
        ),
    ];
    let [a, b] = [stage.claim("a", 1).await?, stage.claim("b", 1).await?];
    let c = stage.claim("c", 1).await?;
    for (number, (completion, first, second, expected)) in (1..).zip(cases) {
        stage.accept(NewBroadcast { completion, ..broadcast(number, "a b c?") }).await;
        let [one, two, three] = expected;
        expect(stage.append(&a, &[settled((number, "a"), first)], 2).await, one)?;
        expect(stage.append(&b, &[settled((number, "b"), second)], 3).await, two)?;
        expect(stage.append(&c, &[settled((number, "c"), DELIVERED)], 4).await, three)?;
        expect(stage.judge(number, 5).await, "nothing")?;
    }
    expect(
        stage.view(3).await,
        "3 satisfied by first at 2, settled at 4: a delivered by 1 at 2 [nothing]; \
         b failed of permanent at 3 late [nothing]; c delivered by 1 at 4 late [nothing]",
    )
}

pub(super) async fn deadline(stage: Stage) -> Checked {
    let [a, b] = [stage.claim("a", 1).await?, stage.claim("b", 1).await?];
    for (number, completion) in [(1, Completion::All), (2, Completion::BestEffort)] {
        let deadline = Some(at(10));
        let new = NewBroadcast { completion, deadline, ..broadcast(number, "a b") };
        stage.accept(new).await;
    }
    stage.append(&a, &[settled((1, "a"), DELIVERED), settled((2, "a"), DELIVERED)], 2).await;
    expect(stage.judge(1, 9).await, "nothing")?;
    expect(stage.judge(1, 10).await, "verdict 1 unsatisfied by deadline at 10")?;
    expect(stage.judge(2, 11).await, "verdict 2 satisfied by deadline at 11")?;
    expect(stage.judge(1, 12).await, "nothing")?;
    expect(stage.judge(3, 12).await, "nothing")?;
    // Without a wish to cancel, what is open goes on.
    expect(stage.all(&b).await, "1/b at b due 1 [nothing]; 2/b at b due 1 [nothing]")?;
    expect(stage.append(&b, &[settled((1, "b"), DELIVERED)], 13).await, "settled 1")?;
    expect(
        stage.view(1).await,
        "1 unsatisfied by deadline at 10, settled at 13: \
         a delivered by 1 at 2 [nothing]; b delivered by 1 at 13 late [nothing]",
    )
}

pub(super) async fn skipped(stage: Stage) -> Checked {
    let [a, b] = [stage.claim("a", 1).await?, stage.claim("b", 1).await?];
    stage.accept(broadcast(1, "a b")).await;
    expect(stage.append(&a, &[settled((1, "a"), Outcome::Skipped)], 2).await, "nothing")?;
    let last = stage.append(&b, &[settled((1, "b"), DELIVERED)], 3).await;
    expect(last, "verdict 1 satisfied by all at 3, settled 1")?;
    let completion = Completion::Quorum(2);
    stage.accept(NewBroadcast { completion, ..broadcast(2, "a b") }).await;
    let verdict = stage.append(&a, &[settled((2, "a"), Outcome::Skipped)], 4).await;
    expect(verdict, "verdict 2 unsatisfied by impossible at 4")?;
    stage.accept(broadcast(3, "a")).await;
    let verdict = stage.append(&a, &[settled((3, "a"), Outcome::Skipped)], 5).await;
    expect(verdict, "verdict 3 satisfied by all at 5, settled 3")?;
    // Nor is it waited for.
    let mut fourth = NewBroadcast { completion: Completion::BestEffort, ..broadcast(4, "a b") };
    fourth.recipients[1].skipped = true;
    stage.accept(fourth).await;
    let verdict = stage.append(&a, &[settled((4, "a"), DELIVERED)], 6).await;
    expect(verdict, "verdict 4 satisfied by all at 6")
}

pub(super) async fn empty(stage: Stage) -> Checked {
    expect(stage.accept(broadcast(1, "")).await, "new 1")?;
    expect(stage.open().await, "1")?;
    expect(stage.judge(1, 2).await, "verdict 1 satisfied by all at 2, settled 1")?;
    expect(stage.judge(1, 3).await, "nothing")?;
    expect(stage.open().await, "nothing")?;
    expect(stage.view(1).await, "1 satisfied by all at 2, settled at 2: nothing")?;
    expect(stage.accept(broadcast(2, "")).await, "new 2")?;
    let cancelled = stage.cancel(2, CancelledBy::Caller, 3).await;
    expect(cancelled, "verdict 2 unsatisfied by cancelled at 3, settled 2")?;
    // So is one that is certain from the beginning, though its deliveries go on.
    let completion = Completion::Quorum(2);
    stage.accept(NewBroadcast { completion, ..broadcast(3, "a") }).await;
    expect(stage.judge(3, 4).await, "verdict 3 unsatisfied by impossible at 4")
}

pub(super) async fn open(stage: Stage) -> Checked {
    expect(stage.open().await, "nothing")?;
    for number in [5, 2, 4] {
        let deadline = (number == 2).then_some(at(9));
        stage.accept(NewBroadcast { deadline, ..broadcast(number, "a b") }).await;
    }
    expect(stage.open().await, "5, 2 until 9, 4")?;
    let [a, b] = [stage.claim("a", 1).await?, stage.claim("b", 1).await?];
    stage.append(&a, &[settled((2, "a"), FAILED), started((4, "a"), 1, 1)], 2).await;
    stage.append(&a, &[due((4, "a"), 7), settled((5, "a"), DELIVERED)], 2).await;
    expect(stage.open().await, "5, 2 until 9, 4")?;
    stage.append(&b, &[settled((2, "b"), FAILED)], 3).await;
    expect(stage.open().await, "5, 4")?;
    stage.append(&b, &[settled((5, "b"), FAILED)], 3).await;
    expect(stage.open().await, "4")
}

pub(super) async fn dead_letters(stage: Stage) -> Checked {
    let a = stage.claim("a", 1).await?;
    let outcomes = [
        FAILED,
        Outcome::Indeterminate(Reason::NotRepeatable),
        DELIVERED,
        Outcome::Expired,
        Outcome::Skipped,
        Outcome::Substituted,
        Outcome::Cancelled(CancelledBy::Caller),
    ];
    expect(stage.dead_letters(9).await, "nothing")?;
    for (number, outcome) in (1..).zip(outcomes) {
        stage.accept(broadcast(number, "a")).await;
        stage.append(&a, &[settled((number, "a"), outcome)], 10).await;
    }
    let newest = "6/a substituted at 10, 4/a expired at 10";
    expect(stage.dead_letters(2).await, format!("{newest}, more"))?;
    let all = format!(
        "{newest}, 2/a indeterminate of not_repeatable at 10, 1/a failed of permanent at 10"
    );
    expect(stage.dead_letters(9).await, all)?;
    expect(stage.dead_letters(0).await, "more")
}
