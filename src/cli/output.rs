//! How the program speaks: results to standard output, all else to standard error.

use std::io::{self, Write};

/// Says what is wrong, a line each.
pub(super) fn complain(problems: &[String]) {
    let mut err = anstream::stderr().lock();
    for problem in problems {
        // Where nobody listens there is nothing to be said.
        drop(writeln!(err, "{BOLD_RED}error{RESET}: {problem}"));
    }
}

/// Writes a result; colours only where they are seen. That nobody reads it changes nothing of the result.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Writes beside the result.
pub(super) fn print_aside(text: &str) -> io::Result<()> {
    anstream::stderr().lock().write_all(text.as_bytes())
}

use anstyle::{AnsiColor, Reset, Style};

const BOLD_RED: Style = AnsiColor::Red.on_default().bold();
const RESET: Reset = Reset;
