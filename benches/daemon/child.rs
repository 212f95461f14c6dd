//! A daemon as a process of its own, and a client with one connection.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use crate::Res;

pub(crate) struct Daemon {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Daemon {
    /// On a configuration, in a folder.
    pub(crate) fn start(folder: &Path, config: &str) -> Res<Self> {
        Self::start_with(folder, config, (&[], &[]))
    }

    /// The same, with more arguments, and an environment.
    pub(crate) fn start_with(
        folder: &Path,
        config: &str,
        (args, env): (&[&str], &[(&str, String)]),
    ) -> Res<Self> {
        fs::write(folder.join("fanfare.yaml"), config)?;
        let mut child = Command::new(env!("CARGO_BIN_EXE_fanfare"))
            .args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json"])
            .args(args)
            .envs(env.iter().map(|(name, value)| (name, value)))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut log = BufReader::new(child.stderr.take().ok_or("no log")?).lines();
        let address = loop {
            let line = log.next().ok_or("the daemon did not start")??;
            if let Some((_, rest)) = line.split_once("listening on http://") {
                break rest.split('"').next().unwrap_or_default().parse()?;
            }
        };
        // What nobody reads would hold it up.
        thread::spawn(move || log.for_each(drop));
        Ok(Self { child, address })
    }

    /// The CPU time that it has used, in seconds: user and system, in hundredths (proc(5)).
    pub(crate) fn cpu(&self) -> Res<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let ticks =
            |at| after_name.split_whitespace().nth(at).and_then(|it| it.parse::<f64>().ok());
        Ok((ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / 100.0)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// One connection that stays open.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    line: String,
    body: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Res<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), line: String::new(), body: Vec::new() })
    }

    /// Sends a request, and gives the status of its answer.
    pub(crate) fn ask(&mut self, request: &[u8]) -> Res<u16> {
        self.stream.get_mut().write_all(request)?;
        let (mut status, mut length) = (0, 0);
        loop {
            self.line.clear();
            if self.stream.read_line(&mut self.line)? == 0 {
                return Err("the connection has ended".into());
            }
            let line = self.line.trim_end();
            if line.is_empty() {
                break;
            }
            if status == 0 {
                status = line.split(' ').nth(1).unwrap_or_default().parse()?;
            } else if let Some(told) = line.strip_prefix("content-length: ") {
                length = told.parse()?;
            }
        }
        self.body.resize(length, 0);
        self.stream.read_exact(&mut self.body)?;
        Ok(status)
    }
}

impl Client {
    /// The body of the last answer.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }
}

/// A POST with that body.
pub(crate) fn post(path: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         {headers}\r\n{body}"
    )
    .into_bytes()
}
