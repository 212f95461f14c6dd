//! The API on loopback, in another process, so that its work is not counted: HTTP/1.1 with kept connections and a
//! fixed answer, and as little else as possible.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, Command, Stdio},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// Hosts to listen as. A target has an address of its own, as APIs do.
pub(crate) const HOSTS: usize = 10;

/// A request's bytes, head and content. Longer ones are cut off.
const REQUEST_BYTES_MAX: usize = 4 * 1024 * 1024;

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 27\r\n\r\n{\"id\":4711,\"accepted\":true}";

/// Each host is a collector of traces too.
const TRACES: &[u8] = b"POST /v1/traces ";

/// An empty `ExportTraceServiceResponse`: everything was accepted (OTLP/HTTP).
const ANSWER_TO_TRACES: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";

/// The other process. It ends with this value, and with this process.
#[derive(Debug)]
pub(crate) struct Server {
    process: Child,
    ports: Vec<u16>,
}

impl Server {
    /// Runs this program again, as a server.
    pub(crate) fn start() -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut process =
            command.arg("--serve").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let ports: Result<Vec<u16>, _> = line.split_whitespace().map(str::parse).collect();
        let ports = ports.map_err(io::Error::other)?;
        if ports.len() != HOSTS {
            return Err(io::Error::other(format!("the server says `{line}` instead of its ports")));
        }
        Ok(Self { process, ports })
    }

    /// The address of a path at one of its hosts.
    pub(crate) fn url(&self, host: usize, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.ports[host])
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Closes its standard input, which ends it.
        drop(self.process.stdin.take());
        drop(self.process.wait());
    }
}

/// Serves until standard input is closed.
pub(crate) fn serve() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let mut hosts = JoinSet::new();
        let mut ports = Vec::new();
        for _ in 0..HOSTS {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            ports.push(listener.local_addr()?.port().to_string());
            hosts.spawn(host(listener));
        }
        writeln!(io::stdout(), "{}", ports.join(" "))?;
        let mut parent = JoinSet::new();
        parent.spawn_blocking(|| io::stdin().read_to_end(&mut Vec::new()));
        parent.join_next().await;
        Ok(())
    })
}

async fn host(listener: TcpListener) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(connection(stream));
        while connections.try_join_next().is_some() {}
    }
}

/// Answers request by request; ends with the connection, and with a request that it does not understand.
async fn connection(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut request = vec![0; REQUEST_BYTES_MAX];
    let (mut filled, mut length) = (0, None);
    loop {
        let read = stream.read(&mut request[filled..]).await?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        length = length.or_else(|| length_of(&request[..filled]));
        if length == Some(filled) {
            let traces = request.starts_with(TRACES);
            stream.write_all(if traces { ANSWER_TO_TRACES } else { ANSWER }).await?;
            (filled, length) = (0, None);
        }
    }
}

/// Bytes of head and content, once the head is there.
fn length_of(request: &[u8]) -> Option<usize> {
    let head = request.windows(4).position(|it| it == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&request[..head]).ok()?;
    let content = text.lines().filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    Some(head + content?)
}
