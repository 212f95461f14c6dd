//! A journal with much that is open: how soon an engine has it, and how much memory it takes.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use fanfare::{
    Broadcast, Engine, Target,
    engine::EngineBuilder,
    journal::{Journal, SqliteJournal, SqliteSettings},
    sdk::Payload,
    targets::HttpTarget,
};
use futures_util::StreamExt;
use tempfile::TempDir;
use tokio::time::sleep;

use super::{Line, Res, now};

/// Recipients of each broadcast.
const TARGETS: [&str; 2] = ["a", "b"];

/// What is held at once of one target, unless said otherwise.
const QUEUE: usize = 10_000;

pub(super) fn measure(quick: bool) -> Res<Vec<Line>> {
    let open = if quick { 2_000 } else { 100_000 };
    let folder = TempDir::new()?;
    let file = folder.path().join("journal.db");
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(fill(&file, open))?;
    let begun = now();
    let took = runtime.block_on(async {
        // Both targets are paused, so that what is loaded can be counted.
        let engine = engine(&file, open)?.start().await?;
        while held(&engine).await < open {
            sleep(Duration::from_millis(2)).await;
        }
        Res::Ok(begun.elapsed().as_secs_f64())
    })?;
    Ok(vec![Line {
        what: format!("recovery of {open} open deliveries, until all are loaded"),
        seen: format!("{took:.2} s"),
        budget: "below 5 s",
        within: Some(took < 5.0),
    }])
}

pub(super) fn memory(quick: bool) -> Res<Vec<Line>> {
    let open = if quick { 10_000 } else { 1_000_000 };
    let folder = TempDir::new()?;
    let file = folder.path().join("journal.db");
    tokio::runtime::Runtime::new()?.block_on(fill(&file, open))?;
    // A process of its own: what filled the journal is not to be counted.
    let mut holder = Command::new(std::env::current_exe()?)
        .arg("--hold")
        .arg(&file)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut told = String::new();
    BufReader::new(holder.stdout.take().ok_or("no answer")?).read_line(&mut told)?;
    holder.wait()?;
    let bytes: f64 = told.trim().parse()?;
    Ok(vec![Line {
        what: format!("memory with {open} pending deliveries"),
        seen: format!("{:.0} MB", bytes / 1e6),
        budget: "below 300 MB",
        within: Some(bytes < 300e6),
    }])
}

/// Opens it as the daemon does, and says the most memory that it took.
pub(super) fn hold(file: &str) -> Res<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let engine = engine(Path::new(file), QUEUE)?.start().await?;
        while held(&engine).await < TARGETS.len() * QUEUE.min(5_000) {
            sleep(Duration::from_millis(10)).await;
        }
        let status = fs::read_to_string("/proc/self/status")?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = peak.and_then(|it| it.trim().trim_end_matches(" kB").parse::<u64>().ok());
        use std::io::Write as _;
        writeln!(std::io::stdout(), "{}", kilobytes.ok_or("no VmHWM")? * 1_024)?;
        Res::Ok(())
    })
}

/// A journal in which so many deliveries are open, all of them due, for paused targets.
async fn fill(file: &Path, open: usize) -> Res<()> {
    let engine = engine(file, QUEUE)?.start().await?;
    for target in TARGETS {
        engine.pause_target(target).await?;
    }
    let payload = Payload::json(&serde_json::json!({ "customer": { "name": "Ada Lovelace" } }));
    let sending = (0..open / TARGETS.len()).map(|_| {
        let broadcast = TARGETS.iter().fold(Broadcast::new(payload.clone()), |it, to| it.to(*to));
        engine.send(broadcast)
    });
    let mut sending = futures_util::stream::iter(sending).buffer_unordered(256);
    while let Some(sent) = sending.next().await {
        sent?;
    }
    drop(sending);
    engine.drain(Duration::ZERO).await;
    drop(engine);
    // Its actors end, and let the file go.
    while SqliteJournal::open(SqliteSettings::new(file)).is_err() {
        sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

fn engine(file: &Path, queue: usize) -> Res<EngineBuilder> {
    let journal: Arc<dyn Journal> = Arc::new(SqliteJournal::open(SqliteSettings::new(file))?);
    let target = |name: &str| {
        let api = HttpTarget::post("http://127.0.0.1:9/")?;
        Res::Ok(Target::http(name, api).queue_max(queue))
    };
    let mut builder = Engine::builder().journal(journal);
    for name in TARGETS {
        builder = builder.target(target(name)?);
    }
    Ok(builder)
}

/// Deliveries that are in memory.
async fn held(engine: &Engine) -> usize {
    let mut held = 0;
    for target in TARGETS {
        held += engine.target_status(target).await.map_or(0, |status| status.open);
    }
    held
}
