//! The one place where tasks are spawned.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use tokio::{runtime::Handle, task::AbortHandle};

/// Runs `work` on the runtime. A task is in no span of its sender: its work belongs to its own delivery.
#[expect(clippy::disallowed_methods, reason = "the one place where tasks are spawned")]
pub(crate) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
    tokio::spawn(work).abort_handle()
}

/// Work that goes on to its end once it has begun: whoever waits for it and goes away leaves it to a task of its own.
pub(crate) struct ToTheEnd<T: Send + 'static> {
    work: Option<BoxFuture<'static, T>>,
    has_begun: bool,
}

impl<T: Send + 'static> ToTheEnd<T> {
    pub(crate) fn of(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self { work: Some(Box::pin(work)), has_begun: false }
    }
}

impl<T: Send + 'static> Future for ToTheEnd<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        self.has_begun = true;
        let Some(work) = &mut self.work else { return Poll::Pending };
        let polled = work.as_mut().poll(context);
        if polled.is_ready() {
            self.work = None;
        }
        polled
    }
}

impl<T: Send + 'static> Drop for ToTheEnd<T> {
    fn drop(&mut self) {
        // Without a runtime everything has ended.
        if let Some(work) = self.work.take()
            && self.has_begun
            && Handle::try_current().is_ok()
        {
            spawn(async move { drop(work.await) });
        }
    }
}
