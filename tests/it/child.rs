//! The daemon as a process of its own, and how it is asked.

use std::{io, net::SocketAddr, path::Path, process::Stdio};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
    task::JoinSet,
};

/// Lines of its log that are kept.
const LINES_MAX: usize = 10_000;

pub(crate) struct Daemon {
    child: Child,
    pub(crate) address: SocketAddr,
    reading: JoinSet<Vec<Value>>,
}

impl Daemon {
    /// Starts it on the files of a folder, and waits until it listens.
    pub(crate) async fn start(folder: &Path, variables: &[(String, String)]) -> Self {
        Self::start_with(folder, variables, &[]).await
    }

    /// The same, with more arguments.
    pub(crate) async fn start_with(
        folder: &Path,
        variables: &[(String, String)],
        args: &[&str],
    ) -> Self {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::start_at(anywhere, folder, variables, args).await
    }

    /// The same, at that address.
    pub(crate) async fn start_at(
        listen: SocketAddr,
        folder: &Path,
        variables: &[(String, String)],
        args: &[&str],
    ) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fanfare"))
            .args(["serve", "--listen", &listen.to_string()])
            .args(["--log-format", "json"])
            .env("FANFARE_LOG", "info")
            .args(args)
            .current_dir(folder)
            .env_remove("RUST_BACKTRACE")
            .envs(variables.iter().cloned())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut told = String::new();
        let address = loop {
            let line = log.next_line().await.unwrap();
            let Some(line) = line else { panic!("the daemon did not start:\n{told}") };
            let message = serde_json::from_str::<Value>(&line).unwrap_or_default();
            let message = message["message"].as_str().unwrap_or_default();
            match message.split_once("://").filter(|it| it.0.starts_with("listening on http")) {
                Some((_, address)) => break address.parse().unwrap(),
                None => told.extend([&line, "\n"]),
            }
        };
        let mut reading = JoinSet::new();
        reading.spawn(async move {
            let mut said = Vec::new();
            while let Ok(Some(line)) = log.next_line().await {
                said.extend(serde_json::from_str(&line).ok().filter(|_| said.len() < LINES_MAX));
            }
            said
        });
        Self { child, address, reading }
    }

    /// SIGHUP.
    pub(crate) async fn hang_up(&self) {
        let id = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-HUP", &id]).status().await.unwrap().success());
    }

    /// SIGTERM. Gives what it has logged since it listens.
    pub(crate) async fn end_with_log(mut self) -> Vec<Value> {
        let reading = std::mem::take(&mut self.reading);
        assert_eq!(self.end().await, Some(0));
        reading.join_all().await.concat()
    }

    /// SIGTERM. Gives the exit status.
    pub(crate) async fn end(mut self) -> Option<i32> {
        let id = self.child.id().unwrap().to_string();
        let ended = Command::new("kill").args(["-TERM", &id]).status().await.unwrap();
        assert!(ended.success());
        self.child.wait().await.unwrap().code()
    }

    /// `kill -9`.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// Asks, and gives status and body; an error where the answer did not come, or not whole.
pub(crate) async fn ask(
    address: SocketAddr,
    line: &str,
    headers: &str,
    body: &str,
) -> io::Result<(u16, Value)> {
    let mut stream = TcpStream::connect(address).await?;
    let length = body.len();
    let text = format!(
        "{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let cut = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(cut)?;
    let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).ok_or_else(cut)?;
    let length = head.lines().find_map(|it| it.strip_prefix("content-length: "));
    if length.is_some_and(|length| length.parse() != Ok(body.len())) {
        return Err(cut());
    }
    Ok((status, serde_json::from_str(body).unwrap_or_default()))
}
