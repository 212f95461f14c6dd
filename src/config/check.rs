//! What can only be seen with all targets and routes side by side.

use std::collections::{BTreeMap, HashSet};

use fanfare_auth::{AuthSettings, Grant, RefreshTokenSettings};

use super::{
    Lookup, Problem, Route, RouteRecipient,
    build::filter,
    document::{Places, child},
    fallback::FallbackSetting,
    issues::Issues,
    load::Read,
    nearest::nearest,
    notify::{NotifyMap, NotifySetting},
    route::{CompletionSetting, Recipient, RouteSettings},
    route_schema,
};
use crate::report::Notify;

/// Targets by name; none where one could not be read.
pub(super) type Targets = BTreeMap<String, Option<Read>>;

pub(super) struct Check<'a> {
    pub(super) places: &'a Places,
    pub(super) problems: &'a mut Vec<Problem>,
    /// Where the files of schemas are found.
    pub(super) lookup: &'a dyn Lookup,
}

impl Check<'_> {
    pub(super) fn all(
        &mut self,
        targets: &Targets,
        routes: BTreeMap<String, Option<RouteSettings>>,
    ) -> BTreeMap<String, Route> {
        self.stand_ins(targets);
        self.refresh_files(targets);
        let mut checked = BTreeMap::new();
        for (name, settings) in routes {
            let at = child("/routes", &name);
            if let Some(settings) = settings {
                checked.insert(name, self.route(&at, settings, targets));
            }
        }
        checked
    }

    /// Stand-ins are targets, and nobody stands in for himself.
    fn stand_ins(&mut self, targets: &Targets) {
        for name in targets.keys() {
            for (at, stand_in) in stand_ins(targets, name) {
                let pointer = format!("{}/fallback/{at}/target", child("/targets", name));
                if !targets.contains_key(stand_in) {
                    self.say_unknown(&pointer, (stand_in, targets));
                } else if stand_in == name {
                    self.say(&pointer, "stands in for itself");
                } else if let Some(path) = path(targets, stand_in, name) {
                    let circle = path.join("` to `");
                    self.say(&pointer, format!("leads in a circle: from `{name}` to `{circle}`"));
                }
            }
        }
    }

    /// A file keeps what comes of one refresh token.
    fn refresh_files(&mut self, targets: &Targets) {
        let mut kept: BTreeMap<&str, (&RefreshTokenSettings, &str)> = BTreeMap::new();
        for (name, read) in targets.iter().filter_map(|(name, read)| Some((name, read.as_ref()?))) {
            for (below, setting) in read.settings.auth.iter().flat_map(|auth| auth.all()) {
                let AuthSettings::OAuth2(it) = setting else { continue };
                let Grant::RefreshToken(it) = &it.grant else { continue };
                let (first, owner) = *kept.entry(&it.file).or_insert((it, name));
                if first.token.expose() != it.token.expose() {
                    let pointer = child("/targets", name);
                    let pointer = format!("{pointer}/auth{below}/oauth2/grant/refresh_token/file");
                    let says = format!(
                        "keeps the token of `{owner}`, which is another one: a file of its own would be right"
                    );
                    self.say(&pointer, says);
                }
            }
        }
    }

    fn route(&mut self, at: &str, settings: RouteSettings, targets: &Targets) -> Route {
        let RouteSettings { to, completion, deadline, notify, rest, priority, schema, .. } =
            settings;
        let accept_substituted = settings.accept_substituted;
        let to: Vec<Recipient> = to.into_iter().map(|recipient| recipient.detailed()).collect();
        let count = to.len();
        if let CompletionSetting::Quorum(needed) = completion
            && needed as usize > count
        {
            let says = format!("is larger than the list: {count} would be the most");
            self.say(&format!("{at}/completion/quorum"), says);
        }
        if deadline.is_some_and(|deadline| deadline.0.is_zero()) {
            self.say(&format!("{at}/deadline"), "is nothing: longer than zero would be right");
        }
        for (place, recipient) in to.iter().enumerate() {
            let pointer = format!("{at}/to/{place}");
            let name = recipient.target.as_str();
            if !targets.contains_key(name) {
                self.say_unknown(&pointer, (name, targets));
                continue;
            }
            if to[..place].iter().any(|other| other.target == name) {
                self.say(&pointer, format!("`{name}` is a recipient twice"));
            }
            for (_, stand_in) in stand_ins(targets, name) {
                if stand_in != name && to.iter().any(|other| other.target == *stand_in) {
                    let says = format!(
                        "its stand-in `{stand_in}` is a recipient of this route too, and would get the payload twice"
                    );
                    self.say(&pointer, says);
                }
            }
            let timeout = targets.get(name).and_then(Option::as_ref).map(|t| t.settings.timeout);
            if let (Some(deadline), Some(timeout)) = (deadline, timeout)
                && deadline < timeout
                && !recipient.optional
            {
                let says = format!(
                    "is shorter than one attempt at `{name}` may take: shorten its `timeout`, or give more time"
                );
                self.say(&format!("{at}/deadline"), says);
            }
        }
        let notify = notify.map(|notify| self.notify(at, notify, (&to, targets)));
        let recipients = to.into_iter().enumerate().map(|(place, it)| {
            let pointer = format!("{at}/to/{place}/when");
            let mut issues = Issues::new(at, self.places, self.problems);
            RouteRecipient {
                when: it.when.and_then(|source| filter(&source, &pointer, &mut issues)),
                target: it.target.into(),
                required: !it.optional,
            }
        });
        let recipients = recipients.collect();
        let mut issues = Issues::new(at, self.places, self.problems);
        Route {
            recipients,
            completion: completion.into(),
            deadline: deadline.map(|deadline| deadline.0),
            rest: rest.into(),
            accept_substituted,
            priority: priority.into(),
            schema: schema.and_then(|it| route_schema::compile(&it, self.lookup, &mut issues)),
            notify,
        }
    }

    /// Who is notified is a target that gets nothing else of the route.
    fn notify(
        &mut self,
        at: &str,
        setting: NotifySetting,
        (to, targets): (&[Recipient], &Targets),
    ) -> Notify {
        let pointer = format!("{at}/notify{}", setting.below());
        let NotifyMap { target: name, on } = setting.detailed();
        if on.len() == 2 && on[0] == on[1] {
            self.say(&format!("{at}/notify/on/1"), "stands there twice");
        }
        if !targets.contains_key(&name) {
            self.say_unknown(&pointer, (&name, targets));
            return NotifyMap { target: name, on }.into();
        }
        if targets.get(&name).and_then(Option::as_ref).is_some_and(|target| target.is_bodiless) {
            let says = format!("`{name}` sends no body: a `method` like `POST` would be right");
            self.say(&pointer, says);
        }
        for recipient in to.iter().map(|recipient| &recipient.target) {
            if *recipient == name {
                let says = format!(
                    "`{name}` is a recipient of this route: who gets the payload is not notified too"
                );
                self.say(&pointer, says);
            } else if stand_ins(targets, recipient).iter().any(|(_, it)| **it == name) {
                let says = format!(
                    "`{name}` stands in for `{recipient}`: who gets the payload is not notified too"
                );
                self.say(&pointer, says);
            }
        }
        NotifyMap { target: name, on }.into()
    }

    fn say_unknown(&mut self, pointer: &str, (name, targets): (&str, &Targets)) {
        let is_foreign = [pointer.to_owned(), child(pointer, "target")];
        let is_foreign = is_foreign.iter().any(|pointer| self.places.foreign.contains(pointer));
        let says = if is_foreign {
            "what is referred to is not the name of a target".to_owned()
        } else {
            unknown_target(name, targets)
        };
        self.say(pointer, says);
    }

    fn say(&mut self, pointer: &str, says: impl Into<String>) {
        self.problems.push(Problem::new(self.places.value(pointer), pointer, says));
    }
}

