//! What a command prints: a secret that another program keeps.

use std::{
    io::{self, Read},
    path::Path,
    process::{ChildStdout, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use fanfare_sdk::Secret;

/// Bytes that a command may print: a secret, not a book.
const BYTES_MAX: u64 = 64 << 10;

/// How long a command may take, and whatever else a value is waited for: long enough for a store of secrets in another
/// country. Whoever starts, or takes another configuration over, waits for it.
pub(super) const TIME_MAX: Duration = Duration::from_secs(10);

/// What `sh -c COMMAND` prints, without the line break at its end. It begins in `directory`, reads nothing, has no terminal, and
/// what it says on its standard error goes where ours goes. Blocks until it has ended. What it has started goes with it
/// unless it ended with 0.
///
/// # Errors
/// When it cannot be started, ends otherwise than with 0, prints nothing, no text or more than 64 KiB, or takes more than
/// 10 s. What it printed is in no message.
pub(crate) fn printed(command: &str, directory: &Path) -> Result<Secret, String> {
    printed_within(command, directory, TIME_MAX)
}

fn printed_within(command: &str, directory: &Path, time_max: Duration) -> Result<Secret, String> {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).stdin(Stdio::null()).stdout(Stdio::piped());
    if directory != Path::new("") {
        shell.current_dir(directory);
    }
    apart(&mut shell);
    let mut child = shell.spawn().map_err(|error| format!("cannot be started: {error}"))?;
    let Some(stdout) = child.stdout.take() else { return Err("prints nothing".to_owned()) };
    let id = child.id();
    // Its output ends with the last process that holds the other end, and it may go on when it has closed that.
    let printed = within(time_max, move || {
        let text = whole(stdout);
        (text, child.wait())
    });
    let told = printed
        .ok_or_else(|| format!("takes longer than {} s", time_max.as_secs()))
        .and_then(|(text, status)| told(text, status));
    if told.is_err() {
        end(id);
    }
    told
}

fn told(text: io::Result<Secret>, status: io::Result<ExitStatus>) -> Result<Secret, String> {
    let text = text.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => "does not print text".to_owned(),
        _ => format!("cannot be read: {error}"),
    });
    // Whoever prints too much cannot print it all, and may end for that.
    if text.as_ref().is_ok_and(|text| text.expose().len() as u64 > BYTES_MAX) {
        return Err(format!("prints more than {BYTES_MAX} bytes"));
    }
    let status = status.map_err(|error| format!("cannot be waited for: {error}"))?;
    if !status.success() {
        return Err(format!("ended with {status}"));
    }
    let text = text?;
    let text = text.expose();
    match text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text)) {
        "" => Err("prints nothing".to_owned()),
        text => Ok(Secret::new(text.to_owned())),
    }
}

fn whole(stdout: ChildStdout) -> io::Result<Secret> {
    let mut text = String::new();
    stdout.take(BYTES_MAX + 1).read_to_string(&mut text)?;
    Ok(Secret::new(text))
}

/// What is made on a thread of its own; none where it takes longer.
pub(super) fn within<T: Send + 'static>(
    time_max: Duration,
    make: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || tell.send(make()));
    told.recv_timeout(time_max).ok()
}

/// In a process group of its own: what it starts can be ended with it.
#[cfg(unix)]
fn apart(shell: &mut Command) {
    use std::os::unix::process::CommandExt as _;

    shell.process_group(0);
}

#[cfg(not(unix))]
fn apart(_: &mut Command) {}

/// Ends the group of that process.
#[cfg(unix)]
fn end(id: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};

    let group = i32::try_from(id).ok().and_then(Pid::from_raw);
    // It may have ended in the meantime.
    let _ended = group.map(|group| kill_process_group(group, Signal::KILL));
}

#[cfg(not(unix))]
fn end(_: u32) {}

#[cfg(test)]
mod tests {
    use std::{path::Path, time::Duration};

    use super::{printed, printed_within, within};

    #[track_caller]
    fn check(command: &str, expected: &str) {
        let told = printed(command, Path::new("/"));
        assert_eq!(told.map_or_else(|says| says, |it| format!("`{}`", it.expose())), expected);
    }

    #[test]
    fn what_it_prints_is_taken_as_it_is() {
        check("printf 's3cret\\n'", "`s3cret`");
        check("printf ' a\\r\\nb\\r\\n'", "` a\r\nb`");
        check("pwd", "`/`");
        check("cat; echo read", "`read`");
    }

    #[test]
    fn what_it_does_not_print_is_told() {
        check("exit 3", "ended with exit status: 3");
        check("echo s3cret; exit 3", "ended with exit status: 3");
        check("true", "prints nothing");
        check("echo", "prints nothing");
        check("printf '\\377'", "does not print text");
        check("head -c 65536 /dev/zero | tr '\\0' a | wc -c | tr -d ' '", "`65536`");
        check("head -c 65537 /dev/zero | tr '\\0' a", "prints more than 65536 bytes");
        check(
            "trap '' PIPE; head -c 99999999 /dev/zero 2>&1 | tr '\\0' a",
            "prints more than 65536 bytes",
        );
        let told = printed_within("sleep 60", Path::new(""), Duration::ZERO);
        assert_eq!(told.map(drop), Err("takes longer than 0 s".to_owned()));
    }

    /// A command that has closed its output has not ended; and what it has started ends with it: a pipe that those hold says so.
    #[cfg(unix)]
    #[test]
    fn whoever_takes_too_long_ends_with_all_that_it_has_started() {
        let folder = tempfile::tempdir().expect("a folder");
        let fifo = folder.path().join("held");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status();
        assert!(made.is_ok_and(|it| it.success()));
        let command =
            "(sleep 600 | cat) > held & echo s3cret > held; printf x; exec >&-; sleep 600";
        let held = std::thread::spawn(move || std::fs::read_to_string(fifo));
        let told = printed_within(command, folder.path(), Duration::from_secs(1));
        assert_eq!(told.map(drop), Err("takes longer than 1 s".to_owned()));
        let held = held.join().expect("it does not panic").expect("it can be read");
        assert_eq!(held, "s3cret\n", "the last one that held it has ended");
    }

    #[test]
    fn what_never_comes_is_not_waited_for() {
        assert_eq!(within(Duration::from_secs(60), || 5), Some(5));
        let (_never, told) = std::sync::mpsc::channel::<()>();
        assert_eq!(within(Duration::ZERO, move || told.recv()), None);
    }
}
