//! What is known of versions.

use super::{read, wrong};

/// A target that has a place for versions.
fn target(versions: &str) -> String {
    format!(
        "targets:\n  a: {{ kind: http, url: 'https://a.example/v{{version}}', versions: {versions} }}\n"
    )
}

#[test]
fn what_is_known_of_a_version_is_read() {
    let known = |versions: &str| {
        let config = read(&target(versions)).unwrap();
        let policy = &config.targets[0].policy;
        let names: Vec<_> = policy.versions.iter().map(|it| it.as_str()).collect();
        let known = policy.notices.iter().map(|(version, notice)| {
            let secs = |at: Option<fanfare::sdk::Timestamp>| {
                at.map_or("-".to_owned(), |at| at.as_secs().to_string())
            };
            format!(
                "{version} {} {} {} {}",
                secs(notice.deprecated_at),
                secs(notice.sunset),
                notice.successor.as_deref().unwrap_or("-"),
                notice.documentation.as_deref().unwrap_or("-"),
            )
        });
        format!("{}: {}", names.join(" "), known.collect::<Vec<_>>().join(", "))
    };
    assert_eq!(known("['3', '2']"), "3 2: ");
    assert_eq!(known("['3', { name: '2' }]"), "3 2: ");
    assert_eq!(
        known(
            "['3', { name: '2', deprecated: 2023-06-30, sunset: '2023-06-30T23:59:59Z', successor: '3', guide: 'https://a.example/3' }]"
        ),
        "3 2: 2 1688083200 1688169599 3 https://a.example/3"
    );
    assert_eq!(
        known("[{ name: '2', sunset: 2023-06-30T23:59:59.5+02:00 }]"),
        "2: 2 - 1688162399 - -"
    );
    assert_eq!(known("[{ name: '2', successor: '3' }]"), "2: 2 - - 3 -");
}

#[test]
fn what_makes_no_sense_of_a_version_is_told() {
    let check = |versions: &str, expected: &[&str]| wrong(&target(versions), expected);
    check(
        "[3]",
        &["2:68: targets.a.versions.0: is a number: text or a map with `name` would be right"],
    );
    check("['']", &["2:68: targets.a.versions.0: is empty"]);
    check("['2', '2']", &["2:73: targets.a.versions.1: stands there twice"]);
    check("['2', { name: '2' }]", &["2:81: targets.a.versions.1.name: stands there twice"]);
    check("[{ sunset: 2027-06-30 }]", &["2:68: targets.a.versions.0.name: is missing"]);
    check(
        "[{ name: '2', sunst: 2027-06-30 }]",
        &["2:81: targets.a.versions.0.sunst: is not a known key: did you mean `sunset`?"],
    );
    check(
        "[{ name: '2', sunset: soon, deprecated: 2027-02-30 }]",
        &[
            "2:89: targets.a.versions.0.sunset: is not a date: `2027-06-30` or `2027-06-30T12:00:00Z` (RFC 3339) would be right",
            "2:107: targets.a.versions.0.deprecated: is not in the calendar: `2027-06-30` or `2027-06-30T12:00:00Z` (RFC 3339) would be right",
        ],
    );
    check(
        "[{ name: '2', sunset: 2027-02-30, guide: 'a.example' }]",
        &[
            "2:89: targets.a.versions.0.sunset: is not in the calendar: `2027-06-30` or `2027-06-30T12:00:00Z` (RFC 3339) would be right",
            "2:108: targets.a.versions.0.guide: is no URL: `https://…` would be right",
        ],
    );
    check(
        "[{ name: '2', deprecated: 2027-07-01, sunset: 2027-06-30 }]",
        &[
            "2:113: targets.a.versions.0.sunset: is before `deprecated`: a version ends after it is deprecated",
        ],
    );
}

#[test]
fn a_name_that_could_not_be_sent_is_told() {
    let check = |versions: &str, says: &str| {
        let found = read(&target(versions)).err().unwrap_or_default();
        assert!(found.contains(says) && !found.contains("s3cret"), "{versions}:\n{found}");
    };
    let none = "is no version: it begins or ends with a space, or has a control character";
    check("[\"a\\nb\"]", &format!("targets.a.versions.0: {none}"));
    check("[{ name: ' 2' }]", &format!("targets.a.versions.0.name: {none}"));
    check("['..']", "targets.a.versions.0: is no version: in a path it would lead elsewhere");
    check(
        &format!("['{}']", "v".repeat(257)),
        "targets.a.versions.0: has more than 256 characters",
    );
    let shown = "has user info, which would be shown: leave it out";
    let url = "https://u:s3cret@a.example/";
    check(&format!("[{{ name: '2', guide: '{url}' }}]"), &format!("guide: {shown}"));
    check(&format!("[{{ name: '2', successor: '{url}' }}]"), &format!("successor: {shown}"));
    check(
        "[{ name: '2', successor: '2' }]",
        "successor: follows itself: another version would be right",
    );
    check(
        "['v3', { name: 'v2', successor: 'V3' }]",
        "successor: is none of these `versions`: did you mean `v3`?",
    );
    check("[{ name: '2', successor: \"a\\nb\" }]", "successor: has a control character");
    check(
        "[{ name: '2', headers: { X-A: a, x-a: b } }]",
        "targets.a.versions.0.headers.x-a: is there twice: names of headers ignore case",
    );
    let header = "targets:\n  a: { kind: http, url: 'https://a.example/', version_in: { header: X-V }, versions: ['ä'] }\n";
    let found = read(header).unwrap_err();
    assert!(
        found
            .contains("targets.a.versions.0: is not ASCII, and `version_in` puts it into a header"),
        "{found}"
    );
}