/// The stand-ins of a target, with their places in its list of fallbacks.
fn stand_ins<'t>(targets: &'t Targets, name: &str) -> Vec<(usize, &'t String)> {
    let read = targets.get(name).and_then(Option::as_ref);
    let all = read.and_then(|read| read.settings.fallback.as_deref()).unwrap_or_default();
    let stand_in =
        |(at, entry): (usize, &'t FallbackSetting)| entry.target().map(|name| (at, name));
    all.iter().enumerate().filter_map(stand_in).collect()
}

/// The stand-ins that lead from one target to another, both included.
fn path(targets: &Targets, from: &str, to: &str) -> Option<Vec<String>> {
    let mut seen = HashSet::new();
    let mut ahead = vec![vec![from.to_owned()]];
    while let Some(path) = ahead.pop() {
        let Some(last) = path.last().filter(|last| seen.insert((*last).clone())) else { continue };
        if last == to {
            return Some(path);
        }
        for (_, next) in stand_ins(targets, last) {
            ahead.push(path.iter().chain([next]).cloned().collect());
        }
    }
    None
}

fn unknown_target(name: &str, targets: &Targets) -> String {
    let names: Vec<_> = targets.keys().cloned().collect();
    match nearest(name, &names) {
        Some(meant) => format!("`{name}` is not a target: did you mean `{meant}`?"),
        None => format!("`{name}` is not a target"),
    }
}
