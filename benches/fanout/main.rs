//! What fanfare adds to a request: CPU time per delivery beside a hand-written `join_all` over reqwest.
//!
//! `cargo bench --bench fanout -- [--quick] [--rounds N] [--rows NAME] [--check] [--solo rival|fanfare|engine]`;
//! the rules of the measurement are in docs/performance.md.

mod batch;
mod contender;
mod fanfare;
mod options;
mod payload;
mod rival;
mod rounds;
mod row;
mod server;
mod summary;
mod table;

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
    if let Some(side) = options.solo {
        for row in ROWS.iter().filter(|row| options.wants(row)) {
            let micros = rounds::solo(row, side, &server, &options)?;
            writeln!(io::stdout(), "{}: {side} alone, {micros:.2} µs per delivery", row.name)?;
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
        let measured = rounds::compare(row, server, options)?;
        let verdict = table::verdict(row, &measured);
        over |= verdict == Verdict::Over;
        writeln!(out, "{}", table::line(row, &measured, verdict))?;
    }
    Ok(if over && options.check { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
