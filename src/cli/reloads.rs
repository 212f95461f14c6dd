//! When the daemon reads its configuration again.

use std::{convert::Infallible, future::pending, sync::Arc};

use crate::daemon::{Daemon, FileWatch};

/// SIGHUPs. The process does not end by them from here on.
pub(super) struct Hangups {
    #[cfg(unix)]
    signals: Option<tokio::signal::unix::Signal>,
}

impl Hangups {
    pub(super) fn new() -> Self {
        Self {
            #[cfg(unix)]
            signals: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok(),
        }
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signals) = &mut self.signals
            && signals.recv().await.is_some()
        {
            return;
        }
        pending::<()>().await;
    }
}

/// Reads it again on every SIGHUP; with `watch` also when a file that it was read from has changed. How it went is told by
/// the daemon.
pub(super) async fn reload_when_told(
    daemon: &Arc<Daemon>,
    mut hangups: Hangups,
    watch: bool,
) -> Infallible {
    loop {
        tokio::select! {
            () = hangups.next() => tracing::info!("SIGHUP: the configuration is read again"),
            () = changed(daemon), if watch => {
                tracing::info!("a file of the configuration has changed: it is read again");
            }
        }
        // It has said what became of it.
        drop(daemon.reload().await);
    }
}

/// Until a file has changed that the configuration was last read from, whoever had it read.
async fn changed(daemon: &Daemon) {
    let Some(mut seen) = daemon.seen() else { return pending().await };
    loop {
        let mut files = FileWatch::since(seen.borrow_and_update().clone());
        tokio::select! {
            _ = files.changed() => return,
            read_again = seen.changed() => if read_again.is_err() { return pending().await },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, sync::Arc, time::Duration};

    use tokio::time::sleep;

    use super::{Hangups, reload_when_told};
    use crate::{
        cli::kinds::source,
        daemon::{Daemon, DaemonLimits},
        engine::Engine,
    };

    fn write(folder: &Path, route: &str) {
        let text = format!(
            "targets: {{ a: {{ kind: http, url: 'http://127.0.0.1:9/' }} }}\nroutes: {{ {route}: {{ to: [a] }} }}\n"
        );
        fs::write(folder.join("fanfare.yaml"), text).expect("writable");
    }

    /// Whether a file that has changed is taken over.
    async fn check(watch: bool, expected: bool) {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), "old");
        let source = source(Some(&folder.path().join("fanfare.yaml")));
        let (config, seen) = source.load();
        let mut config = config.expect("it is right");
        let kinds = Daemon::kinds(&config);
        let engine = Engine::builder().configured(&mut config).start().await.expect("it starts");
        let daemon = Daemon::new(engine, kinds, config.routes, DaemonLimits::default());
        let daemon = Arc::new(daemon.reloading(source, config.fingerprints, seen));
        let looking = async {
            for turn in 0..30 {
                if turn == 3 {
                    write(folder.path(), "new");
                }
                sleep(Duration::from_secs(1)).await;
            }
            // Whoever reads it now finds nothing new in it.
            !daemon.reload().await.expect("it is right").changed
        };
        tokio::select! {
            never = reload_when_told(&daemon, Hangups::new(), watch) => match never {},
            is_new = looking => assert_eq!(is_new, expected),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_has_changed_is_taken_over_where_somebody_watches() {
        check(true, true).await;
        check(false, false).await;
    }
}
