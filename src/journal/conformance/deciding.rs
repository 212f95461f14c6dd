//! Checks of what is written, once and as a whole.

use fanfare_sdk::Meaning;

use super::{
    script::{
        DELIVERED, FAILED, asked, at, broadcast, delivery, due, ended, moved, settled, started,
    },
    stage::Stage,
    suite::{Checked, expect},
};
use crate::{
    journal::Entry,
    report::{CancelledBy, Event},
};

pub(super) async fn first_end(stage: Stage) -> Checked {
    stage.accept(broadcast(1, "a")).await;
    let a = stage.claim("a", 1).await?;
    // The start may be written later than the end.
    expect(stage.record((1, "a"), ended(1, Meaning::Retry, 3)).await, "recorded")?;
    stage.append(&a, &[started((1, "a"), 1, 1)], 3).await;
    // Whoever begins anew knows nothing of the first one, and is not to send.
    expect(stage.append(&a, &[started((1, "a"), 1, 2)], 3).await, "error: invalid")?;
    expect(stage.record((1, "a"), ended(1, Meaning::Success, 4)).await, "recorded")?;
    let also = Entry::Event(delivery((1, "a")), ended(1, Meaning::Permanent, 4));
    expect(stage.append(&a, &[also], 4).await, "nothing")?;
    expect(stage.all(&a).await, "1/a at a due 1 [ended 1 retry, started 1]")?;
    stage.append(&a, &[started((1, "a"), 2, 1)], 5).await;
    stage.record((1, "a"), ended(2, Meaning::Throttled, 6)).await;
    stage.append(&a, &[due((1, "a"), 9)], 6).await;
    expect(stage.view(1).await, "1 open: a waiting until 9 [1 retry, 2 throttled]")?;
    // A second end is nothing to act upon.
    stage.record((1, "a"), ended(2, Meaning::Success, 7)).await;
    expect(stage.view(1).await, "1 open: a waiting until 9 [1 retry, 2 throttled]")?;
    let batch = [started((1, "a"), 3, 1), settled((1, "a"), FAILED)];
    stage.append(&a, &batch, 7).await;
    // What has settled is left as it is; so is what is not known.
    expect(stage.record((1, "a"), ended(3, Meaning::Success, 8)).await, "recorded")?;
    expect(stage.record((1, "b"), ended(1, Meaning::Success, 8)).await, "recorded")?;
    expect(stage.record((2, "a"), ended(1, Meaning::Success, 8)).await, "recorded")?;
    expect(stage.all(&a).await, "nothing")?;
    expect(
        stage.view(1).await,
        "1 unsatisfied by impossible at 7, settled at 7: \
         a failed of permanent at 7 [1 retry, 2 throttled, 3 running]",
    )
}

pub(super) async fn starts(stage: Stage) -> Checked {
    stage.accept(broadcast(1, "a")).await;
    let a = stage.claim("a", 1).await?;
    let Entry::Event(_, start) = started((1, "a"), 1, 1) else { return Ok(()) };
    expect(stage.record((1, "a"), start.clone()).await, "recorded")?;
    let before = stage.all(&a).await;
    expect(stage.append(&a, &[started((1, "a"), 1, 1)], 3).await, "nothing")?;
    expect(stage.record((1, "a"), start).await, "recorded")?;
    expect(stage.all(&a).await, &before)
}

pub(super) async fn only_ends(stage: Stage) -> Checked {
    stage.accept(broadcast(1, "a")).await;
    let a = stage.claim("a", 1).await?;
    let lost = Event::Lost { attempt: 1, at: at(2) };
    expect(stage.record((1, "a"), lost).await, "error: invalid")?;
    let asked = Event::CancelAsked { by: CancelledBy::Caller, at: at(2) };
    expect(stage.record((1, "a"), asked).await, "error: invalid")?;
    expect(stage.all(&a).await, "1/a at a due 1 [nothing]")
}

pub(super) async fn settles_once(stage: Stage) -> Checked {
    stage.accept(broadcast(1, "a")).await;
    let a = stage.claim("a", 1).await?;
    let twice = [settled((1, "a"), DELIVERED), settled((1, "a"), FAILED)];
    expect(stage.append(&a, &twice, 2).await, "verdict 1 satisfied by all at 2, settled 1")?;
    expect(stage.append(&a, &[settled((1, "a"), FAILED)], 3).await, "nothing")?;
    expect(stage.append(&a, &[due((1, "a"), 9)], 3).await, "nothing")?;
    // Whoever would send again what has settled is told not to.
    expect(stage.append(&a, &[started((1, "a"), 2, 1)], 3).await, "error: invalid")?;
    expect(stage.append(&a, &[moved((1, "a"), "b", 3)], 3).await, "error: invalid")?;
    expect(stage.all(&a).await, "nothing")?;
    expect(stage.dead_letters(9).await, "nothing")?;
    expect(
        stage.view(1).await,
        "1 satisfied by all at 2, settled at 2: a delivered by 1 at 2 [nothing]",
    )
}

