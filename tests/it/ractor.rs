//! The facts about actors that the engine leans on. When one of these fails after an update, read
//! `docs/adr/0003-ractor-unnamed-and-without-features.md` before anything else.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::mpsc;

/// What a worker is told to do.
enum Work {
    Count,
    Panic,
    Hang,
}

struct Worker;

impl Actor for Worker {
    type Msg = Work;
    type State = Arc<AtomicU32>;
    type Arguments = Arc<AtomicU32>;

    async fn pre_start(
        &self,
        _: ActorRef<Work>,
        count: Arc<AtomicU32>,
    ) -> Result<Arc<AtomicU32>, ActorProcessingErr> {
        Ok(count)
    }

    async fn handle(
        &self,
        _: ActorRef<Work>,
        work: Work,
        count: &mut Arc<AtomicU32>,
    ) -> Result<(), ActorProcessingErr> {
        match work {
            Work::Count => drop(count.fetch_add(1, Ordering::Relaxed)),
            Work::Panic => std::panic::resume_unwind(Box::new("as told")),
            Work::Hang => tokio::time::sleep(Duration::from_secs(3_600)).await,
        }
        Ok(())
    }
}

/// Tells what it hears of its child.
struct Boss;

impl Actor for Boss {
    type Msg = ();
    type State = mpsc::UnboundedSender<String>;
    type Arguments = mpsc::UnboundedSender<String>;

    async fn pre_start(
        &self,
        _: ActorRef<()>,
        ear: mpsc::UnboundedSender<String>,
    ) -> Result<mpsc::UnboundedSender<String>, ActorProcessingErr> {
        Ok(ear)
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<()>,
        event: SupervisionEvent,
        ear: &mut mpsc::UnboundedSender<String>,
    ) -> Result<(), ActorProcessingErr> {
        let heard = match event {
            SupervisionEvent::ActorStarted(_) => "started",
            SupervisionEvent::ActorTerminated(..) => "terminated",
            SupervisionEvent::ActorFailed(..) => "failed",
            SupervisionEvent::ProcessGroupChanged(_) => "group",
        };
        ear.send(heard.to_owned()).unwrap();
        Ok(())
    }
}

/// What the boss hears, and how much was counted, after this work and that end.
async fn check(work: Vec<Work>, end: impl FnOnce(&ActorRef<Work>), expected: (&[&str], u32)) {
    let (ear, mut heard) = mpsc::unbounded_channel();
    let (boss, _) = Actor::spawn(None, Boss, ear).await.unwrap();
    let count = Arc::new(AtomicU32::new(0));
    let (worker, _) =
        Worker::spawn_linked(None, Worker, count.clone(), boss.get_cell()).await.unwrap();
    for work in work {
        assert!(worker.send_message(work).is_ok(), "a mailbox takes everything");
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    end(&worker);
    tokio::time::sleep(Duration::from_secs(7_200)).await;
    let mut events = Vec::new();
    while let Ok(event) = heard.try_recv() {
        events.push(event);
    }
    assert_eq!(
        (
            events.iter().map(String::as_str).collect::<Vec<_>>().as_slice(),
            count.load(Ordering::Relaxed)
        ),
        expected
    );
    boss.stop(None);
}

#[tokio::test(start_paused = true)]
async fn a_panic_arrives_as_a_failure_and_what_was_queued_behind_it_is_lost() {
    check(vec![Work::Count, Work::Panic, Work::Count], |_| (), (&["started", "failed"], 1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_kill_ends_a_handler_that_hangs_and_what_was_queued_is_lost() {
    check(
        vec![Work::Hang, Work::Count],
        |worker: &ActorRef<Work>| worker.kill(),
        (&["started", "terminated"], 0),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_the_handler_and_drops_what_was_queued() {
    let stop = |worker: &ActorRef<Work>| worker.stop(None);
    check(vec![Work::Hang, Work::Count], stop, (&["started", "terminated"], 0)).await;
}

#[tokio::test(start_paused = true)]
async fn two_unnamed_actors_of_a_kind_live_side_by_side() {
    check(vec![Work::Count], |_| (), (&["started"], 1)).await;
    check(vec![Work::Count, Work::Count], |_| (), (&["started"], 2)).await;
}
