//! What a target declares about itself.

use std::{collections::HashSet, fmt};

use fanfare_sdk::{Capture, Fallback, VersionUse};

use super::{
    check::{Check, Checked, failed, skipped},
    subject::{Subject, difference},
};

pub(super) const CHECKS: &[Check] = &[
    Check {
        must: "T1",
        name: "the profile is the same when read twice",
        mend: "compute the profile once, when the target is built",
        run: |subject| Box::pin(stable(subject)),
    },
    Check {
        must: "T2",
        name: "versions and endpoints are named once",
        mend: "name every version and endpoint once, and none by an empty text",
        run: |subject| Box::pin(distinct(subject)),
    },
    Check {
        must: "T3",
        name: "at least one exchange is declared",
        mend: "set `exchanges_max` to the requests that one attempt may make",
        run: |subject| Box::pin(exchanges(subject)),
    },
    Check {
        must: "T4",
        name: "what is kept of a reply has a limit",
        mend: "set `capture` to the bytes that say what became of a request: 16 MiB at most, and `Capture::Head` for none",
        run: |subject| Box::pin(kept(subject)),
    },
    Check {
        must: "T5",
        name: "only ways of its own are recommended",
        mend: "leave other targets out of `fallback`: their names are the configuration's; name an endpoint once",
        run: |subject| Box::pin(recommended(subject)),
    },
    Check {
        must: "T6",
        name: "a version is to it what is declared",
        mend: "set `version_use`: `Ignored` where a request has no place for a version, `Accepted` where it may have \
               one, `Needed` where it is not complete without",
        run: |subject| Box::pin(version_use(subject)),
    },
];

/// Bytes of one reply: each attempt in flight may hold as many.
const KEPT_BYTES_MAX: usize = 16 << 20;

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

async fn kept(subject: &Subject<'_>) -> Checked {
    match subject.target().profile().capture {
        Capture::Whole { bytes_max: 0 } => failed("`bytes_max` is 0"),
        Capture::Whole { bytes_max } if bytes_max > KEPT_BYTES_MAX => {
            failed(format!("`bytes_max` is {bytes_max}"))
        }
        Capture::Whole { .. } | Capture::Head => Ok(()),
    }
}

async fn recommended(subject: &Subject<'_>) -> Checked {
    let fallback = subject.target().profile().fallback;
    let mut endpoints = Vec::new();
    for way in &fallback {
        match way {
            Fallback::Target(name) => return failed(format!("target `{name}` stands in")),
            Fallback::Endpoint(endpoint) => endpoints.push(endpoint.as_str()),
            Fallback::Version | Fallback::Reply => {}
        }
    }
    once("endpoint of `fallback`", endpoints.into_iter())
}

async fn version_use(subject: &Subject<'_>) -> Checked {
    let target = subject.target();
    let profile = target.profile();
    if profile.version_use == VersionUse::Ignored && !profile.versions.is_empty() {
        return failed("`Ignored`, and there are versions");
    }
    let (mut with, mut without) = (subject.call(&profile), subject.call(&profile));
    with.version.get_or_insert_with(|| "1".into());
    without.version = None;
    let with = subject.accepted(&*target, with).await?;
    let without = subject.accepted(&*target, without).await?;
    if with.received.is_empty() && without.received.is_empty() {
        return skipped("no request went over the wire");
    }
    let differ = difference(&with.received, &without.received).is_some();
    match profile.version_use {
        VersionUse::Needed if without.ended.is_ok() => failed("`Needed`, and it does without"),
        // Without a version it may speak the one that it declares.
        VersionUse::Accepted if !differ && profile.versions.is_empty() => {
            failed("`Accepted`, and it changes nothing")
        }
        VersionUse::Accepted if without.ended.is_err() => {
            failed("`Accepted`, and it does not do without")
        }
        VersionUse::Ignored if differ && with.ended.is_ok() => {
            failed("`Ignored`, and it makes another request")
        }
        VersionUse::Needed | VersionUse::Accepted | VersionUse::Ignored => Ok(()),
    }
}
