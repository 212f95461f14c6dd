//! Checks of what it takes to ask again when nobody knows whether it was written.

use std::sync::Arc;

use fanfare_sdk::Meaning;

use super::{
    script::{DELIVERED, FAILED, due, ended, keyed, moved, settled, started},
    stage::Stage,
    suite::{Checked, expect},
};
use crate::{
    journal::{
        Claim, Entry,
        faulty::{Call, Fault, FaultyJournal},
    },
    report::CancelledBy,
};

/// Every write is made twice: in one life the first answer is lost, in the other the first request.
pub(super) async fn again(stage: Stage) -> Checked {
    let journal = &stage.journal;
    let answer_lost = FaultyJournal::new(Arc::clone(journal), first(Fault::unknown_but_written));
    let request_lost =
        FaultyJournal::new(Arc::clone(journal), first(Fault::unknown_and_not_written));
    live(&Stage::new(Arc::new(answer_lost)), 10).await?;
    live(&Stage::new(Arc::new(request_lost)), 20).await
}

/// The first of every two writes fails.
fn first(fault: fn() -> Fault) -> impl FnMut(Call) -> Fault + Send + 'static {
    let mut writes = 0_u32;
    move |call| match call {
        Call::Accept | Call::Append | Call::Record | Call::AskCancel | Call::Judge => {
            writes += 1;
            if writes % 2 == 1 { fault() } else { Fault::none() }
        }
        Call::Claim
        | Call::Due
        | Call::View
        | Call::OpenBroadcasts
        | Call::DeadLetters
        | Call::Discard
        | Call::Broadcasts
        | Call::Sent
        | Call::Serving
        | Call::Owed
        | Call::Forgo
        | Call::KeepGate => Fault::none(),
    }
}

async fn live(stage: &Stage, number: u128) -> Checked {
    let key = format!("key {number}");
    expect(stage.accept(keyed(number, &key, 1)).await, "error: unknown")?;
    let accepted = stage.accept(keyed(number + 1, &key, 1)).await;
    // Either of them, but one of them.
    let of = if accepted == format!("same {number}") { number } else { number + 1 };
    let new = if of == number { "same" } else { "new" };
    expect(accepted, format!("{new} {of}"))?;
    expect(stage.open().await, of.to_string())?;

    let [a, b] = [stage.claim("a", 1).await?, stage.claim("b", 1).await?];
    twice(stage, &a, &[started((of, "a"), 1, 1), due((of, "a"), 50)]).await?;
    let in_flight = format!("{of}/a at a due 50 [started 1]");
    expect(stage.all(&a).await, in_flight)?;
    let fact = || ended(1, Meaning::Permanent, 4);
    expect(stage.record((of, "a"), fact()).await, "error: unknown")?;
    expect(stage.record((of, "a"), fact()).await, "recorded")?;
    twice(stage, &a, &[moved((of, "a"), "b", 5)]).await?;
    expect(
        stage.all(&b).await,
        format!(
            "{of}/b at b due 1 [nothing]; {of}/a at b due 5 [started 1, ended 1 permanent, moved to b]"
        ),
    )?;
    twice(stage, &b, &[settled((of, "a"), FAILED)]).await?;
    let unsatisfied = format!("{of} unsatisfied by impossible at 3");
    let failed = "a failed of permanent at 3 [1 permanent]";
    expect(stage.view(of).await, format!("{unsatisfied}: {failed}; b pending [nothing]"))?;
    expect(stage.cancel(of, CancelledBy::Caller, 6).await, "error: unknown")?;
    expect(stage.cancel(of, CancelledBy::Caller, 6).await, format!("cancel {of}/b at b"))?;
    expect(stage.all(&b).await, format!("{of}/b at b due 1 [caller cancels at 6]"))?;
    twice(stage, &b, &[settled((of, "b"), DELIVERED)]).await?;
    let settled = format!("{unsatisfied}, settled at 3");
    expect(stage.view(of).await, format!("{settled}: {failed}; b delivered by 1 at 3 [nothing]"))?;
    let more = if number > 10 { ", more" } else { "" };
    expect(stage.dead_letters(1).await, format!("{of}/a failed of permanent at 3{more}"))?;
    expect(stage.open().await, "nothing")
}

async fn twice(stage: &Stage, claim: &Claim, batch: &[Entry]) -> Checked {
    expect(stage.append(claim, batch, 3).await, "error: unknown")?;
    let again = stage.append(claim, batch, 3).await;
    if again.starts_with("error") { expect(again, "no error") } else { Ok(()) }
}
