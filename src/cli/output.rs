//! How the program speaks: results to standard output, all else to standard error.
//!
//! Live lines stand at the end of standard error. Whatever else is written erases them first; they come back with
//! the next frame. The cursor is never hidden: nothing has to be put right, however the program ends.

use std::{
    io::{self, Write},
    sync::Mutex,
    thread,
};

use anstream::{AutoStream, ColorChoice, adapter::strip_str};
use anstyle::{AnsiColor, Style};

use super::screen;

const BOLD_RED: Style = AnsiColor::Red.on_default().bold();
const BOLD_YELLOW: Style = AnsiColor::Yellow.on_default().bold();

/// The live lines that stand on the terminal: how many columns each of them takes.
static LIVE: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// Says what is wrong, a line each.
pub(super) fn complain(problems: &[String]) {
    erase(screen::columns());
    let mut err = anstream::stderr().lock();
    for problem in problems {
        // Where nobody listens there is nothing to be said.
        drop(writeln!(err, "{BOLD_RED}error{BOLD_RED:#}: {problem}"));
    }
}

/// Says what does no harm to the result.
pub(super) fn warn(says: &str) {
    erase(screen::columns());
    // Where nobody listens there is nothing to be said.
    drop(writeln!(anstream::stderr().lock(), "{BOLD_YELLOW}warning{BOLD_YELLOW:#}: {says}"));
}

/// Writes a result; colours only where they are seen. That nobody reads it changes nothing of the result.
pub(super) fn print(text: &str) -> io::Result<()> {
    erase(screen::columns());
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Writes a line of a result that has no end. Says when nobody reads it any more.
pub(super) fn line(text: &str) -> io::Result<()> {
    erase(screen::columns());
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush())
}

/// Writes beside the result.
pub(super) fn print_aside(text: &str) -> io::Result<()> {
    erase(screen::columns());
    anstream::stderr().lock().write_all(text.as_bytes())
}

/// Puts these live lines, each of them with its line end, in the place of those that stand there.
pub(super) fn redraw(lines: &str, columns: usize) {
    change(lines, columns);
}

/// Takes the live lines away.
pub(super) fn erase(columns: usize) {
    change("", columns);
}

fn change(lines: &str, columns: usize) {
    // Whoever panics while it draws says so without it.
    let live = if thread::panicking() { LIVE.try_lock().ok() } else { LIVE.lock().ok() };
    let Some(mut live) = live else { return };
    if live.is_empty() && lines.is_empty() {
        return;
    }
    let mut err = io::stderr().lock();
    let colours = AutoStream::choice(&err) != ColorChoice::Never;
    // Only colours are taken away: `anstream` would take the moves of the cursor too.
    let lines = if colours { lines.to_owned() } else { strip_str(lines).to_string() };
    let (text, widths) = screen::replace(&live, &lines, columns);
    *live = widths;
    drop(err.write_all(text.as_bytes()).and_then(|()| err.flush()));
}
