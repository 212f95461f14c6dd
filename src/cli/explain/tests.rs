//! What is typed for many deliveries, and what is said where it is wrong.

use clap::Parser;

use super::{load, route, table};
use crate::{
    cli::args::{Cli, Command, ExplainArgs},
    policy::rehearse::Scripted,
};

fn args(words: &[&str]) -> ExplainArgs {
    let words = ["fanfare", "explain"].iter().chain(words);
    match Cli::try_parse_from(words).unwrap().command {
        Command::Explain(args) => args,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_load_is_read() {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let read = load::load(text).map_or_else(|says| says, |load| load.count().to_string());
        assert_eq!(read, expected);
    }
    check("10/s for 1m", "600");
    check("3/5s for 1m", "36");
    check("1000/m for 30s", "500");
    check("500 at once", "500");
    let wrong =
        |text: &str| format!("--load: `{text}`: `10/s for 1m` or `500 at once` would be right");
    for text in ["", "10", "10/s", "10 for 1m", "x/s for 1m", "10/x for 1m", "many at once"] {
        check(text, &wrong(text));
    }
    check(
        "10/s for long",
        "--load: `long` is not a duration: `250ms`, `5s` or `1m30s` would be right",
    );
    check("0/s for 1m", "--load: `0/s for 1m`: there is no broadcast in it");
    check(
        "1000/s for 1h",
        "--load: `1000/s for 1h`: there are 3600000 broadcasts in it: 1000000 are allowed",
    );
}

#[test]
fn an_outage_is_read() {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let read = load::outage("--outage 1", text, &Scripted::status(201));
        let read =
            read.map_or_else(|says| says.join("\n"), |typed| format!("{:?}", typed.at(None)));
        let shown = read.replace("Scripted ", "").replace("None", "-");
        assert_eq!(shown, expected);
    }
    let outage = |does: &str, during: &str, percent: u8| {
        format!(
            "Outage {{ target: \"crm\", endpoint: -, does: {{ {does} }}, during: {during}, percent: {percent} }}"
        )
    };
    check("crm: down from 10s to 3m", &outage("answer: Refused, after: 0ns", "10s..180s", 100));
    check(
        "crm: down after=1s from 10s to 3m",
        &outage("answer: Refused, after: 1s", "10s..180s", 100),
    );
    check(
        "crm: slow 3s from 0s to 1m",
        &outage("answer: Status(201, {}), after: 3s", "0ns..60s", 100),
    );
    check("crm: hang 20% from 0s to 1m", &outage("answer: Hang, after: 0ns", "0ns..60s", 20));
    let throttled = "answer: Status(429, {\"retry-after\": \"5\"}), after: 20ms";
    check("crm: 429 retry-after=5 after=20ms from 0s to 20s", &outage(throttled, "0ns..20s", 100));
    for text in ["", "crm", "crm:", "crm: ", "down from 10s to 3m"] {
        check(text, &format!("--outage 1: `{text}`: `crm: down from 10s to 3m` would be right"));
    }
    check(
        "crm: from 1s to 2s",
        "--outage 1: what the API does is missing: `down`, `slow 3s` or `503` would be right",
    );
    check("crm: slow from 1s to 2s", "--outage 1: `slow 3s` would be right");
    check("crm: down from 10s", "--outage 1: `from 10s`: `from 10s to 3m` would be right");
    check("crm: down from 3m to 10s", "--outage 1: `from 3m to 10s`: it ends before it begins");
    check("crm: down 120%", "--outage 1: `120%`: `0%` to `100%` would be right");
    check(
        "crm: dwn 5x% from soon to 3",
        "--outage 1: `soon` is not a duration: `250ms`, `5s` or `1m30s` would be right\n\
         --outage 1: `3` is not a duration: `250ms`, `5s` or `1m30s` would be right\n\
         --outage 1: `5x%`: `0%` to `100%` would be right\n\
         --outage 1: `dwn`: `down`, `slow 3s`, a status, `hang`, `reset` or `refused` would be right",
    );
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    #[track_caller]
    fn check(words: &[&str], expected: &str) {
        let args = args(words);
        let wrong = route::rehearsal(&args, args.load.as_deref().unwrap()).unwrap_err();
        assert_eq!(wrong.join("\n"), expected);
    }
    check(
        &[
            "--load",
            "x",
            "--script",
            "200, 503",
            "--outage",
            "crm: down",
            "--outage",
            "target at eu: dwn",
        ],
        "--load: `x`: `10/s for 1m` or `500 at once` would be right\n\
         --script: `200, 503`: with `--load` it is one answer: `200 after=100ms` would be right\n\
         --outage 2: `dwn`: `down`, `slow 3s`, a status, `hang`, `reset` or `refused` would be right\n\
         --outage 1: there is no `crm` without a configuration: there is `target`",
    );
    check(
        &["--load", "1 at once", "--endpoint", "us", "--outage", "target at eu: down"],
        "--outage 1: `eu` is no endpoint of `target`: there is `us`",
    );
    check(
        &["--load", "1 at once", "--timeout", "x", "--attempts", "0"],
        "--timeout: `x` is not a duration: `250ms`, `5s` or `1m30s` would be right\n\
         --attempts: must be at least 1",
    );
}

#[test]
fn the_same_load_gives_the_same_text() {
    let typed = ["--load", "20/s for 1m", "--outage", "target: 503 30%", "--seed", "7"];
    let told = || {
        let args = args(&typed);
        table::tell(&route::rehearsal(&args, "20/s for 1m").unwrap().rehearse())
    };
    assert_eq!(told(), told());
    assert!(told().starts_with("1200 broadcasts, "), "{}", told());
}
