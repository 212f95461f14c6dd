//! How the versions of a target stand: what is configured, what was announced, what was rejected.

use fanfare_sdk::{Timestamp, Version};

use super::{TargetPolicy, gate::Gate};
use crate::report::Notice;

/// How a version stands.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct VersionStatus {
    /// The version; none where the target has none, and its API has announced something all the same.
    pub version: Option<Version>,
    /// It is the one that is configured first.
    pub preferred: bool,
    /// Deliveries begin with it now.
    pub used: bool,
    /// Its API has rejected it, and it is not asked for again before that time.
    pub rejected_until: Option<Timestamp>,
    /// What is known of it, and was announced.
    pub notice: Notice,
}

/// How the versions of a target stand, preferred first.
#[must_use]
pub fn versions(policy: &TargetPolicy, gate: &Gate, now: Timestamp) -> Vec<VersionStatus> {
    let preferred = policy.versions.first();
    let first = gate.version_first(&policy.versions, now);
    let used = first.as_ref().or(preferred);
    let notice = |version: Option<&Version>| {
        let notice = policy.notice(version, gate.announced(version).cloned());
        notice.map(|notice| (*notice).clone())
    };
    let of = |version: &Version| VersionStatus {
        version: Some(version.clone()),
        preferred: preferred == Some(version),
        used: used == Some(version),
        rejected_until: gate.rejected_until(version, now),
        notice: notice(Some(version)).or_else(|| known(policy, version)).unwrap_or_default(),
    };
    let unnamed = notice(None).filter(|_| policy.versions.is_empty()).map(|notice| VersionStatus {
        version: None,
        preferred: true,
        used: true,
        rejected_until: None,
        notice,
    });
    policy.versions.iter().map(of).chain(unnamed).collect()
}

/// What is configured, though it is no reason to warn.
fn known(policy: &TargetPolicy, version: &Version) -> Option<Notice> {
    policy.notices.get(version).map(|notice| (**notice).clone())
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use fanfare_sdk::{Profile, Timestamp};

    use super::{Gate, Notice, TargetPolicy, versions};
    use crate::{
        policy::gate::{Feedback, Health, Pause, Said},
        report::{Kind, Way},
    };

    fn ends(secs: i64) -> Notice {
        Notice { sunset: Some(Timestamp::from_secs(secs)), ..Notice::default() }
    }

    fn policy() -> TargetPolicy {
        let mut policy = TargetPolicy::new("crm".into(), &Profile::default());
        policy.versions = vec!["3".into(), "2".into()];
        let mut known = ends(500);
        known.successor = Some("3".into());
        policy.notices.insert("2".into(), Arc::new(known));
        // No reason to warn, but to be shown.
        let next = Notice { successor: Some("4".into()), ..Notice::default() };
        policy.notices.insert("3".into(), Arc::new(next));
        policy
    }

    #[track_caller]
    fn check((policy, gate): (&TargetPolicy, &Gate), secs: i64, expected: &[&str]) {
        let found: Vec<_> = versions(policy, gate, Timestamp::from_secs(secs))
            .iter()
            .map(|it| {
                let secs = |at: Option<Timestamp>| at.map(Timestamp::as_secs);
                format!(
                    "{}{}{} {:?} {:?} {:?}",
                    it.version.as_ref().map_or("-", |version| version.as_str()),
                    if it.preferred { " preferred" } else { "" },
                    if it.used { " used" } else { "" },
                    secs(it.rejected_until),
                    secs(it.notice.sunset),
                    it.notice.successor.as_deref().unwrap_or("-"),
                )
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_was_rejected_and_announced_is_shown_beside_what_is_configured() {
        let (mut policy, mut gate) = (policy(), Gate::new(policy().gate));
        check((&policy, &gate), 0, &["3 preferred used None None \"4\"", "2 None Some(500) \"3\""]);
        let way = Way { target: "crm".into(), endpoint: None, version: Some("3".into()) };
        let ticket = gate.admit(&way, Kind::First, Timestamp::from_secs(0)).unwrap();
        let (health, pause, said) = (Health::Well, Pause::None, Said::VersionRejected);
        let feedback = Feedback::Replied { health, pause, said };
        policy.gate.version_memory = Duration::from_secs(600);
        assert_eq!(gate.give_back(ticket, feedback, Timestamp::from_secs(0)), None);
        let before = gate.revision();
        gate.announce(Some(&"2".into()), &ends(400));
        gate.announce(Some(&"2".into()), &ends(400));
        assert_eq!(gate.revision(), before + 1, "once");
        let kept = serde_json::to_string(&gate.snapshot()).unwrap();
        let gate = Gate::restore(policy.gate.clone(), serde_json::from_str(&kept).unwrap());
        check(
            (&policy, &gate),
            1,
            &["3 preferred Some(600) None \"4\"", "2 used None Some(400) \"3\""],
        );
        check(
            (&policy, &gate),
            600,
            &["3 preferred used None None \"4\"", "2 None Some(400) \"3\""],
        );
    }

    #[test]
    fn an_api_without_versions_may_have_an_end() {
        let mut policy = policy();
        policy.versions.clear();
        let mut gate = Gate::new(policy.gate.clone());
        check((&policy, &gate), 0, &[]);
        gate.announce(None, &ends(7));
        check((&policy, &gate), 0, &["- preferred used None Some(7) \"-\""]);
    }
}
