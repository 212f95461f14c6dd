//! The simulation of the tests, for a night: random targets, policies and faults on a paused clock, seed by seed, and
//! the promises after each of them.
//!
//! `cargo run --release --example simulate -- --seeds 100000`

use std::{
    env,
    io::{self, Write},
    ops::Range,
    process::ExitCode,
};

use simulation::seeds::{Count, play_all, trace};

#[expect(clippy::unwrap_used, reason = "it is a test, and this is one way to run it")]
#[path = "../tests/it/simulation/mod.rs"]
mod simulation;

/// How many seeds end between two lines of progress.
const PROGRESS: u64 = 1_000;

const USAGE: &str = "\
usage: simulate [--seeds COUNT] [--from SEED] [--seed SEED [--trace]] [--broadcasts COUNT]

  --seeds COUNT       how many seeds are played (1000)
  --from SEED         the first of them (0)
  --seed SEED         only that one
  --trace             with all that happens in it
  --broadcasts COUNT  about how many broadcasts are sent in each (100)
";

/// What is asked for.
struct Args {
    seeds: Range<u64>,
    broadcasts: usize,
    trace: bool,
}

fn main() -> ExitCode {
    let Some(args) = parse(env::args().skip(1)) else {
        say(USAGE);
        return ExitCode::from(2);
    };
    if args.trace {
        say(&trace(args.seeds.start, args.broadcasts));
    }
    let (mut count, mut failed) = (Count::default(), 0_u64);
    play_all(args.seeds, args.broadcasts, |played| match played {
        Ok(played) => {
            count.add(played);
            if count.seeds.is_multiple_of(PROGRESS) {
                say(&format!("{count}\n"));
            }
        }
        Err(broken) => {
            failed += 1;
            say(&broken);
        }
    });
    say(&format!("{count}; {failed} seeds break promises\n"));
    ExitCode::from(u8::from(failed > 0))
}

fn parse(mut words: impl Iterator<Item = String>) -> Option<Args> {
    let (mut from, mut count, mut one) = (0_u64, 1_000_u64, None);
    let (mut broadcasts, mut trace) = (100, false);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--seeds" => count = words.next()?.parse().ok()?,
            "--from" => from = words.next()?.parse().ok()?,
            "--seed" => one = Some(words.next()?.parse::<u64>().ok()?),
            "--broadcasts" => broadcasts = words.next()?.parse().ok().filter(|it| *it > 1)?,
            "--trace" => trace = true,
            _ => return None,
        }
    }
    let seeds = match one {
        Some(seed) => seed..seed.checked_add(1)?,
        None => from..from.checked_add(count)?,
    };
    Some(Args { seeds, broadcasts, trace })
}

/// Whoever does not read does not hold it up.
fn say(text: &str) {
    drop(io::stdout().write_all(text.as_bytes()));
}
