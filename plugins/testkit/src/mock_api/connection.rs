//! One connection: requests one after the other, until one of them is to end it.

use std::{io, sync::Arc};

use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    time::sleep,
};

use super::{
    reply,
    request::{self, Head, Unreadable},
    server::{Answers, State},
};
use crate::{Scripted, script::Ending};

pub(super) type Stream = BufReader<TcpStream>;

/// What becomes of the connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Exchange,
    Close,
}

pub(super) async fn serve(stream: TcpStream, state: Arc<State>) {
    // Nothing is lost without it but time.
    stream.set_nodelay(true).ok();
    let mut stream = BufReader::new(stream);
    // An error is the peer's going away: there is nobody to be told.
    while let Ok(Next::Exchange) = exchange(&mut stream, &state).await {}
}

async fn exchange(stream: &mut Stream, state: &State) -> io::Result<Next> {
    let head = match request::head(stream).await {
        Ok(Some(head)) => head,
        Ok(None) => return Ok(Next::Close),
        Err(unreadable) => return refuse(stream, unreadable).await,
    };
    // A script knows before the body is read; whoever judges requests wants all of it.
    let planned = match &state.answers {
        Answers::Scripts(player) => Ok(player.next(head.host(), head.uri.path())),
        Answers::Requests(answer) => Err(answer),
    };
    if let Ok(Scripted { after, ending: Ending::ResetBefore | Ending::Refused }) = &planned {
        keep(state, &head, Bytes::new());
        sleep(*after).await;
        return reset(stream);
    }
    let body = match request::body(stream, &head).await {
        Ok(body) => body,
        Err(unreadable) => return refuse(stream, unreadable).await,
    };
    keep(state, &head, body.clone());
    let Scripted { after, ending } = planned.unwrap_or_else(|answer| answer(&head.request(body)));
    if !after.is_zero() {
        sleep(after).await;
    }
    match ending {
        Ending::ResetBefore | Ending::Refused | Ending::ResetAfter => reset(stream),
        Ending::Hang => until_closed(stream).await,
        Ending::Garbage => {
            stream.write_all(b"\0this is not HTTP\r\n\r\n").await?;
            Ok(Next::Close)
        }
        Ending::Reply(canned) => reply::write(stream, &head, &canned).await,
    }
}

fn keep(state: &State, head: &Head, body: Bytes) {
    state.log.keep((head.method.clone(), head.uri.clone()), head.headers.clone(), body);
}

/// A request that breaks HTTP or a limit is answered by itself: the script is for the others.
async fn refuse(stream: &mut Stream, unreadable: Unreadable) -> io::Result<Next> {
    let status = match unreadable {
        Unreadable::Gone(error) => return Err(error),
        Unreadable::Malformed => "400 Bad Request",
        Unreadable::BodyTooLarge => "413 Content Too Large",
        Unreadable::HeadTooLarge => "431 Request Header Fields Too Large",
    };
    let reply = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(reply.as_bytes()).await?;
    Ok(Next::Close)
}

/// With RST instead of FIN once the socket is dropped.
fn reset(stream: &Stream) -> io::Result<Next> {
    stream.get_ref().set_zero_linger()?;
    Ok(Next::Close)
}

async fn until_closed(stream: &mut Stream) -> io::Result<Next> {
    let mut ignored = [0; 1024];
    while stream.read(&mut ignored).await? > 0 {}
    Ok(Next::Close)
}
