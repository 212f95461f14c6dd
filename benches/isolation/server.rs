//! Nine healthy APIs and four that are ill, in another process: HTTP/1.1 with kept connections and fixed answers.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::ill::Ill;

/// Targets that are well.
pub(crate) const HEALTHY: usize = 9;

/// After these hosts: one more that is well, and those that are not.
const ILLS: [Ill; 4] = [Ill::Nothing, Ill::BlackHole, Ill::Slow, Ill::Throttles];

const HOSTS: usize = HEALTHY + ILLS.len();

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

const THROTTLED: &[u8] =
    b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 2\r\n\r\n{}";

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
        Ok(Self { process, ports: ports.map_err(io::Error::other)? })
    }

    /// The addresses of ten targets, of which the last one is so.
    pub(crate) fn urls(&self, ill: Ill) -> Vec<String> {
        let last = match ill {
            // A port that nobody listens to, and that nobody may: it is reserved.
            Ill::Dead => 1,
            Ill::Nothing | Ill::Control | Ill::Panics => self.ports[HEALTHY],
            _ => self.ports[HEALTHY + ILLS.iter().position(|it| *it == ill).unwrap_or(0)],
        };
        let url = |port: &u16| format!("http://127.0.0.1:{port}/");
        self.ports[..HEALTHY].iter().chain([&last]).map(url).collect()
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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut hosts = JoinSet::new();
        let mut ports = Vec::new();
        for place in 0..HOSTS {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            ports.push(listener.local_addr()?.port().to_string());
            let ill = place.checked_sub(HEALTHY).map_or(Ill::Nothing, |place| ILLS[place]);
            hosts.spawn(host(listener, ill));
        }
        writeln!(io::stdout(), "{}", ports.join(" "))?;
        let mut parent = JoinSet::new();
        parent.spawn_blocking(|| io::stdin().read_to_end(&mut Vec::new()));
        parent.join_next().await;
        Ok(())
    })
}

async fn host(listener: TcpListener, ill: Ill) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(connection(stream, ill));
        while connections.try_join_next().is_some() {}
    }
}

/// Answers request by request. A request is small: it comes in one piece.
async fn connection(mut stream: TcpStream, ill: Ill) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut request = vec![0; 16 << 10];
    while stream.read(&mut request).await? > 0 {
        match ill {
            Ill::BlackHole => std::future::pending::<()>().await,
            Ill::Slow => tokio::time::sleep(Duration::from_secs(10)).await,
            _ => {}
        }
        let answer = if ill == Ill::Throttles { THROTTLED } else { ANSWER };
        stream.write_all(answer).await?;
    }
    Ok(())
}
