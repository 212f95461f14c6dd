//! The daemon is killed; see the folder.

use std::env;

use super::oracle::{Compared, Oracle};

/// Kills of one journal, before it is looked whether all is as it was said.
const LIVES: u64 = 10;

/// `FANFARE_KILLS=1000` kills it as often; 50 times unless set.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_outlives_every_kill() {
    let number = |name: &str| env::var(name).ok().and_then(|it| it.parse().ok());
    let (kills, seed) =
        (number("FANFARE_KILLS").unwrap_or(50), number("FANFARE_SEED").unwrap_or(1));
    let mut all = Compared::default();
    for journal in 0..kills / LIVES {
        let mut oracle = Oracle::new(seed + journal).await;
        for _ in 0..LIVES {
            oracle.live().await;
        }
        let Compared { broadcasts, requests, unanswered } = oracle.compare().await;
        all.broadcasts += broadcasts;
        all.requests += requests;
        all.unanswered += unanswered;
        let done = (journal + 1) * LIVES;
        println!("{done} kills: {all:?}");
    }
    assert!(all.broadcasts > 0 && all.requests > all.broadcasts, "there was something to compare");
}
