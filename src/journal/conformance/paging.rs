//! Checks of what is due.

use std::sync::Arc;

use fanfare_sdk::{Meaning, TargetName};

use super::{
    script::{DELIVERED, Of, at, broadcast, delivery, due, ended, moved, settled, started},
    stage::Stage,
    suite::{Checked, expect},
    telling,
};
use crate::{
    journal::NewBroadcast,
    report::{CancelledBy, Priority},
};

pub(super) async fn boundaries(stage: Stage) -> Checked {
    let a = stage.claim("a", 1).await?;
    expect(stage.all(&a).await, "nothing")?;
    stage.accept(NewBroadcast { accepted_at: at(5), ..broadcast(1, "a b") }).await;
    expect(stage.due(&a, 4, 10).await, "then 5")?;
    expect(stage.due(&a, 5, 10).await, "1/a at a due 5 [nothing]")?;
    stage.append(&a, &[due((1, "a"), 9)], 6).await;
    expect(stage.due(&a, 8, 10).await, "then 9")?;
    expect(stage.due(&a, 9, 10).await, "1/a at a due 9 [nothing]")?;
    stage.append(&a, &[due((1, "a"), 7)], 6).await;
    expect(stage.due(&a, 7, 10).await, "1/a at a due 7 [nothing]")?;
    stage.append(&a, &[settled((1, "a"), DELIVERED)], 8).await;
    expect(stage.all(&a).await, "nothing")
}

/// First what has been due for longest; what is due at the same time by the order of acceptance, not by id.
pub(super) async fn order(stage: Stage) -> Checked {
    for number in [3, 1, 2, 4] {
        stage.accept(broadcast(number, "a")).await;
    }
    let a = stage.claim("a", 1).await?;
    let all = |numbers: [(u128, i64); 4]| {
        numbers.map(|(n, due)| format!("{n}/a at a due {due} [nothing]")).join("; ")
    };
    expect(stage.all(&a).await, all([(3, 1), (1, 1), (2, 1), (4, 1)]))?;
    stage.append(&a, &[due((3, "a"), 8), due((2, "a"), 4)], 2).await;
    expect(stage.all(&a).await, all([(1, 1), (4, 1), (2, 4), (3, 8)]))?;
    stage.append(&a, &[due((1, "a"), 8), due((4, "a"), 8)], 2).await;
    expect(stage.all(&a).await, all([(2, 4), (3, 8), (1, 8), (4, 8)]))?;
    // The place among the recipients does not count.
    stage.accept(broadcast(6, "b c")).await;
    stage.accept(broadcast(5, "c b")).await;
    let c = stage.claim("c", 1).await?;
    expect(stage.all(&c).await, "6/c at c due 1 [nothing]; 5/c at c due 1 [nothing]")
}

pub(super) async fn length(stage: Stage) -> Checked {
    for number in 1..=3 {
        stage.accept(broadcast(number, "a")).await;
    }
    let a = stage.claim("a", 1).await?;
    stage.append(&a, &[due((3, "a"), 6)], 2).await;
    let [one, two, three] =
        [(1, 1), (2, 1), (3, 6)].map(|(n, due)| format!("{n}/a at a due {due} [nothing]"));
    expect(stage.due(&a, 9, 0).await, "then 1")?;
    expect(stage.due(&a, 9, 1).await, format!("{one}; then 1"))?;
    expect(stage.due(&a, 9, 2).await, format!("{one}; {two}; then 6"))?;
    expect(stage.due(&a, 5, 2).await, format!("{one}; {two}; then 6"))?;
    expect(stage.due(&a, 6, 3).await, format!("{one}; {two}; {three}"))?;
    let NewBroadcast { payload, recipients, .. } = broadcast(1, "a");
    let page = stage.journal.due(&a, at(1), 1).await.unwrap_or_default();
    let told = page.open.first().map(|open| {
        let whole = open.broadcast.payload.bytes() == payload.bytes()
            && open.broadcast.trace == broadcast(1, "a").trace
            && *open.recipient() == recipients[0];
        (whole, open.place, open.serving == TargetName::from("a"))
    });
    expect(format!("{told:?}"), "Some((true, 0, true))")
}

