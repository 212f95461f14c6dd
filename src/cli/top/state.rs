//! What `fanfare top` knows, and what becomes of it by a key or by news. Pure: it asks nobody and draws nothing.

use std::{collections::VecDeque, time::Duration};

use fanfare_sdk::Timestamp;

use crate::wire::{
    Event, Happened,
    listing::{Summary, Target},
};

/// Broadcasts that are shown: a few screens.
const RECENT_MAX: usize = 200;

/// What `fanfare top` knows.
#[derive(Debug)]
pub(super) struct State {
    pub(super) server: String,
    pub(super) link: Link,
    pub(super) targets: Vec<Row>,
    pub(super) recent: VecDeque<Recent>,
    pub(super) pane: Pane,
    /// What is chosen in each pane: a target by its name, a broadcast by its id. So it stays the same when others come.
    pub(super) chosen: [Option<String>; 2],
    /// What the names in each pane must have in them.
    pub(super) filter: [String; 2],
    pub(super) mode: Mode,
    /// What came of the last key.
    pub(super) note: Option<String>,
    pub(super) now: Timestamp,
    asked_at: Option<Timestamp>,
}

/// Whether the daemon is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Link {
    Connecting,
    Connected,
    Lost(String),
}

/// Which list the keys move in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pane {
    Targets = 0,
    Broadcasts = 1,
}

/// What keys mean.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    Normal,
    /// They are the filter.
    Filtering,
    Help,
    /// Yes or no.
    Confirm(Wish),
}

/// What is wished of the daemon.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Wish {
    Pause(String),
    Resume(String),
    Revive(String),
    Replay(String),
}

/// A target.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) target: Target,
    /// Attempts that ended, each second of late; none before it was asked twice.
    pub(super) rate: Option<f64>,
    /// How many of a hundred of them failed.
    pub(super) failed: Option<f64>,
}

/// A broadcast.
#[derive(Debug)]
pub(super) struct Recent {
    pub(super) id: String,
    pub(super) route: Option<String>,
    pub(super) accepted_at: String,
    pub(super) verdict: Option<String>,
    pub(super) settled: bool,
    /// Recipients; where it was accepted before anybody looked, that is not known.
    pub(super) recipients: Option<usize>,
    pub(super) delivered: usize,
    pub(super) failed: usize,
    pub(super) took_ms: Option<f64>,
}

/// A key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Key {
    Letter(char),
    Up,
    Down,
    First,
    Last,
    Tab,
    Enter,
    Escape,
    Backspace,
    /// Ctrl-C.
    Interrupt,
}

/// What is to be done after a key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Then {
    Nothing,
    Do(Wish),
    Quit,
}

impl State {
    pub(super) fn new(server: String, now: Timestamp) -> Self {
        Self {
            server,
            link: Link::Connecting,
            targets: Vec::new(),
            recent: VecDeque::new(),
            pane: Pane::Targets,
            chosen: [None, None],
            filter: [String::new(), String::new()],
            mode: Mode::Normal,
            note: None,
            now,
            asked_at: None,
        }
    }

    /// How the targets stand now.
    pub(super) fn targets(&mut self, targets: Vec<Target>, now: Timestamp) {
        let since = self.asked_at.map(|at| now.since(at)).unwrap_or_default();
        let rows = targets.into_iter().map(|target| self.row(target, since)).collect();
        (self.targets, self.asked_at, self.now) = (rows, Some(now), now);
    }

    fn row(&self, target: Target, since: Duration) -> Row {
        let before = self.targets.iter().find(|row| row.target.name == target.name);
        let (mut rate, mut failed) = (None, None);
        // A daemon that was started again counts anew.
        let grown = |now: u64, before: u64| now.checked_sub(before).map(|it| it as f64);
        if let Some(Row { target: old, .. }) = before
            && let Some(attempts) = grown(target.attempts, old.attempts)
            && !since.is_zero()
        {
            rate = Some(attempts / since.as_secs_f64());
            let ill = grown(target.attempts_failed, old.attempts_failed).unwrap_or_default();
            failed = (attempts > 0.0).then(|| 100.0 * ill / attempts);
        }
        Row { target, rate, failed }
    }

