//! What durability costs: broadcasts accepted a second beside bare SQLite, recovery, memory, and what waiting for a verdict
//! adds.
//!
//! `cargo bench --bench daemon -- [--quick] [--check]`; the rules of the measurement are in docs/performance.md.

mod accepts;
mod bare;
mod child;
mod latency;
mod recovery;
mod sink;

use std::{
    error::Error,
    io::{self, Write as _},
    process::ExitCode,
    time::Instant,
};

type Res<T> = Result<T, Box<dyn Error>>;

/// One line of the table.
struct Line {
    what: String,
    seen: String,
    budget: &'static str,
    /// None where there is no budget.
    within: Option<bool>,
}

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            drop(writeln!(io::stderr(), "daemon: {error}"));
            ExitCode::from(2)
        }
    }
}

fn run() -> Res<ExitCode> {
    let (mut quick, mut check) = (false, false);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            // Cargo says so to every benchmark.
            "--bench" => {}
            "--quick" => quick = true,
            "--check" => check = true,
            "--hold" => {
                recovery::hold(&args.next().ok_or("--hold needs a file")?)?;
                return Ok(ExitCode::SUCCESS);
            }
            _ => return Err(format!("`{arg}` is not an option of this benchmark").into()),
        }
    }
    let mut out = io::stdout().lock();
    writeln!(out, "| work | seen | budget | verdict |\n| --- | --- | --- | --- |")?;
    let mut over = false;
    for measure in [
        accepts::measure,
        accepts::switched_on,
        latency::measure,
        recovery::measure,
        recovery::memory,
    ] {
        for Line { what, seen, budget, within } in measure(quick)? {
            over |= within == Some(false);
            let verdict = within.map_or("", |within| if within { "within" } else { "over" });
            writeln!(out, "| {what} | {seen} | {budget} | {verdict} |")?;
        }
    }
    Ok(if over && check { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A benchmark measures real time.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}

/// The middle one.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
