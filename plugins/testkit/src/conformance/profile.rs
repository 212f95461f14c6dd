//! What a target declares about itself.

use std::{collections::HashSet, fmt};

use super::{
    check::{Check, Checked, failed},
    subject::Subject,
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "the profile is the same when read twice",
        mend: "compute the profile once, when the target is built",
        run: |subject| Box::pin(stable(subject)),
    },
    Check {
        name: "versions and endpoints are named once",
        mend: "name every version and endpoint once, and none by an empty text",
        run: |subject| Box::pin(distinct(subject)),
    },
    Check {
        name: "at least one exchange is declared",
        mend: "set `exchanges_max` to the requests that one attempt may make",
        run: |subject| Box::pin(exchanges(subject)),
    },
];

async fn stable(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    let (first, second) = (format!("{:?}", target.profile()), format!("{:?}", target.profile()));
    if first == second { Ok(()) } else { failed("the second reading is another one") }
}

async fn distinct(subject: &Subject<'_>) -> Checked {
    let profile = subject.target().profile();
    once("version", profile.versions.iter().map(|version| version.as_str()))?;
    once("endpoint", profile.endpoints.iter().map(|endpoint| endpoint.as_str()))
}

fn once<'a>(what: impl fmt::Display, names: impl Iterator<Item = &'a str>) -> Checked {
    let mut seen = HashSet::new();
    for name in names {
        if name.is_empty() {
            return failed(format!("a {what} has no name"));
        }
        if !seen.insert(name) {
            return failed(format!("{what} `{name}` is named twice"));
        }
    }
    Ok(())
}

async fn exchanges(subject: &Subject<'_>) -> Checked {
    match subject.target().profile().exchanges_max {
        0 => failed("`exchanges_max` is 0"),
        _ => Ok(()),
    }
}
