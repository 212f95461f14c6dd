//! Ten thousand targets that have nothing to do.

use std::{error::Error, time::Duration};

use fanfare::engine::{Engine, Target};
use fanfare_http::HttpTarget;

use super::{Line, process, runtime};

const TARGETS: usize = 10_000;

pub(crate) fn measure(share: usize) -> Result<Vec<Line>, Box<dyn Error>> {
    let (count, runtime) = (TARGETS / share, runtime()?);
    runtime.block_on(async {
        // What is made once is no target's: the client, and the first actor.
        let first = Engine::builder().target(target(0)?).start().await?;
        let mut builder = Engine::builder();
        let (before, begun) = (process::resident()?, process::now());
        for place in 0..count {
            builder = builder.target(target(place)?);
        }
        let engine = builder.start().await?;
        // An actor has started when it has read what is open.
        engine.target_status(&name(count - 1)).await.ok_or("the target is there")?;
        let took = begun.elapsed();
        let each = (process::resident()? - before) / count;
        engine.shutdown().await;
        first.shutdown().await;
        Ok(vec![
            Line {
                what: format!("{count} idle targets, one shared client: start"),
                seen: format!("{:.2} s", took.as_secs_f64()),
                budget: "< 1 s",
                within: took < Duration::from_secs(1),
            },
            Line {
                what: format!("{count} idle targets: memory of each"),
                seen: format!("{:.1} KiB", each as f64 / 1_024.0),
                budget: "≤ 16 KiB",
                within: each <= 16 << 10,
            },
        ])
    })
}

fn name(place: usize) -> String {
    format!("t{place}")
}

fn target(place: usize) -> Result<Target, Box<dyn Error>> {
    let api = HttpTarget::post(format!("https://api-{place}.example/v1/orders"))?;
    Ok(Target::http(name(place), api))
}