/// Where not all fit: a share for each priority, and the first one of each order key.
pub(super) async fn shares(stage: Stage) -> Checked {
    let new = |number, priority, key: Option<&str>| {
        let mut new = broadcast(number, "a");
        new.priority = priority;
        new.recipients[0].order_key = key.map(Arc::from);
        new
    };
    for number in 1..=4 {
        stage.accept(new(number, Priority::Low, None)).await;
    }
    stage.accept(new(5, Priority::High, Some("k"))).await;
    stage.accept(new(6, Priority::High, Some("k"))).await;
    stage.accept(new(7, Priority::High, Some("l"))).await;
    let a = stage.claim("a", 1).await?;
    stage.append(&a, &[due((5, "a"), 20)], 2).await;
    let page = async |until, count_max| {
        let page = stage.journal.due(&a, at(until), count_max).await.unwrap_or_default();
        let ids = page.open.iter().map(|open| open.broadcast.id.0.as_u128().to_string());
        let next = page.next_due.map_or("-".to_owned(), |due| due.as_micros().to_string());
        format!("{} next {next}", ids.collect::<Vec<_>>().join(" "))
    };
    expect(page(9, 9).await, "1 2 3 4 6 7 next 20")?;
    expect(page(20, 9).await, "1 2 3 4 6 7 5 next -")?;
    // One of them is left out, and so is 6, which comes after 5.
    expect(page(9, 4).await, "1 2 3 7 next 1")?;
    expect(page(20, 4).await, "1 2 7 5 next 1")?;
    expect(page(20, 1).await, "7 next 1")?;
    stage.append(&a, &[settled((5, "a"), DELIVERED)], 21).await;
    expect(page(20, 4).await, "1 2 6 7 next 1")?;
    // Whoever is handed over frees the key.
    stage.accept(new(8, Priority::High, Some("l"))).await;
    stage.append(&a, &[moved((7, "a"), "b", 21)], 21).await;
    expect(page(20, 4).await, "1 2 6 8 next 1")
}

pub(super) async fn one(stage: Stage) -> Checked {
    stage.accept(broadcast(1, "a b")).await;
    let a = stage.claim("a", 1).await?;
    stage.append(&a, &[moved((1, "a"), "c", 7)], 7).await;
    let one = async |of: Of<'_>| match stage.journal.delivery(&delivery(of)).await {
        Ok(Some(open)) => format!("{} due {}", open.serving, open.due.as_micros()),
        Ok(None) => "nothing".to_owned(),
        Err(error) => telling::error(error),
    };
    expect(one((1, "a")).await, "c due 7")?;
    expect(one((1, "b")).await, "b due 1")?;
    expect(one((1, "c")).await, "nothing")?;
    expect(one((2, "a")).await, "nothing")?;
    let c = stage.claim("c", 1).await?;
    stage.append(&c, &[settled((1, "a"), DELIVERED)], 8).await;
    expect(one((1, "a")).await, "nothing")
}

/// An end and a wish to cancel are something to act upon; a start is not.
pub(super) async fn woken(stage: Stage) -> Checked {
    for number in 1..=3 {
        stage.accept(broadcast(number, "a")).await;
    }
    let a = stage.claim("a", 1).await?;
    let waiting = |n| [started((n, "a"), 1, 1), due((n, "a"), 50)];
    stage.append(&a, &[waiting(1), waiting(2), waiting(3)].concat(), 2).await;
    expect(stage.due(&a, 49, 9).await, "then 50")?;
    stage.record((1, "a"), ended(1, Meaning::Retry, 20)).await;
    stage.cancel(2, CancelledBy::Caller, 30).await;
    expect(
        stage.due(&a, 49, 9).await,
        "1/a at a due 20 [started 1, ended 1 retry]; \
         2/a at a due 30 [started 1, caller cancels at 30]; then 50",
    )?;
    // What is due already stays where it is.
    stage.cancel(1, CancelledBy::Caller, 40).await;
    expect(
        stage.due(&a, 20, 9).await,
        "1/a at a due 20 [started 1, ended 1 retry, caller cancels at 40]; then 30",
    )
}
