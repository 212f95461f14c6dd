//! Listens, accepts connections, and ends them all when it is stopped.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use tokio::{net::TcpListener, sync::oneshot, task::JoinSet, time::sleep};

use super::connection;
use crate::{Received, Script, Scripted, received::Log, script::Player};

/// Connections at the same time; the ones beyond are closed at once. Bounds file descriptors.
const CONNECTIONS_MAX: usize = 1024;
/// Before the next try to accept, when the system has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(5);

/// An HTTP API that plays scripts, and keeps what it was asked. Stops when it is dropped.
#[derive(Debug)]
pub struct MockApi {
    address: SocketAddr,
    state: Arc<State>,
    stop: oneshot::Sender<()>,
    tasks: JoinSet<()>,
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct State {
    pub(super) answers: Answers,
    pub(super) log: Log,
    connections: AtomicUsize,
}

/// Where its answers come from.
pub(super) enum Answers {
    Scripts(Player),
    Requests(Box<Answer>),
}

type Answer = dyn Fn(&Request<Bytes>) -> Scripted + Send + Sync;

// === impl Answers ===

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scripts(_) => "Scripts",
            Self::Requests(_) => "Requests",
        })
    }
}

// === impl MockApi ===

impl MockApi {
    /// Starts one that plays the same script whatever it is asked.
    ///
    /// # Panics
    /// When it cannot listen on loopback.
    pub async fn start(script: impl Into<Script>) -> Self {
        Self::by(Answers::Scripts(Player::of(script.into()))).await
    }

    /// Starts one with a script for each path (`/hook`, without query) or host; the first that fits is played.
    /// What fits none is answered 501.
    ///
    /// # Panics
    /// When it cannot listen on loopback.
    pub async fn start_routes<K: Into<String>, S: Into<Script>>(
        routes: impl IntoIterator<Item = (K, S)>,
    ) -> Self {
        Self::by(Answers::Scripts(Player::routes(routes))).await
    }

    /// Starts one that asks the function what becomes of each exchange, once the request has been read: an API with rules.
    /// The URI of the request is path and query.
    ///
    /// # Panics
    /// When it cannot listen on loopback.
    pub async fn answering(
        answer: impl Fn(&Request<Bytes>) -> Scripted + Send + Sync + 'static,
    ) -> Self {
        Self::by(Answers::Requests(Box::new(answer))).await
    }

    async fn by(answers: Answers) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a mock API can listen on loopback");
        let address = listener.local_addr().expect("a listening socket has an address");
        let (log, connections) = (Log::begin(), AtomicUsize::new(0));
        let state = Arc::new(State { answers, log, connections });
        let (stop, stopped) = oneshot::channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&state), stopped));
        Self { address, state, stop, tasks }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a path, which begins with `/`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Every request so far, in the order in which they were read.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.state.log.all()
    }

    /// Waits until that many requests have been read, and gives them all.
    pub async fn at_least(&self, requests: usize) -> Vec<Received> {
        self.state.log.at_least(requests).await
    }

    /// How many connections have been accepted so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// Closes all connections and the port: whoever calls it afterwards is refused.
    pub async fn stop(mut self) {
        drop(self.stop);
        while self.tasks.join_next().await.is_some() {}
    }
}

async fn accept(listener: TcpListener, state: Arc<State>, mut stopped: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if connections.len() < CONNECTIONS_MAX => {
                    state.connections.fetch_add(1, Ordering::Relaxed);
                    connections.spawn(connection::serve(stream, Arc::clone(&state)));
                }
                Ok(_) => {}
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
        }
    }
    drop(listener);
    connections.shutdown().await;
}
