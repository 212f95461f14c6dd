//! What fanfare adds to a request: CPU time per delivery beside hand-written code.
//!
//! `cargo bench --bench fanout -- [--quick] [--rounds N] [--rows NAME] [--check] [--solo join_all|axios|fanfare|engine]`;
//! the rules of the measurement are in docs/performance.md.

mod axios;
mod batch;
mod contender;
mod exporting;
mod fanfare;
mod join_all;
mod options;
mod payload;
mod rounds;
mod row;
mod server;
mod stage;
mod summary;
mod table;
mod tls;

use std::{
    error::Error,
    io::{self, Write as _},
    process::ExitCode,
};

use self::{
    options::{Mode, Options},
    row::ROWS,
    server::Server,
    table::Verdict,
};

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            drop(writeln!(io::stderr(), "fanout: {error}"));
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<ExitCode, Box<dyn Error>> {
    let options = match options::read(std::env::args().skip(1))? {
        Mode::Serve => {
            server::serve()?;
            return Ok(ExitCode::SUCCESS);
        }
        Mode::Measure(options) => options,
    };
    let server = Server::start()?;
    if let Some(who) = options.solo {
        if let Some(why) = who.missing() {
            writeln!(io::stdout(), "skipped: {why}")?;
            return Ok(ExitCode::SUCCESS);
        }
        for row in ROWS.iter().filter(|row| options.wants(row)) {
            let micros = rounds::solo(row, who, &server, &options)?;
            writeln!(io::stdout(), "{}: {who} alone, {micros:.2} µs per delivery", row.name)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    measure(&server, &options)
}

/// Prints the table, a row as soon as it is known.
fn measure(server: &Server, options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", table::HEAD)?;
    let mut over = false;
    for row in ROWS.iter().filter(|row| options.wants(row)) {
        if let Some(why) = row.missing() {
            writeln!(out, "{}", table::skipped(row, &why))?;
            continue;
        }
        let measured = rounds::compare(row, server, options)?;
        let verdict = table::verdict(row, &measured);
        over |= verdict == Verdict::Over;
        writeln!(out, "{}", table::line(row, &measured, verdict))?;
    }
    Ok(if over && options.check { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
