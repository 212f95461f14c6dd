//! The screen of `fanfare top`: a function of what it knows.

use ratatui::{
    Frame,
    layout::{Alignment, Constraint, Layout, Margin, Rect},
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::{Block, Cell, Clear, Paragraph, Row as Cells, Table, TableState},
};

use super::state::{Link, Mode, Pane, Recent, Row, State};
use crate::cli::{text::millis, width::tame};

/// Whether there are colours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) colours: bool,
}

const HELP: [(&str, &str); 10] = [
    ("Up, Down, j, k", "move"),
    ("g, G", "first, last"),
    ("Tab", "from targets to broadcasts and back"),
    ("/", "show names with a text in them only; Esc shows all"),
    ("p", "pause a target: its deliveries wait"),
    ("r", "resume it"),
    ("v", "revive a target that is disabled or has failed"),
    ("d", "replay a broadcast: its dead letters are sent again"),
    ("?", "this"),
    ("q, Ctrl-C", "quit"),
];

/// Draws it.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State, look: Look) {
    let rows = u16::try_from(state.shown_targets().len()).unwrap_or(u16::MAX);
    // The targets take what they need, and leave the broadcasts half of it.
    let most = frame.area().height.saturating_sub(6).div_ceil(2).max(2);
    let targets = rows.saturating_add(1).clamp(2, most.max(2));
    let [head, upper, detail, lower, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(targets),
        Constraint::Length(1),
        Constraint::Min(2),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    draw_head(frame, head, (state, look));
    draw_targets(frame, upper, (state, look));
    draw_detail(frame, detail, (state, look));
    draw_broadcasts(frame, lower, (state, look));
    draw_foot(frame, foot, (state, look));
    if state.mode == Mode::Help {
        draw_help(frame);
    }
}

fn draw_head(frame: &mut Frame<'_>, area: Rect, (state, look): (&State, Look)) {
    let (says, style) = match &state.link {
        Link::Connecting => ("connecting".to_owned(), look.dim()),
        Link::Connected => ("live".to_owned(), look.in_colour(Color::Green)),
        Link::Lost(why) => (format!("disconnected: {}", tame(why)), look.alarm()),
    };
    let ready = state.targets.iter().filter(|row| row.target.state == "ready").count();
    let rate: f64 = state.targets.iter().filter_map(|row| row.rate).sum();
    let counts = format!("{ready} of {} ready  {rate:.1} attempts/s", state.targets.len());
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let left = Line::from(vec![
        Span::styled("fanfare", bold),
        Span::raw(format!("  {}  ", tame(&state.server))),
        Span::styled(says, style),
    ]);
    frame.render_widget(Paragraph::new(left), area);
    let room = u16::try_from(counts.len()).unwrap_or(area.width).min(area.width);
    let right = Rect { x: area.right() - room, width: room, ..area };
    if !matches!(state.link, Link::Lost(_)) {
        frame.render_widget(Paragraph::new(counts).alignment(Alignment::Right), right);
    }
}

fn draw_targets(frame: &mut Frame<'_>, area: Rect, (state, look): (&State, Look)) {
    let names =
        ["TARGET", "STATE", "BREAKER", "FLIGHT", "WAIT", "OPEN", "ATT/S", "FAIL", "P50", "P99"];
    let widths = [
        Constraint::Min(10),
        Constraint::Length(8),
        Constraint::Length(9),
        Constraint::Length(6),
        Constraint::Length(6),
        Constraint::Length(6),
        Constraint::Length(6),
        Constraint::Length(4),
        Constraint::Length(7),
        Constraint::Length(7),
    ];
    let rows = state.shown_targets().into_iter().map(|row| target_cells(row, look));
    let head = heads(&names, 3, look.title(state.pane == Pane::Targets));
    let table = Table::new(rows, widths).header(head).column_spacing(1);
    let table = table.row_highlight_style(look.chosen(state.pane == Pane::Targets));
    let mut place = TableState::default();
    place.select(Some(state.place(Pane::Targets)));
    frame.render_stateful_widget(table, area, &mut place);
}

