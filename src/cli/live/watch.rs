//! Looks at a broadcast again and again while it is open, and shows how it stands.

use std::{env, future, io::IsTerminal, time::Duration};

use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::{Interval, MissedTickBehavior, interval},
};

use super::{
    frame::frame,
    happened::{Seen, happened},
    look::Look,
};
use crate::{
    cli::{
        args::Progress,
        output::{erase, print_aside, redraw},
        screen,
    },
    engine::{BroadcastHandle, Clock},
    report::Report,
};

/// How long a frame stands.
const FRAME: Duration = Duration::from_millis(80);

/// What is told while a broadcast is open.
#[derive(Debug)]
pub(in crate::cli) struct Live {
    form: Form,
    clock: Clock,
    ticks: Interval,
    /// Goes on where whoever waited for it has gone.
    writing: Option<JoinHandle<()>>,
}

#[derive(Debug)]
enum Form {
    Redrawn,
    Plain(Seen),
    Silent,
}

impl Live {
    /// Reads the clock that the broadcast's times are from.
    pub(in crate::cli) fn new(progress: Progress, clock: Clock) -> Self {
        let mut ticks = interval(FRAME);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { form: form(progress), clock, ticks, writing: None }
    }

    /// Waits for the time of the next frame, and shows it; the first one at once.
    ///
    /// Cancel safe: what is not shown now is shown next time.
    pub(in crate::cli) async fn next(&mut self, handle: &BroadcastHandle) {
        if matches!(self.form, Form::Silent) {
            return future::pending().await;
        }
        self.ticks.tick().await;
        if let Ok(Some(report)) = handle.report().await {
            self.show(report).await;
        }
    }

    /// Tells what was not told yet, and takes the live lines away.
    pub(in crate::cli) async fn end(&mut self, report: &Report) {
        self.written().await;
        match self.form {
            Form::Redrawn => erase(screen::columns()),
            Form::Plain(_) => self.show(report.clone()).await,
            Form::Silent => {}
        }
    }

    async fn show(&mut self, report: Report) {
        self.written().await;
        match &mut self.form {
            Form::Redrawn => {
                let (look, now) = (Look::now(), self.clock.now());
                self.write(move || redraw(&frame(&report, now, look), look.columns)).await;
            }
            Form::Plain(seen) => {
                let mut text = happened(seen, &report).join("\n");
                if !text.is_empty() {
                    text.push('\n');
                    self.write(move || drop(print_aside(&text))).await;
                }
            }
            Form::Silent => {}
        }
    }

    /// Beside the runtime's thread: a terminal that stands still (Ctrl-S) must not hold up the deliveries.
    async fn write(&mut self, work: impl FnOnce() + Send + 'static) {
        self.writing = Some(spawn_blocking(work));
        self.written().await;
    }

    async fn written(&mut self) {
        if let Some(writing) = &mut self.writing {
            // Whoever panics there has said so.
            drop(writing.await);
            self.writing = None;
        }
    }
}

fn form(progress: Progress) -> Form {
    let redraws = || env::var_os("TERM").is_none_or(|term| term != "dumb");
    match progress {
        Progress::Live => Form::Redrawn,
        Progress::Plain => Form::Plain(Seen::default()),
        Progress::None => Form::Silent,
        Progress::Auto if !std::io::stderr().is_terminal() => Form::Silent,
        Progress::Auto if redraws() => Form::Redrawn,
        Progress::Auto => Form::Plain(Seen::default()),
    }
}
