//! What nine targets feel of a tenth that is ill: their latency beside it, as a ratio to that beside a healthy one.
//!
//! `cargo bench --bench isolation -- [--quick] [--rounds N] [--check]`; the rules of the measurement are in
//! docs/performance.md.

mod ill;
mod load;
mod ours;
mod rival;
mod server;
#[path = "../fanout/summary.rs"]
mod summary;
mod table;
#[path = "../fanout/tls.rs"]
mod tls;

use std::{
    error::Error,
    io::{self, Write as _},
    process::ExitCode,
};

use self::{
    ill::{Ill, SIDES},
    load::{Load, Period},
    ours::Ours,
    rival::Rival,
    server::Server,
};

/// Periods of each side.
const ROUNDS: usize = 24;

/// Enough to see that it works, too few to believe it.
const ROUNDS_QUICK: usize = 3;

struct Options {
    rounds: usize,
    check: bool,
}

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            drop(writeln!(io::stderr(), "isolation: {error}"));
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<ExitCode, Box<dyn Error>> {
    let mut options = Options { rounds: ROUNDS, check: false };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            // Cargo says so to every benchmark.
            "--bench" => {}
            "--serve" => {
                server::serve()?;
                return Ok(ExitCode::SUCCESS);
            }
            "--quick" => options.rounds = ROUNDS_QUICK,
            "--check" => options.check = true,
            "--rounds" => {
                options.rounds = args.next().ok_or("`--rounds` needs a number")?.parse()?;
            }
            _ => return Err(format!("`{arg}` is not an option of this benchmark").into()),
        }
    }
    // One thread here and one in the server: on two cores nobody waits for a core.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(&options))
}

/// All sides in turns, then the tables.
async fn measure(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    let server = Server::start()?;
    let mut out = io::stdout().lock();
    let mut over = false;
    writeln!(out, "{}", table::HEAD)?;
    for who in ["fanfare", "join_all"] {
        let mut loads: Vec<(Ill, Box<dyn Load>)> = Vec::new();
        for ill in SIDES {
            loads.push((
                ill,
                match who {
                    "fanfare" => Box::new(Ours::start(&server, ill).await?),
                    // It has no plugin that could panic.
                    _ if ill == Ill::Panics => continue,
                    _ => Box::new(Rival::start(&server, ill)?),
                },
            ));
        }
        for (_, load) in &mut loads {
            load::period(&**load).await;
        }
        let mut periods: Vec<Vec<Period>> = vec![Vec::new(); loads.len()];
        for round in 0..options.rounds {
            // Begins with another one each time, so that none always follows the same.
            for turn in 0..loads.len() {
                let place = (round + turn) % loads.len();
                periods[place].push(load::period(&*loads[place].1).await);
            }
        }
        for (place, (ill, _)) in loads.iter().enumerate().skip(1) {
            let side = table::Side::of(&periods[0], &periods[1], &periods[place]);
            over |= who == "fanfare" && side.is_over();
            writeln!(out, "{}", table::line(who, *ill, &side))?;
        }
        for (_, load) in loads {
            load.end().await;
        }
    }
    Ok(if over && options.check { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