/// One bad entry, and nothing is written: not what stands before it, nor what stands behind it.
pub(super) async fn whole(stage: Stage) -> Checked {
    stage.accept(broadcast(1, "a b")).await;
    let a = stage.claim("a", 1).await?;
    let good = [started((1, "a"), 1, 1), due((1, "a"), 9), settled((1, "a"), FAILED)];
    let bad = [
        (settled((2, "a"), FAILED), "error: invalid"),
        (settled((1, "c"), FAILED), "error: invalid"),
        (due((1, "c"), 4), "error: invalid"),
        (settled((1, "b"), FAILED), "error: fenced"),
    ];
    for (bad, error) in bad {
        let behind = [good.as_slice(), std::slice::from_ref(&bad)].concat();
        expect(stage.append(&a, &behind, 2).await, error)?;
        let before = [&[bad], good.as_slice()].concat();
        expect(stage.append(&a, &before, 2).await, error)?;
        expect(stage.all(&a).await, "1/a at a due 1 [nothing]")?;
    }
    let after_moving = [moved((1, "a"), "c", 2), settled((1, "a"), FAILED)];
    expect(stage.append(&a, &after_moving, 2).await, "error: invalid")?;
    expect(stage.all(&a).await, "1/a at a due 1 [nothing]")?;
    expect(stage.dead_letters(9).await, "nothing")?;
    expect(stage.append(&a, &good, 2).await, "verdict 1 unsatisfied by impossible at 2")
}

pub(super) async fn again(stage: Stage) -> Checked {
    stage.accept(broadcast(1, "a b")).await;
    stage.accept(broadcast(2, "a")).await;
    stage.accept(broadcast(3, "a")).await;
    let a = stage.claim("a", 1).await?;
    let batch = [
        started((1, "a"), 1, 1),
        started((1, "a"), 1, 1),
        Entry::Event(delivery((1, "a")), ended(1, Meaning::Retry, 2)),
        asked((1, "a"), CancelledBy::Shutdown, 2),
        asked((1, "a"), CancelledBy::Caller, 2),
        due((1, "a"), 9),
        started((2, "a"), 1, 1),
        settled((2, "a"), DELIVERED),
        due((3, "a"), 9),
        moved((3, "a"), "b", 2),
    ];
    expect(stage.append(&a, &batch, 2).await, "verdict 2 satisfied by all at 2, settled 2")?;
    expect(stage.append(&a, &batch, 3).await, "nothing")?;
    let b = stage.claim("b", 1).await?;
    expect(
        stage.all(&a).await,
        "1/a at a due 9 [started 1, ended 1 retry, shutdown cancels at 2]",
    )?;
    expect(stage.all(&b).await, "1/b at b due 1 [nothing]; 3/a at b due 2 [moved to b]")?;
    stage.append(&b, &[settled((3, "a"), FAILED)], 4).await;
    expect(stage.append(&a, &batch, 5).await, "nothing")
}

pub(super) async fn moved_on(stage: Stage) -> Checked {
    stage.accept(broadcast(1, "a")).await;
    let [a, c] = [stage.claim("a", 1).await?, stage.claim("c", 1).await?];
    stage.append(&a, &[started((1, "a"), 1, 1)], 2).await;
    stage.record((1, "a"), ended(1, Meaning::Permanent, 3)).await;
    stage.append(&a, &[due((1, "a"), 50)], 3).await;
    expect(stage.append(&a, &[moved((1, "a"), "b", 4)], 4).await, "nothing")?;
    let b = stage.claim("b", 1).await?;
    let history = "started 1, ended 1 permanent, moved to b";
    expect(stage.due(&b, 4, 9).await, format!("1/a at b due 4 [{history}]"))?;
    expect(stage.all(&a).await, "nothing")?;
    expect(stage.append(&a, &[started((1, "a"), 2, 1)], 5).await, "error: fenced")?;
    expect(stage.append(&a, &[settled((1, "a"), FAILED)], 5).await, "error: fenced")?;
    expect(stage.append(&a, &[due((1, "a"), 9)], 5).await, "nothing")?;
    expect(stage.all(&b).await, format!("1/a at b due 4 [{history}]"))?;
    // It may move on, and a start that it brought along is lost with its boot like any other.
    stage.append(&b, &[started((1, "a"), 2, 1)], 6).await;
    stage.append(&b, &[moved((1, "a"), "c", 6)], 6).await;
    let at_c = format!("1/a at c due 6 [{history}, started 2, moved to c]");
    expect(stage.all(&c).await, at_c.as_str())?;
    // Whoever had it before and hands it over again changes nothing.
    expect(stage.append(&a, &[moved((1, "a"), "b", 4)], 7).await, "nothing")?;
    expect(stage.all(&c).await, at_c)?;
    let c = stage.claim_at("c", 2, 7).await?;
    let history = format!("{history}, started 2, moved to c, lost 2 at 7");
    expect(stage.all(&c).await, format!("1/a at c due 6 [{history}]"))?;
    let settled = [settled((1, "a"), DELIVERED)];
    expect(stage.append(&c, &settled, 8).await, "verdict 1 satisfied by all at 8, settled 1")
}
