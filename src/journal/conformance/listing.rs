//! Lists: what is in them, in which order, and what leaves them.

use fanfare_sdk::Meaning;

use super::{
    script::{at, broadcast, delivery, ended, id, moved, settled, started},
    stage::Stage,
    suite::{Checked, expect},
    telling,
};
use crate::{
    journal::{BroadcastFilter, DeadLetterFilter, NewBroadcast},
    report::{BroadcastId, CapturedReply, Event, Outcome, Reason, Said},
};

const FAILED: Outcome = Outcome::Failed(Reason::Permanent);

/// Three broadcasts to `a` and `b`, with two dead letters each.
async fn six(stage: &Stage) -> Checked {
    let (a, b) = (stage.claim("a", 1).await?, stage.claim("b", 1).await?);
    for number in 1..=3 {
        let route = Some(format!("route {}", number % 2));
        stage.accept(NewBroadcast { route, ..broadcast(number, "a b") }).await;
        let now = 10 * i64::try_from(number).unwrap_or(0);
        stage.append(&a, &[settled((number, "a"), FAILED)], now).await;
        stage.append(&b, &[settled((number, "b"), Outcome::Expired)], now + 1).await;
    }
    Ok(())
}

async fn told(stage: &Stage, filter: &DeadLetterFilter) -> String {
    telling::answer(stage.journal.dead_letters(filter, None, 9).await, telling::dead)
}

pub(super) async fn pages(stage: Stage) -> Checked {
    six(&stage).await?;
    let (any, mut from, mut pages) = (DeadLetterFilter::default(), None, Vec::new());
    loop {
        let page = stage.journal.dead_letters(&any, from, 4).await;
        pages.push(telling::answer(page.clone(), telling::dead));
        from = page.ok().and_then(|page| page.next);
        if from.is_none() || pages.len() > 3 {
            break;
        }
        // As it goes out, and comes back.
        from = from.and_then(|from| from.to_string().parse().ok());
    }
    expect(
        pages.join(" | "),
        "3/b expired at 31, 3/a failed of permanent at 30, 2/b expired at 21, \
         2/a failed of permanent at 20, more | 1/b expired at 11, 1/a failed of permanent at 10",
    )
}

async fn only(stage: &Stage, filter: DeadLetterFilter, expected: &str) -> Checked {
    expect(told(stage, &filter).await, expected)
}

pub(super) async fn letters(stage: Stage) -> Checked {
    six(&stage).await?;
    let any = DeadLetterFilter::default;
    let of = DeadLetterFilter { broadcast: Some(id(2)), ..any() };
    only(&stage, of, "2/b expired at 21, 2/a failed of permanent at 20").await?;
    let to = DeadLetterFilter { target: Some("a".into()), from: Some(at(20)), ..any() };
    let two = "3/a failed of permanent at 30, 2/a failed of permanent at 20";
    only(&stage, to, two).await?;
    let route =
        DeadLetterFilter { route: Some("route 0".to_owned()), until: Some(at(21)), ..any() };
    only(&stage, route, "2/a failed of permanent at 20").await?;
    let outcome = DeadLetterFilter { outcome: Some("expired".to_owned()), ..any() };
    only(&stage, outcome, "3/b expired at 31, 2/b expired at 21, 1/b expired at 11").await?;
    let reason = DeadLetterFilter { reason: Some("permanent".to_owned()), ..any() };
    let all = format!("{two}, 1/a failed of permanent at 10");
    only(&stage, reason, &all).await?;
    let routes = |routes: &[&str]| Some(routes.iter().map(|it| (*it).to_owned()).collect());
    let bound = |of: &[&str]| DeadLetterFilter { routes: routes(of), ..any() };
    let of_both = bound(&["route 0", "route 1", "x"]);
    only(&stage, DeadLetterFilter { reason: Some("permanent".to_owned()), ..of_both }, &all)
        .await?;
    let (in_one, from) = (bound(&["route 0"]), Some(at(20)));
    let two = "2/b expired at 21, 2/a failed of permanent at 20";
    only(&stage, DeadLetterFilter { from, ..in_one }, two).await?;
    only(&stage, bound(&[]), "nothing").await?;
    let none = DeadLetterFilter { target: Some("c".into()), ..any() };
    only(&stage, none, "nothing").await
}

pub(super) async fn discarded(stage: Stage) -> Checked {
    six(&stage).await?;
    let gone = [delivery((3, "b")), delivery((9, "a")), delivery((1, "a")), delivery((1, "c"))];
    let discard = async || match stage.journal.discard(&gone).await {
        Ok(count) => format!("{count} discarded"),
        Err(error) => telling::error(error),
    };
    expect(discard().await, "2 discarded")?;
    expect(discard().await, "0 discarded")?;
    let left = "3/a failed of permanent at 30, 2/b expired at 21, 2/a failed of permanent at 20, \
                1/b expired at 11";
    expect(stage.dead_letters(9).await, left)?;
    let report = stage.journal.view(id(3)).await.ok().flatten();
    let outcome = report.and_then(|report| report.delivery("b").and_then(|b| b.outcome));
    expect(format!("{outcome:?}"), "Some(Expired)")
}

