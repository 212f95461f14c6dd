//! How targets are connected to, as it is configured: on loopback, from the file to the socket.

mod guard;
mod http2;
mod peer;
mod redirects;
mod replies;
mod stage;
mod tls;
mod token_endpoint;
mod ways;
mod words;
