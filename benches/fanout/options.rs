//! What the command line asks for.

use super::{contender::Who, row::Row};

/// Four times each of the six orders in which three batches can run.
const ROUNDS: usize = 24;

/// Enough to see that it works, too few to believe it.
const ROUNDS_QUICK: usize = 6;

/// What this process is to be.
#[derive(Debug)]
pub(crate) enum Mode {
    /// The API on loopback, in a process of its own.
    Serve,
    /// The one that measures.
    Measure(Options),
}

/// How to measure.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) rounds: usize,
    /// Parts of the names of rows; all of them when empty.
    pub(crate) rows: Vec<String>,
    /// Batches of a tenth.
    pub(crate) quick: bool,
    /// Whether a missed budget is a failure.
    pub(crate) check: bool,
    /// One of them only, for a profiler.
    pub(crate) solo: Option<Who>,
}

/// Reads the command line.
pub(crate) fn read(mut args: impl Iterator<Item = String>) -> Result<Mode, String> {
    let (mut rounds, mut rows, mut quick, mut check, mut solo) =
        (None, Vec::new(), false, false, None);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("`{arg}` needs a value"));
        match arg.as_str() {
            // Cargo says so to every benchmark.
            "--bench" => {}
            "--serve" => return Ok(Mode::Serve),
            "--quick" => quick = true,
            "--check" => check = true,
            "--rows" => rows.push(value()?),
            "--rounds" => {
                let count: usize =
                    value()?.parse().map_err(|error| format!("--rounds: {error}"))?;
                rounds = Some(count.max(1));
            }
            "--solo" => solo = Some(value()?.parse()?),
            _ => return Err(format!("`{arg}` is not an option of this benchmark")),
        }
    }
    let rounds = rounds.unwrap_or(if quick { ROUNDS_QUICK } else { ROUNDS });
    Ok(Mode::Measure(Options { rounds, rows, quick, check, solo }))
}

impl Options {
    /// Whether this row was asked for.
    pub(crate) fn wants(&self, row: &Row) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|part| row.name.contains(part.as_str()))
    }

    /// The broadcasts of one batch.
    pub(crate) fn broadcasts(&self, row: &Row) -> usize {
        let deliveries =
            if self.quick { row.size.deliveries() / 10 } else { row.size.deliveries() };
        (deliveries / row.targets).max(row.at_once)
    }
}
