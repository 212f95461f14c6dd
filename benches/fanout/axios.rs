//! The rival on Node: axios in a process of its own, which says itself what a batch has cost it.

use std::{
    error::Error,
    fs,
    io::{self, BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{contender::Contender, row::Row, stage::Stage};

const PACKAGE: &str = include_str!("axios/package.json");
const LOCK: &str = include_str!("axios/package-lock.json");
const PROGRAM: &str = include_str!("axios/rival.mjs");

/// A copy of the lock file: written when everything in it is installed.
const INSTALLED: &str = "installed.json";

/// A process of Node. It ends with this value, and with this process.
#[derive(Debug)]
pub(crate) struct Axios<'a> {
    row: &'a Row,
    process: Child,
    // Invariant: there until this value is dropped.
    asks: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// What the process says of a batch.
#[derive(Deserialize, Debug)]
#[serde(rename_all = "camelCase")]
struct Spent {
    cpu_micros: u64,
    delivered: usize,
}

/// Makes sure that there are Node, the program, and the packages of its lock file. They are installed at the first use,
/// among the build's own files.
///
/// # Errors
/// What this machine lacks, in words.
pub(crate) fn install() -> Result<(), String> {
    for program in ["node", "npm"] {
        let mut command = Command::new(program);
        let version = command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !version.is_ok_and(|status| status.success()) {
            return Err(format!("{program} is not installed"));
        }
    }
    install_into(&folder()).map_err(|error| format!("axios cannot be installed: {error}"))
}

fn install_into(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("rival.mjs"), PROGRAM)?;
    if fs::read_to_string(folder.join(INSTALLED)).is_ok_and(|lock| lock == LOCK) {
        return Ok(());
    }
    // What is half installed is not to be taken for what was installed before.
    fs::write(folder.join(INSTALLED), "")?;
    fs::write(folder.join("package.json"), PACKAGE)?;
    fs::write(folder.join("package-lock.json"), LOCK)?;
    writeln!(io::stderr(), "fanout: installing axios into {}", folder.display())?;
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder);
    let status = npm.stdin(Stdio::null()).stdout(Stdio::null()).status()?;
    if !status.success() {
        return Err(io::Error::other(format!("npm ci: {status}")));
    }
    fs::write(folder.join(INSTALLED), LOCK)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("fanout-axios")
}

impl<'a> Axios<'a> {
    /// Runs the program with the addresses and the payload of the row.
    pub(crate) fn start(stage: &'a Stage<'_>) -> Result<Self, Box<dyn Error>> {
        let mut command = Command::new("node");
        command.arg(folder().join("rival.mjs")).env("NODE_ENV", "production");
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (asks, answers) = (process.stdin.take(), process.stdout.take());
        let answers = BufReader::new(answers.ok_or("the process has no standard output")?);
        let mut axios = Self { row: stage.row, process, asks, answers };
        let versions: Value =
            axios.ask(&json!({ "urls": stage.urls(), "payload": *stage.payload }))?;
        writeln!(io::stderr(), "fanout: {versions}")?;
        Ok(axios)
    }

    fn ask<T: for<'de> Deserialize<'de>>(&mut self, what: &Value) -> Result<T, Box<dyn Error>> {
        let asks = self.asks.as_mut().ok_or("the process has no standard input")?;
        writeln!(asks, "{what}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        serde_json::from_str(&line).map_err(|error| format!("axios says `{line}`: {error}").into())
    }
}

impl Contender for Axios<'_> {
    fn batch(&mut self, broadcasts: usize) -> Result<Duration, Box<dyn Error>> {
        let at_once = self.row.at_once;
        let spent: Spent = self.ask(&json!({ "broadcasts": broadcasts, "atOnce": at_once }))?;
        let deliveries = broadcasts * self.row.targets;
        if spent.delivered != deliveries {
            return Err(format!("axios: {} of {deliveries} delivered", spent.delivered).into());
        }
        Ok(Duration::from_micros(spent.cpu_micros))
    }
}

impl Drop for Axios<'_> {
    fn drop(&mut self) {
        // Closes its standard input, which ends it.
        drop(self.asks.take());
        drop(self.process.wait());
    }
}
