//! `fanfare top`: a terminal that shows a daemon's targets and broadcasts, and has its levers.

use std::{
    env,
    io::{self, IsTerminal},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ratatui::{
    DefaultTerminal,
    crossterm::event::{self, KeyCode, KeyEvent, KeyEventKind, KeyModifiers},
};
use serde_json::{Map, Value};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};

use super::{
    screen::{Look, draw},
    state::{Key, Link, State, Then, Wish},
};
use crate::{
    cli::{
        output::complain,
        run::Status,
        server::{Came, Client, Events, Failed, TopArgs, segment},
    },
    engine::Clock,
    wire::{
        Event,
        listing::{Broadcasts, Summary, Target, Targets},
    },
};

/// How often the targets are asked for.
const ASK: Duration = Duration::from_secs(1);

/// How long a picture stands at least: a terminal needs no more.
const FRAME: Duration = Duration::from_millis(100);

/// News that wait to be shown. Whoever brings more waits.
const NEWS_MAX: usize = 1_024;

/// Wishes that wait for the daemon: more than a person types while it answers.
const WISHES_MAX: usize = 8;

/// What is followed: not the attempts, of which there may be thousands each second.
const KINDS: &str = "broadcast_accepted,delivery_settled,verdict,broadcast_settled,breaker_changed,target_paused,target_resumed,target_disabled,target_revived,target_failed,version_announced";

/// What comes from outside.
enum News {
    Key(Key),
    /// The terminal has another size.
    Resized,
    Targets(Vec<Target>),
    Broadcasts(Vec<Summary>),
    Event(Box<Event>),
    Link(Link),
    Done(String),
}

/// The terminal as it was, whatever ends this.
struct Restored;

impl Drop for Restored {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// Shows a daemon until `q`.
pub(in crate::cli) fn top(args: &TopArgs) -> io::Result<Status> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        let says = "a terminal is needed: `fanfare targets --server URL` prints the same once";
        complain(&[says.to_owned()]);
        return Ok(Status::WrongUsage);
    }
    let ended = crate::cli::runtime::run(watch(args))?;
    Ok(ended.unwrap_or_else(|(status, says)| {
        complain(&says);
        status
    }))
}

async fn watch(args: &TopArgs) -> Result<Status, Failed> {
    let client = args.client()?;
    // Before the terminal is taken: what is wrong is said as everywhere.
    let targets: Targets = client.get("/v1/targets").await?.read()?;
    let clock = Clock::system();
    let mut state = State::new(args.url().to_owned(), clock.now());
    state.targets(targets.targets, clock.now());
    let cannot = |error: io::Error| (Status::OurFault, vec![format!("the terminal: {error}")]);
    let restored = Restored;
    let terminal = ratatui::try_init().map_err(cannot)?;
    let (tell, news) = mpsc::channel(NEWS_MAX);
    let over = Arc::new(AtomicBool::new(false));
    let (keys, ended) = (tell.clone(), over.clone());
    // Ends by itself, soon after this does.
    drop(spawn_blocking(move || read_keys(&keys, &ended)));
    let follow = follow(args.client()?, &tell);
    let (wish, wishes) = mpsc::channel(WISHES_MAX);
    let shown = tokio::select! {
        shown = show(terminal, (state, clock), news, &wish) => shown.map_err(cannot),
        failed = follow => Err(failed),
        failed = ask(&client, &tell) => Err(failed),
        () = pull(&client, wishes, &tell) => Ok(()),
        () = terminated() => Ok(()),
    };
    over.store(true, Ordering::Release);
    drop(restored);
    shown.map(|()| Status::Satisfied)
}

async fn show(
    mut terminal: DefaultTerminal,
    (mut state, clock): (State, Clock),
    mut news: Receiver<News>,
    wish: &Sender<Wish>,
) -> io::Result<()> {
    let colours = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let mut frames = interval(FRAME);
    frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut changed = true;
    loop {
        tokio::select! {
            biased;
            _ = frames.tick(), if changed => {
                changed = false;
                terminal.draw(|frame| draw(frame, &state, Look { colours }))?;
            }
            came = news.recv() => {
                let Some(came) = came else { return Ok(()) };
                changed = true;
                match take(&mut state, came, clock) {
                    Then::Quit => return Ok(()),
                    Then::Do(wished) => {
                        if wish.try_send(wished).is_err() {
                            state.note = Some("the daemon does not answer".to_owned());
                        }
                    }
                    Then::Nothing => {}
                }
            }
        }
    }
}

