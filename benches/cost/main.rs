//! What it costs to wait: idle targets, and deliveries that wait for a repeat.
//!
//! `cargo bench --bench cost -- [--quick] [--check]`; the rules of the measurement are in docs/performance.md.

mod idle;
mod process;
mod storm;
mod waiting;

use std::{
    error::Error,
    io::{self, Write as _},
    process::ExitCode,
};

/// One line of the table.
struct Line {
    what: String,
    seen: String,
    budget: &'static str,
    within: bool,
}

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            drop(writeln!(io::stderr(), "cost: {error}"));
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<ExitCode, Box<dyn Error>> {
    let (mut quick, mut check) = (false, false);
    for arg in std::env::args().skip(1) {
        match arg.as_str() {
            // Cargo says so to every benchmark.
            "--bench" => {}
            "--quick" => quick = true,
            "--check" => check = true,
            _ => return Err(format!("`{arg}` is not an option of this benchmark").into()),
        }
    }
    let share = if quick { 10 } else { 1 };
    let mut out = io::stdout().lock();
    writeln!(out, "| work | seen | budget | verdict |\n| --- | --- | --- | --- |")?;
    let mut over = false;
    for measure in [idle::measure, waiting::measure, storm::measure] {
        for Line { what, seen, budget, within } in measure(share)? {
            over |= !within;
            let verdict = if within { "within" } else { "over" };
            writeln!(out, "| {what} | {seen} | {budget} | {verdict} |")?;
        }
    }
    Ok(if over && check { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A runtime as a program has it.
fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}
