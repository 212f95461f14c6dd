//! Checks of what happens at the door.

use fanfare_sdk::TargetName;

use super::{
    script::{DELIVERED, broadcast, id, keyed, settled},
    stage::Stage,
    suite::{Checked, broken, expect},
    telling,
};
use crate::journal::NewBroadcast;

pub(super) async fn view(stage: Stage) -> Checked {
    expect(stage.view(1).await, "not known")?;
    expect(stage.accept(broadcast(1, "b a?")).await, "new 1")?;
    expect(stage.view(1).await, "1 open: b pending [nothing]; a pending [nothing]")?;
    let report = match stage.journal.view(id(1)).await {
        Ok(Some(report)) => report,
        Ok(None) => return Err(broken("nothing", "a report")),
        Err(error) => return Err(broken(telling::error(error), "a report")),
    };
    let required: Vec<bool> = report.deliveries.iter().map(|d| d.required).collect();
    let spans: Vec<u8> = report.deliveries.iter().map(|d| d.span_id[0]).collect();
    let told = (
        report.route,
        report.trace.trace_id[0],
        report.trace.span_id[0],
        report.accepted_at.as_micros(),
    );
    expect(
        format!("{told:?} {required:?} {spans:?}"),
        "(Some(\"signup\"), 1, 1, 1) [true, false] [2, 2]",
    )
}

pub(super) async fn same_id(stage: Stage) -> Checked {
    expect(stage.accept(broadcast(1, "a")).await, "new 1")?;
    expect(stage.accept(broadcast(1, "a")).await, "same 1")?;
    let a = stage.claim("a", 1).await?;
    expect(stage.all(&a).await, "1/a at a due 1 [nothing]")
}

pub(super) async fn same_key(stage: Stage) -> Checked {
    expect(stage.accept(keyed(1, "key", 1)).await, "new 1")?;
    expect(stage.accept(keyed(2, "key", 1)).await, "same 1")?;
    expect(stage.accept(keyed(3, "another key", 1)).await, "new 3")?;
    expect(stage.view(2).await, "not known")?;
    let [a, b] = [stage.claim("a", 1).await?, stage.claim("b", 1).await?];
    stage.append(&a, &[settled((1, "a"), DELIVERED)], 2).await;
    let last = stage.append(&b, &[settled((1, "b"), DELIVERED)], 3).await;
    expect(last, "verdict 1 satisfied by all at 3, settled 1")?;
    // As long as it is kept, a settled broadcast answers for its key.
    expect(stage.accept(keyed(4, "key", 1)).await, "same 1")
}

pub(super) async fn key_reused(stage: Stage) -> Checked {
    expect(stage.accept(keyed(1, "key", 1)).await, "new 1")?;
    expect(stage.accept(keyed(2, "key", 2)).await, "error: key reused")?;
    expect(stage.view(2).await, "not known")?;
    expect(stage.accept(keyed(3, "key", 1)).await, "same 1")
}

pub(super) async fn twice(stage: Stage) -> Checked {
    expect(stage.accept(broadcast(1, "a b a")).await, "error: invalid")?;
    expect(stage.accept(broadcast(2, &format!("{} r1", names(40)))).await, "error: invalid")?;
    expect(format!("{}, {}", stage.view(1).await, stage.view(2).await), "not known, not known")
}

pub(super) async fn refused(stage: Stage) -> Checked {
    let mut doubled = keyed(1, "key", 1);
    doubled.recipients.extend(doubled.recipients.clone());
    expect(stage.accept(doubled).await, "error: invalid")?;
    expect(stage.open().await, "nothing")?;
    let a = stage.claim("a", 1).await?;
    expect(stage.all(&a).await, "nothing")?;
    // Neither the id nor the key is taken.
    expect(stage.accept(keyed(1, "key", 2)).await, "new 1")
}

pub(super) async fn many(stage: Stage) -> Checked {
    expect(stage.accept(broadcast(1, &names(40))).await, "new 1")?;
    for number in (0..40).rev() {
        let name = format!("r{number}");
        let claim = stage.claim(&name, 1).await?;
        let due = format!("1/{name} at {name} due 1 [nothing]");
        expect(stage.all(&claim).await, due)?;
        let last =
            if number == 0 { "verdict 1 satisfied by all at 2, settled 1" } else { "nothing" };
        expect(stage.append(&claim, &[settled((1, &name), DELIVERED)], 2).await, last)?;
    }
    let NewBroadcast { recipients, .. } = broadcast(1, &names(40));
    let stood = |name: &TargetName| format!("{name} delivered by 1 at 2 [nothing]");
    let stood: Vec<_> = recipients.iter().map(|r| stood(&r.recipient)).collect();
    let report = format!("1 satisfied by all at 2, settled at 2: {}", stood.join("; "));
    expect(stage.view(1).await, report)
}

fn names(count: usize) -> String {
    (0..count).map(|number| format!("r{number} ")).collect()
}