    /// The latest broadcasts, the newest first. What is known of them from events stays.
    pub(super) fn broadcasts(&mut self, latest: Vec<Summary>) {
        for summary in latest.into_iter().rev() {
            let recent = self.of(&summary.id, &summary.accepted_at);
            recent.route = summary.route;
            recent.verdict = summary.verdict.map(String::from);
            recent.settled = summary.settled_at.is_some();
        }
        self.in_order();
    }

    /// Something has happened.
    pub(super) fn happened(&mut self, event: Event) {
        let Event { at, broadcast, route, what } = event;
        if let Some(state) = state_after(&what)
            && let Some(name) = target_of(&what)
            && let Some(row) = self.targets.iter_mut().find(|row| row.target.name == name)
        {
            row.target.state = state.into();
        }
        if let Happened::BreakerChanged { target, to, .. } = &what
            && let Some(row) = self.targets.iter_mut().find(|row| row.target.name == *target)
        {
            row.target.breaker = to.clone();
        }
        let Some(id) = broadcast else { return };
        let recent = self.of(&id, &at);
        recent.route = route;
        match what {
            Happened::BroadcastAccepted { recipients, .. } => {
                recent.recipients = Some(recipients);
                recent.accepted_at = at;
            }
            Happened::DeliverySettled { outcome, .. } if outcome == "delivered" => {
                recent.delivered += 1;
            }
            Happened::DeliverySettled { .. } => recent.failed += 1,
            Happened::Verdict { verdict, .. } => recent.verdict = Some(verdict.into()),
            Happened::BroadcastSettled { duration_ms } => {
                (recent.settled, recent.took_ms) = (true, Some(duration_ms));
            }
            _ => {}
        }
        self.in_order();
    }

    fn of(&mut self, id: &str, accepted_at: &str) -> &mut Recent {
        let place = self.recent.iter().position(|recent| recent.id == id);
        let place = place.unwrap_or_else(|| {
            self.recent.push_front(Recent {
                id: id.to_owned(),
                route: None,
                accepted_at: accepted_at.to_owned(),
                verdict: None,
                settled: false,
                recipients: None,
                delivered: 0,
                failed: 0,
                took_ms: None,
            });
            0
        });
        &mut self.recent[place]
    }

    /// The newest first: ids sort by the time of acceptance.
    fn in_order(&mut self) {
        self.recent.make_contiguous().sort_by(|a, b| b.id.cmp(&a.id));
        self.recent.truncate(RECENT_MAX);
    }

    /// The targets that are shown.
    pub(super) fn shown_targets(&self) -> Vec<&Row> {
        let fits = |row: &&Row| self.fits(Pane::Targets, &row.target.name);
        self.targets.iter().filter(fits).collect()
    }

    /// The broadcasts that are shown.
    pub(super) fn shown_broadcasts(&self) -> Vec<&Recent> {
        let fits = |recent: &&Recent| {
            self.fits(Pane::Broadcasts, recent.route.as_deref().unwrap_or_default())
                || self.fits(Pane::Broadcasts, &recent.id)
        };
        self.recent.iter().filter(fits).collect()
    }

    fn fits(&self, pane: Pane, text: &str) -> bool {
        text.contains(&self.filter[pane as usize])
    }

    /// Where the chosen one stands among those that are shown; the first one, where it is not shown.
    pub(super) fn place(&self, pane: Pane) -> usize {
        let chosen = self.chosen[pane as usize].as_deref();
        self.names(pane).iter().position(|name| Some(*name) == chosen).unwrap_or(0)
    }

    fn names(&self, pane: Pane) -> Vec<&str> {
        match pane {
            Pane::Targets => {
                self.shown_targets().iter().map(|row| row.target.name.as_str()).collect()
            }
            Pane::Broadcasts => self.shown_broadcasts().iter().map(|it| it.id.as_str()).collect(),
        }
    }

    fn chosen(&self) -> Option<String> {
        self.names(self.pane).get(self.place(self.pane)).map(|name| (*name).to_owned())
    }

