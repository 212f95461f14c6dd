//! Versions as people read them: a line each, and what is near.

use fanfare_sdk::Timestamp;

use crate::{
    cli::server::table,
    wire::listing::{Version, Versions},
};

/// Seconds of a day.
const DAY: i64 = 24 * 60 * 60;

/// A line for each version.
pub(super) fn text(found: &Versions, now: Timestamp) -> String {
    let mut rows = Vec::new();
    for target in &found.targets {
        if target.versions.is_empty() {
            rows.push([target.target.clone(), "-".to_owned(), "no versions".to_owned()]);
        }
        for version in &target.versions {
            rows.push([target.target.clone(), name(version), says(version, now)]);
        }
    }
    table(&rows)
}

/// What ends within so many days, or has ended, a line each.
pub(super) fn near(found: &Versions, days: u32, now: Timestamp) -> Vec<String> {
    let mut near = Vec::new();
    for target in &found.targets {
        for version in &target.versions {
            let Some(end) = version.sunset.as_deref().and_then(read) else { continue };
            if end.as_secs() - now.as_secs() <= i64::from(days) * DAY {
                let follows = follows(version);
                near.push(format!(
                    "{} {}: {}{follows}",
                    target.target,
                    name(version),
                    ends(end, now)
                ));
            }
        }
    }
    near
}

fn name(version: &Version) -> String {
    version.version.clone().unwrap_or_else(|| "-".to_owned())
}

/// `used now, deprecated since 2026-06-01, ends 2027-06-30 (in 217 days), then 3, see https://crm.example/docs`
fn says(version: &Version, now: Timestamp) -> String {
    let mut says = Vec::new();
    if version.preferred {
        says.push("preferred".to_owned());
    }
    if let Some(until) = version.rejected_until.as_deref().and_then(read) {
        says.push(format!("rejected, asked for again from {} on", time(until)));
    }
    if version.used && !version.preferred {
        says.push("used now".to_owned());
    }
    match version.deprecated_at.as_deref().and_then(read) {
        Some(at) if at > now => says.push(format!("deprecated from {} on", date(at))),
        Some(at) => says.push(format!("deprecated since {}", date(at))),
        None if version.deprecated => says.push("deprecated".to_owned()),
        None => {}
    }
    says.extend(version.sunset.as_deref().and_then(read).map(|end| ends(end, now)));
    let says = if says.is_empty() { "fallback".to_owned() } else { says.join(", ") };
    format!("{says}{}", follows(version))
}

fn follows(version: &Version) -> String {
    let then = version.successor.as_ref().map(|it| format!(", then {it}"));
    let see = version.guide.as_ref().map(|it| format!(", see {it}"));
    then.into_iter().chain(see).collect()
}

fn ends(end: Timestamp, now: Timestamp) -> String {
    let days = |secs: i64| match secs / DAY {
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    };
    let left = end.as_secs() - now.as_secs();
    if left < 0 {
        format!("ended {} ({} ago)", date(end), days(-left))
    } else {
        format!("ends {} (in {})", date(end), days(left))
    }
}

fn read(time: &str) -> Option<Timestamp> {
    Some(Timestamp::from_secs(time.parse::<jiff::Timestamp>().ok()?.as_second()))
}

fn time(at: Timestamp) -> String {
    jiff::Timestamp::from_second(at.as_secs()).unwrap_or_default().to_string()
}

fn date(at: Timestamp) -> String {
    time(at).split('T').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Timestamp, Versions, near, read, text};

    fn found() -> Versions {
        let version = |name: &str, preferred: bool| {
            json!({
                "version": name, "preferred": preferred, "used": preferred, "rejected_until": null,
                "deprecated": false, "deprecated_at": null, "sunset": null, "successor": null,
                "guide": null,
            })
        };
        let (mut three, mut two, mut one) =
            (version("3", true), version("2", false), version("1", false));
        three["rejected_until"] = "2026-11-25T22:10:00.25Z".into();
        three["used"] = false.into();
        two["used"] = true.into();
        two["deprecated"] = true.into();
        two["deprecated_at"] = "2026-06-01T00:00:00Z".into();
        two["sunset"] = "2026-12-24T00:00:00Z".into();
        two["successor"] = "3".into();
        two["guide"] = "https://crm.example/3".into();
        one["deprecated"] = true.into();
        one["sunset"] = "2026-11-24T01:00:00Z".into();
        let mut feed = version("-", true);
        feed["version"] = json!(null);
        feed["deprecated"] = true.into();
        feed["deprecated_at"] = "2027-01-01T00:00:00Z".into();
        let targets = json!([
            { "target": "audit", "versions": [] },
            { "target": "crm", "versions": [three, two, one, version("0", false)] },
            { "target": "feed", "versions": [feed] },
        ]);
        serde_json::from_value(json!({ "at": "", "targets": targets })).unwrap()
    }

    fn now() -> Timestamp {
        read("2026-11-25T22:00:00Z").unwrap()
    }

    #[test]
    fn each_version_has_a_line() {
        let expected = "\
audit  -  no versions
crm    3  preferred, rejected, asked for again from 2026-11-25T22:10:00Z on
crm    2  used now, deprecated since 2026-06-01, ends 2026-12-24 (in 28 days), then 3, see https://crm.example/3
crm    1  deprecated, ended 2026-11-24 (1 day ago)
crm    0  fallback
feed   -  preferred, deprecated from 2027-01-01 on
";
        assert_eq!(text(&found(), now()), expected);
    }

    #[test]
    fn what_is_near_is_told() {
        let one = "crm 1: ended 2026-11-24 (1 day ago)";
        let two = "crm 2: ends 2026-12-24 (in 28 days), then 3, see https://crm.example/3";
        assert_eq!(near(&found(), 0, now()), [one]);
        assert_eq!(near(&found(), 28, now()), [one], "a day that has begun counts");
        assert_eq!(near(&found(), 29, now()), [two, one]);
    }
}
