//! Takes connections, and lets them end.

use std::{future::Future, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{Semaphore, watch},
    time::{sleep, timeout},
};

use super::{Daemon, full::Full, patience::Patient, task};

/// The pause after a connection could not be accepted, mostly since there are no file descriptors left.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// Connections that the system keeps until they are accepted; whom it has no room for believes to be connected, and waits in
/// vain. The system's own limit (`net.core.somaxconn`) may be lower.
const BACKLOG: u32 = 4_096;

/// A socket at that address that connections can come to.
///
/// # Errors
/// Where the address cannot be had.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Who starts again at once finds its address still taken by connections that have ended.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Answers on that socket until `stop` comes; then lets the requests that are being answered end, each within its own
/// limits.
///
/// # Errors
/// Where the socket cannot be used.
pub async fn serve(
    listener: TcpListener,
    daemon: &Arc<Daemon>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let router = daemon.router();
    let connections_max = daemon.limits.connections_max;
    let room = Arc::new(Semaphore::new(connections_max));
    let full = Full::new();
    let (stopping, stopped) = watch::channel(false);
    let mut stop = pin!(stop);
    loop {
        let stream = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_AGAIN).await;
                    continue;
                }
            },
        };
        let Ok(place) = room.clone().try_acquire_owned() else {
            full.turn_away(stream, daemon.tls.is_none());
            continue;
        };
        let (router, daemon, stopped) = (router.clone(), daemon.clone(), stopped.clone());
        task::spawn(async move {
            connection(stream, router, &daemon, stopped).await;
            drop(place);
        });
    }
    drop(listener);
    // Whoever is still connected is told; all places free: nobody is.
    stopping.send_replace(true);
    let all = u32::try_from(connections_max).unwrap_or(u32::MAX);
    drop(room.acquire_many(all).await);
    Ok(())
}

async fn connection(
    stream: TcpStream,
    router: Router,
    daemon: &Daemon,
    mut stopped: watch::Receiver<bool>,
) {
    // Where it cannot be set, answers come a little later.
    drop(stream.set_nodelay(true));
    let stream = Patient::new(stream, daemon.limits.write_timeout);
    let Some(tls) = &daemon.tls else {
        return speak(stream, router, daemon, stopped).await;
    };
    let handshake = timeout(daemon.limits.head_timeout, tls.acceptor().accept(stream));
    let stream = tokio::select! {
        handshake = handshake => handshake,
        _ = stopped.wait_for(|stopped| *stopped) => return,
    };
    // Who does not speak TLS, or shows no certificate where one is asked for, is told by TLS.
    if let Ok(Ok(stream)) = stream {
        speak(stream, router, daemon, stopped).await;
    }
}

async fn speak<I: AsyncRead + AsyncWrite + Unpin + Send>(
    stream: I,
    router: Router,
    daemon: &Daemon,
    mut stopped: watch::Receiver<bool>,
) {
    let limits = &daemon.limits;
    let mut settings = http1::Builder::new();
    settings
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(limits.head_bytes_max)
        .half_close(false);
    let service = TowerToHyperService::new(router);
    let mut connection = pin!(settings.serve_connection(TokioIo::new(stream), service));
    let stopped = async { drop(stopped.wait_for(|stopped| *stopped).await) };
    tokio::select! {
        // Whoever sends nonsense, or goes away, is no trouble of ours.
        ended = connection.as_mut() => drop(ended),
        () = stopped => {
            connection.as_mut().graceful_shutdown();
            drop(connection.await);
        }
    }
}