fn take(state: &mut State, news: News, clock: Clock) -> Then {
    match news {
        News::Key(key) => return state.key(key),
        News::Resized => {}
        News::Targets(targets) => state.targets(targets, clock.now()),
        News::Broadcasts(latest) => state.broadcasts(latest),
        News::Event(event) => state.happened(*event),
        News::Link(link) => state.link = link,
        News::Done(says) => state.note = Some(says),
    }
    Then::Nothing
}

/// Asks the daemon for what is wished, one after the other, and says what came of it.
async fn pull(client: &Client, mut wishes: Receiver<Wish>, tell: &Sender<News>) {
    while let Some(wish) = wishes.recv().await {
        let (path, done) = match &wish {
            Wish::Pause(name) => (lever(name, "pause"), format!("{name} is paused")),
            Wish::Resume(name) => (lever(name, "resume"), format!("{name} is resumed")),
            Wish::Revive(name) => (lever(name, "revive"), format!("{name} is revived")),
            Wish::Replay(id) => {
                let path = format!("/v1/broadcasts/{}/replay", segment(id));
                (path, format!("the dead letters of {id} are sent again"))
            }
        };
        let says = match client.post(&path, &Value::Object(Map::new())).await {
            Ok(_) => done,
            Err((_, says)) => says.join("; "),
        };
        // Where it cannot be shown, nobody looks any more.
        drop(tell.send(News::Done(says)).await);
    }
}

fn lever(name: &str, lever: &str) -> String {
    format!("/v1/targets/{}/{lever}", segment(name))
}

/// Follows what happens; ends where the daemon does not want to be asked.
async fn follow(client: Client, tell: &Sender<News>) -> Failed {
    let mut events = Events::new(client, format!("/v1/events?kind={KINDS}"));
    loop {
        let news = match events.next().await {
            Ok(Came::Event(block)) => match serde_json::from_str(&block.data) {
                Ok(event) => News::Event(Box::new(event)),
                // A kind that this version does not know.
                Err(_) => continue,
            },
            Ok(Came::Connected) => News::Link(Link::Connected),
            Ok(Came::Lost(why, _)) => News::Link(Link::Lost(why)),
            Ok(Came::Over) => continue,
            Err(failed) => return failed,
        };
        // Whoever shows it has ended: so does this.
        drop(tell.send(news).await);
    }
}

/// Asks for what events do not tell.
async fn ask(client: &Client, tell: &Sender<News>) -> Failed {
    let mut ticks = interval(ASK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // A daemon that does not answer is told of by the stream.
        if let Ok(answer) = client.get("/v1/targets").await {
            match answer.read::<Targets>() {
                Ok(targets) => drop(tell.send(News::Targets(targets.targets)).await),
                Err(failed) => return failed,
            }
        }
        if let Ok(answer) = client.get("/v1/broadcasts?limit=50").await {
            match answer.read::<Broadcasts>() {
                Ok(page) => drop(tell.send(News::Broadcasts(page.broadcasts)).await),
                Err(failed) => return failed,
            }
        }
    }
}

/// Hands keys on until it is told to end, or nobody takes them.
fn read_keys(tell: &Sender<News>, over: &AtomicBool) {
    while !over.load(Ordering::Acquire) {
        let Ok(true) = event::poll(FRAME) else { continue };
        let news = match event::read() {
            Ok(event::Event::Key(key)) => key_of(key).map(News::Key),
            Ok(event::Event::Resize(..)) => Some(News::Resized),
            Ok(_) => None,
            Err(_) => return,
        };
        if let Some(news) = news
            && tell.blocking_send(news).is_err()
        {
            return;
        }
    }
}

fn key_of(key: KeyEvent) -> Option<Key> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match key.code {
        KeyCode::Char('c') if control => Key::Interrupt,
        KeyCode::Char(_) if control => return None,
        KeyCode::Char(letter) => Key::Letter(letter),
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Home => Key::First,
        KeyCode::End => Key::Last,
        KeyCode::Tab | KeyCode::BackTab => Key::Tab,
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Escape,
        KeyCode::Backspace => Key::Backspace,
        _ => return None,
    })
}

/// SIGTERM or SIGHUP: Ctrl-C is a key.
async fn terminated() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let of = |kind| async move {
            match signal(kind) {
                Ok(mut told) => drop(told.recv().await),
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            () = of(SignalKind::terminate()) => {}
            () = of(SignalKind::hangup()) => {}
        }
    }
    #[cfg(not(unix))]
    std::future::pending::<()>().await;
}
