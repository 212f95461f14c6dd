//! A target that is not HTTP: it appends every payload to a file, beside one that always fails.
//!
//! `cargo run --example custom_target`

use std::{
    error::Error,
    io::{self, Write},
    path::PathBuf,
};

use fanfare::{
    Broadcast, Engine, Target,
    sdk::{ApiTarget, Attempt, Effect, Meaning, Reply, SendError, SendErrorKind, async_trait},
};

/// Appends every payload to a file, one a line.
#[derive(Debug)]
struct Appender(PathBuf);

#[async_trait]
impl ApiTarget for Appender {
    async fn send(&self, attempt: Attempt) -> Result<Reply, SendError> {
        let failed = |effect| {
            move |error: io::Error| {
                SendError::new(SendErrorKind::Other, Meaning::Retry, effect).because(error)
            }
        };
        let mut file = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&self.0)
            .map_err(failed(Effect::None))?;
        // From here on a failure leaves a doubt: half of a line may have been written.
        attempt.progress.sending();
        let line = [attempt.payload.bytes(), &b"\n"[..]].concat();
        file.write_all(&line).map_err(failed(Effect::Unknown))?;
        Ok(Reply::accepted(format!("{} bytes", line.len())))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::temp_dir().join("fanfare-custom-target.jsonl");
    let engine = Engine::builder()
        .target(Target::new("file", Appender(path.clone())))
        .target(Target::new("nowhere", Appender("/no/such/folder/x".into())))
        .start()
        .await?;
    let payload = serde_json::json!({ "message": "Hello, file!" });
    let report = engine.broadcast(Broadcast::json(&payload).to("file").optional("nowhere")).await?;
    let mut out = io::stdout();
    for delivery in &report.deliveries {
        let outcome = delivery.outcome.ok_or("a settled delivery has an outcome")?;
        writeln!(out, "{}: {outcome}, {} attempt(s)", delivery.target, delivery.attempts.len())?;
    }
    writeln!(out, "satisfied: {}; see {}", report.satisfied(), path.display())?;
    Ok(())
}