fn target_cells(row: &Row, look: Look) -> Cells<'static> {
    let target = &row.target;
    let mark = if target.warnings.is_empty() { "" } else { " !" };
    let state = match &*target.state {
        "ready" => Style::new(),
        "paused" => look.in_colour(Color::Yellow),
        _ => look.alarm(),
    };
    let breaker = match &*target.breaker {
        "closed" | "forced_closed" | "disabled" => Style::new(),
        "half_open" => look.in_colour(Color::Yellow),
        _ => look.alarm(),
    };
    let ill = if row.failed.is_some_and(|it| it >= 10.0) { look.alarm() } else { Style::new() };
    let took = |ms: Option<f64>| ms.map_or_else(|| "-".to_owned(), millis);
    Cells::new([
        Cell::new(format!("{}{mark}", tame(&target.name))),
        Cell::new(target.state.to_string()).style(state),
        Cell::new(target.breaker.replace('_', " ")).style(breaker),
        number(target.in_flight.to_string()),
        number(target.at_gate.to_string()),
        number(target.open.to_string()),
        number(row.rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}"))),
        number(row.failed.map_or_else(|| "-".to_owned(), |it| format!("{it:.0}%"))).style(ill),
        number(took(target.p50_ms)),
        number(took(target.p99_ms)),
    ])
}

fn number(text: String) -> Cell<'static> {
    Cell::new(Line::from(text).alignment(Alignment::Right))
}

