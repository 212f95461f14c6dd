//! The daemon is killed; see the folder.

use std::env;

#[cfg(target_os = "linux")]
use super::disk::Unsynced;

use super::oracle::{Compared, Oracle};

/// Kills of one journal, before it is looked whether all is as it was said.
const LIVES: u64 = 10;

/// Kills it as often, on as many journals as that takes.
async fn play(kills: u64, make: impl AsyncFn(u64) -> Oracle) -> Compared {
    let seed = number("FANFARE_SEED").unwrap_or(1);
    let mut all = Compared::default();
    for journal in 0..kills / LIVES {
        let mut oracle = make(seed + journal).await;
        for _ in 0..LIVES {
            oracle.live().await;
        }
        let Compared { broadcasts, requests, unanswered, told } = oracle.compare().await;
        all.broadcasts += broadcasts;
        all.requests += requests;
        all.unanswered += unanswered;
        all.told += told;
        println!("{} kills: {all:?}", (journal + 1) * LIVES);
    }
    assert!(all.broadcasts > 0 && all.requests > all.broadcasts, "there was something to compare");
    assert!(all.told > 0, "somebody was notified");
    all
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok().and_then(|it| it.parse().ok())
}

/// `FANFARE_KILLS=1000` kills it as often; 50 times unless set.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_outlives_every_kill() {
    play(number("FANFARE_KILLS").unwrap_or(50), Oracle::new).await;
}

/// The same, and with each kill all that was not synced is lost. `FANFARE_LOSSES=1000` loses as often.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_outlives_a_loss_of_power() {
    let on_disk = async |seed| {
        let oracle = Oracle::new(seed).await;
        let disk = Unsynced::new(oracle.folder(), 0);
        oracle.on(disk)
    };
    play(number("FANFARE_LOSSES").unwrap_or(20), on_disk).await;
}

/// The test above can fail: on a disk that says that it has synced and has not, what was accepted is lost.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
#[should_panic(expected = "seed ")]
async fn a_disk_that_lies_is_found_out() {
    let on_disk = async |seed| {
        let oracle = Oracle::new(seed).await;
        let disk = Unsynced::new(oracle.folder(), 3);
        oracle.on(disk)
    };
    play(50, on_disk).await;
}
