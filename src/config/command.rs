//! What a command prints: a secret that another program keeps.

use std::{
    io::{self, Read},
    path::Path,
    process::{ChildStdout, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use fanfare_sdk::Secret;

/// Bytes that a command may print: a secret, not a book.
const BYTES_MAX: u64 = 64 << 10;

/// How long a command may take: long enough for a store of secrets in another country. Whoever starts, or takes another
/// configuration over, waits for it.
const TIME_MAX: Duration = Duration::from_secs(10);

/// What `sh -c COMMAND` prints, without the line break at its end. It begins in `directory`, reads nothing, and what it says
/// on its standard error goes where ours goes. Blocks until it has ended.
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
    let mut child = shell.spawn().map_err(|error| format!("cannot be started: {error}"))?;
    let Some(stdout) = child.stdout.take() else { return Err("prints nothing".to_owned()) };
    let (tell, told) = mpsc::channel();
    // It ends with the last process that holds the other end.
    thread::spawn(move || tell.send(whole(stdout)));
    let Ok(text) = told.recv_timeout(time_max) else {
        // It may have ended in the meantime.
        drop(child.kill());
        drop(child.wait());
        return Err(format!("takes longer than {} s", time_max.as_secs()));
    };
    let status = child.wait().map_err(|error| format!("cannot be waited for: {error}"))?;
    if !status.success() {
        return Err(format!("ended with {status}"));
    }
    let text = text.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => "does not print text".to_owned(),
        _ => format!("cannot be read: {error}"),
    })?;
    if text.expose().len() as u64 > BYTES_MAX {
        return Err(format!("prints more than {BYTES_MAX} bytes"));
    }
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

#[cfg(test)]
mod tests {
    use std::{path::Path, time::Duration};

    use super::{printed, printed_within};

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
        let told = printed_within("sleep 60", Path::new(""), Duration::ZERO);
        assert_eq!(told.map(drop), Err("takes longer than 0 s".to_owned()));
    }
}