/// The names of columns; those from `numbers` on stand to the right.
fn heads(names: &[&'static str], numbers: usize, style: Style) -> Cells<'static> {
    let head = |(place, name): (usize, &&'static str)| {
        if place < numbers { Cell::new(*name) } else { number((*name).to_owned()) }
    };
    Cells::new(names.iter().enumerate().map(head)).style(style)
}

/// What there is to be said of the chosen target.
fn draw_detail(frame: &mut Frame<'_>, area: Rect, (state, look): (&State, Look)) {
    let shown = state.shown_targets();
    let Some(row) = shown.get(state.place(Pane::Targets)) else { return };
    let target = &row.target;
    let mut says = Vec::new();
    if let Some(why) = &target.held_by {
        says.push(format!("held back: {}", why.replace('_', " ")));
    }
    says.extend(target.warnings.iter().map(|warning| {
        let version = warning.version.as_ref().map(|version| format!("version {version} "));
        let day = |at: &String| at.split('T').next().unwrap_or_default().to_owned();
        let sunset = warning.sunset.as_ref().map(|at| format!(", gone by {}", day(at)));
        format!("{}{}{}", version.unwrap_or_default(), warning.kind, sunset.unwrap_or_default())
    }));
    let text = match says.is_empty() {
        true => format!("{} ({})", target.name, target.kind),
        false => format!("{} ({}): {}", target.name, target.kind, says.join("; ")),
    };
    frame.render_widget(Paragraph::new(tame(&text)).style(look.dim()), area);
}

fn draw_broadcasts(frame: &mut Frame<'_>, area: Rect, (state, look): (&State, Look)) {
    let names = ["BROADCAST", "ACCEPTED", "ROUTE", "VERDICT", "DONE", "TOOK"];
    let widths = [
        Constraint::Length(36),
        Constraint::Length(8),
        Constraint::Min(6),
        Constraint::Length(11),
        Constraint::Length(5),
        Constraint::Length(7),
    ];
    let rows = state.shown_broadcasts().into_iter().map(|recent| broadcast_cells(recent, look));
    let head = heads(&names, 4, look.title(state.pane == Pane::Broadcasts));
    let table = Table::new(rows, widths).header(head).column_spacing(1);
    let table = table.row_highlight_style(look.chosen(state.pane == Pane::Broadcasts));
    let mut place = TableState::default();
    place.select(Some(state.place(Pane::Broadcasts)));
    frame.render_stateful_widget(table, area, &mut place);
}

fn broadcast_cells(recent: &Recent, look: Look) -> Cells<'static> {
    let verdict = match (recent.verdict.as_deref(), recent.settled) {
        (Some("satisfied"), _) => Cell::new("satisfied").style(look.in_colour(Color::Green)),
        (Some(_), _) => Cell::new("unsatisfied").style(look.alarm()),
        (None, _) => Cell::new("open").style(look.in_colour(Color::Yellow)),
    };
    let time = recent.accepted_at.split_once('T').map_or("", |(_, time)| time);
    let done = match recent.recipients {
        Some(all) => format!("{}/{all}", recent.delivered + recent.failed),
        None if recent.settled => "all".to_owned(),
        None => "-".to_owned(),
    };
    let ill = if recent.failed > 0 { look.alarm() } else { Style::new() };
    Cells::new([
        Cell::new(recent.id.clone()),
        Cell::new(time.chars().take(8).collect::<String>()),
        Cell::new(tame(recent.route.as_deref().unwrap_or("-"))),
        verdict,
        number(done).style(ill),
        number(recent.took_ms.map_or_else(|| "-".to_owned(), millis)),
    ])
}

fn draw_foot(frame: &mut Frame<'_>, area: Rect, (state, look): (&State, Look)) {
    let keys = match state.pane {
        Pane::Targets => "p pause  r resume  v revive  Tab broadcasts  / filter  ? help  q quit",
        Pane::Broadcasts => "d replay dead letters  Tab targets  / filter  ? help  q quit",
    };
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let filter = &state.filter[state.pane as usize];
    let (says, style) = match (&state.mode, &state.note) {
        (Mode::Confirm(wish), _) => (format!("{}? y: yes, any other key: no", wish.says()), bold),
        (Mode::Filtering, _) => (format!("/{filter}_  Enter keeps it, Esc shows all"), bold),
        (Mode::Normal | Mode::Help, Some(note)) => (note.clone(), bold),
        (Mode::Normal | Mode::Help, None) if filter.is_empty() => (keys.to_owned(), look.dim()),
        (Mode::Normal | Mode::Help, None) => {
            (format!("only `{filter}` (Esc: all)  {keys}"), look.dim())
        }
    };
    frame.render_widget(Paragraph::new(tame(&says)).style(style), area);
}

fn draw_help(frame: &mut Frame<'_>) {
    let width = HELP.iter().map(|(keys, _)| keys.len()).max().unwrap_or(0);
    let lines: Vec<_> =
        HELP.iter().map(|(keys, says)| Line::from(format!("{keys:<width$}  {says}"))).collect();
    let area = frame.area();
    let height = u16::try_from(HELP.len()).unwrap_or(0) + 2;
    let (wide, high) = (76.min(area.width), height.min(area.height));
    let (x, y) = (area.x + (area.width - wide) / 2, area.y + (area.height - high) / 2);
    let place = Rect { x, y, width: wide, height: high };
    frame.render_widget(Clear, place);
    frame.render_widget(Block::bordered().title(" Keys "), place);
    frame.render_widget(Paragraph::new(lines), place.inner(Margin::new(2, 1)));
}

impl Look {
    fn in_colour(self, colour: Color) -> Style {
        if self.colours { Style::new().fg(colour) } else { Style::new() }
    }

    fn alarm(self) -> Style {
        self.in_colour(Color::Red).add_modifier(Modifier::BOLD)
    }

    fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    fn title(self, is_chosen: bool) -> Style {
        let style = Style::new().add_modifier(Modifier::BOLD);
        if is_chosen { style.add_modifier(Modifier::UNDERLINED) } else { style }
    }

    fn chosen(self, is_here: bool) -> Style {
        if is_here { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() }
    }
}