    /// A key was pressed.
    pub(super) fn key(&mut self, key: Key) -> Then {
        if key == Key::Interrupt {
            return Then::Quit;
        }
        self.note = None;
        match std::mem::replace(&mut self.mode, Mode::Normal) {
            Mode::Normal => self.normal_key(key),
            Mode::Help => Then::Nothing,
            Mode::Confirm(wish) if matches!(key, Key::Letter('y' | 'Y')) => Then::Do(wish),
            Mode::Confirm(_) => {
                self.note = Some("nothing was done".to_owned());
                Then::Nothing
            }
            Mode::Filtering => {
                self.filter_key(key);
                Then::Nothing
            }
        }
    }

    fn filter_key(&mut self, key: Key) {
        let filter = &mut self.filter[self.pane as usize];
        match key {
            Key::Enter => return,
            Key::Escape => return filter.clear(),
            Key::Backspace => drop(filter.pop()),
            Key::Letter(letter) => filter.push(letter),
            Key::Up | Key::Down | Key::First | Key::Last | Key::Tab | Key::Interrupt => {}
        }
        self.mode = Mode::Filtering;
    }

    fn normal_key(&mut self, key: Key) -> Then {
        match key {
            Key::Letter('q') => return Then::Quit,
            Key::Letter('?' | 'h') => self.mode = Mode::Help,
            Key::Letter('/') => self.mode = Mode::Filtering,
            Key::Escape => self.filter[self.pane as usize].clear(),
            Key::Tab => {
                self.pane = match self.pane {
                    Pane::Targets => Pane::Broadcasts,
                    Pane::Broadcasts => Pane::Targets,
                }
            }
            Key::Up | Key::Letter('k') => self.go(|place, _| place.saturating_sub(1)),
            Key::Down | Key::Letter('j') => self.go(|place, last| (place + 1).min(last)),
            Key::First | Key::Letter('g') => self.go(|_, _| 0),
            Key::Last | Key::Letter('G') => self.go(|_, last| last),
            Key::Letter(letter @ ('p' | 'r' | 'v' | 'd')) => self.wish(letter),
            Key::Letter(_) | Key::Enter | Key::Backspace | Key::Interrupt => {}
        }
        Then::Nothing
    }

    fn go(&mut self, to: impl FnOnce(usize, usize) -> usize) {
        let names = self.names(self.pane);
        let Some(last) = names.len().checked_sub(1) else { return };
        let name = names[to(self.place(self.pane), last)].to_owned();
        self.chosen[self.pane as usize] = Some(name);
    }

    /// Everything that changes something is asked for twice.
    fn wish(&mut self, letter: char) {
        let wish = match (letter, self.pane, self.chosen()) {
            ('p', Pane::Targets, Some(name)) => Wish::Pause(name),
            ('r', Pane::Targets, Some(name)) => Wish::Resume(name),
            ('v', Pane::Targets, Some(name)) => Wish::Revive(name),
            ('d', Pane::Broadcasts, Some(id)) => Wish::Replay(id),
            (_, _, None) => return self.note = Some("nothing is chosen".to_owned()),
            ('d', ..) => {
                return self.note = Some("`d` is for a broadcast: Tab goes there".to_owned());
            }
            _ => {
                return self.note = Some(format!("`{letter}` is for a target: Tab goes there"));
            }
        };
        self.mode = Mode::Confirm(wish);
    }
}

impl Wish {
    /// `pause crm`.
    pub(super) fn says(&self) -> String {
        match self {
            Self::Pause(name) => format!("pause {name}"),
            Self::Resume(name) => format!("resume {name}"),
            Self::Revive(name) => format!("revive {name}"),
            Self::Replay(id) => format!("replay {id}"),
        }
    }
}

/// How a target stands after that.
fn state_after(what: &Happened) -> Option<&'static str> {
    match what {
        Happened::TargetPaused { .. } => Some("paused"),
        Happened::TargetResumed { .. } | Happened::TargetRevived { .. } => Some("ready"),
        Happened::TargetDisabled { .. } => Some("disabled"),
        Happened::TargetFailed { .. } => Some("failed"),
        _ => None,
    }
}

fn target_of(what: &Happened) -> Option<&str> {
    match what {
        Happened::TargetPaused { target }
        | Happened::TargetResumed { target }
        | Happened::TargetRevived { target }
        | Happened::TargetDisabled { target }
        | Happened::TargetFailed { target } => Some(target),
        _ => None,
    }
}