pub(super) async fn replayed(stage: Stage) -> Checked {
    six(&stage).await?;
    let replay =
        |number, of, to: &str| NewBroadcast { replay_of: Some(id(of)), ..broadcast(number, to) };
    expect(stage.accept(replay(4, 9, "a")).await, "error: no dead letter")?;
    expect(stage.accept(replay(4, 2, "a c")).await, "error: no dead letter")?;
    let all = stage.dead_letters(9).await;
    expect(stage.accept(replay(4, 2, "a")).await, "new 4")?;
    let left = all.replace("2/a failed of permanent at 20, ", "");
    expect(stage.dead_letters(9).await, &left)?;
    expect(stage.accept(replay(5, 2, "a")).await, "error: no dead letter")?;
    expect(stage.accept(replay(4, 2, "a")).await, "same 4")?;
    let a = stage.claim("a", 1).await?;
    stage.append(&a, &[settled((4, "a"), FAILED)], 40).await;
    expect(stage.dead_letters(9).await, format!("4/a failed of permanent at 40, {left}"))?;
    let report = stage.journal.view(id(4)).await.ok().flatten();
    let of = report.and_then(|report| report.replay_of);
    expect(format!("{of:?}"), format!("{:?}", Some(id(2))))
}

pub(super) async fn broadcasts(stage: Stage) -> Checked {
    six(&stage).await?;
    stage.accept(broadcast(4, "c")).await;
    let list = async |filter: BroadcastFilter, before: Option<BroadcastId>, count_max| match stage
        .journal
        .broadcasts(&filter, before, count_max)
        .await
    {
        Ok(found) => {
            let ids = found.iter().map(|it| it.id.0.as_u128().to_string());
            ids.collect::<Vec<_>>().join(" ")
        }
        Err(error) => telling::error(error),
    };
    let any = BroadcastFilter::default;
    expect(list(any(), None, 9).await, "4 3 2 1")?;
    expect(list(any(), None, 2).await, "4 3")?;
    expect(list(any(), Some(id(3)), 9).await, "2 1")?;
    expect(list(BroadcastFilter { settled: Some(false), ..any() }, None, 9).await, "4")?;
    expect(list(BroadcastFilter { settled: Some(true), ..any() }, None, 9).await, "3 2 1")?;
    expect(list(BroadcastFilter { satisfied: Some(false), ..any() }, None, 9).await, "3 2 1")?;
    expect(list(BroadcastFilter { satisfied: Some(true), ..any() }, None, 9).await, "")?;
    let route = || Some("route 1".to_owned());
    expect(list(BroadcastFilter { route: route(), ..any() }, None, 9).await, "3 1")?;
    let routes = |of: &[&str]| Some(of.iter().map(|it| (*it).to_owned()).collect());
    let bound = |of: &[&str]| BroadcastFilter { routes: routes(of), ..any() };
    expect(list(bound(&["route 1", "x"]), None, 9).await, "3 1")?;
    expect(list(bound(&["route 1", "route 0"]), None, 2).await, "3 2")?;
    expect(list(bound(&[]), None, 9).await, "")?;
    let to = || Some("c".into());
    expect(list(BroadcastFilter { target: to(), ..any() }, None, 9).await, "4")?;
    let both = BroadcastFilter { target: to(), route: route(), ..any() };
    expect(list(both, None, 9).await, "")?;
    expect(list(BroadcastFilter { from: Some(at(2)), ..any() }, None, 9).await, "")?;
    expect(list(BroadcastFilter { until: Some(at(2)), ..any() }, None, 9).await, "4 3 2 1")
}

pub(super) async fn serving(stage: Stage) -> Checked {
    let serving = async || match stage.journal.serving().await {
        Ok(mut found) => {
            found.sort();
            found
                .iter()
                .map(|(name, count)| format!("{name} {count}"))
                .collect::<Vec<_>>()
                .join(", ")
        }
        Err(error) => telling::error(error),
    };
    expect(serving().await, "")?;
    stage.accept(broadcast(1, "a b")).await;
    stage.accept(broadcast(2, "a")).await;
    let a = stage.claim("a", 1).await?;
    stage.append(&a, &[moved((2, "a"), "c", 3)], 3).await;
    expect(serving().await, "a 1, b 1, c 1")?;
    stage.append(&a, &[settled((1, "a"), Outcome::Expired)], 4).await;
    expect(serving().await, "b 1, c 1")
}

pub(super) async fn boots(stage: Stage) -> Checked {
    let first = stage.journal.boot(at(5)).await;
    let second = stage.journal.boot(at(6)).await;
    let grows = first.is_ok() && first.ok() < second.ok();
    expect(grows.to_string(), "true")
}

pub(super) async fn said_last(stage: Stage) -> Checked {
    let a = stage.claim("a", 1).await?;
    stage.accept(broadcast(1, "a b")).await;
    let said = async || {
        let mut told = Vec::new();
        for of in [(1, "a"), (1, "b"), (2, "a")] {
            let said = stage.journal.said_last(&delivery(of)).await;
            let message = |it: &Option<Said>| it.as_ref()?.message.clone();
            told.push(telling::answer(said, |it| message(it).unwrap_or_default()));
        }
        told.join(", ")
    };
    expect(said().await, ", , ")?;
    stage.append(&a, &[started((1, "a"), 1, 1)], 2).await;
    expect(said().await, ", , ")?;
    stage.record((1, "a"), ended(1, Meaning::Retry, 3)).await;
    stage.append(&a, &[started((1, "a"), 2, 1)], 4).await;
    let mut busy = ended(2, Meaning::Retry, 5);
    if let Event::Ended(ended) = &mut busy {
        let body = r#"{"error":"busy"}"#.into();
        ended.reply = Some(CapturedReply { body, ..CapturedReply::default() }.into());
    }
    stage.record((1, "a"), busy).await;
    stage.append(&a, &[settled((1, "a"), FAILED)], 6).await;
    expect(said().await, "busy, , ")
}
