//! The folder as a whole: every file is checked by the program, has a mock, and stands in the table.

use std::{
    fs,
    process::{Command, Output},
};

use super::{
    anthropic, discord, github, hubspot, linear, mailgun, notion, openai, pagerduty, paypal,
    salesforce, sendgrid, shopify, slack, sqs, square,
    stage::{Example, FOLDER},
    standard_webhooks,
    standins::VARIABLES,
    stripe, twilio,
};

/// All of them, in the order of their files.
pub(super) fn all() -> Vec<Example> {
    vec![
        anthropic::example(),
        discord::example(),
        github::example(),
        hubspot::example(),
        linear::example(),
        mailgun::example(),
        notion::example(),
        openai::example(),
        pagerduty::example(),
        paypal::example(),
        salesforce::example(),
        sendgrid::example(),
        shopify::example(),
        slack::example(),
        sqs::example(),
        square::example(),
        standard_webhooks::example(),
        stripe::example(),
        twilio::example(),
    ]
}

fn files() -> Vec<String> {
    let names = fs::read_dir(FOLDER).unwrap().map(|it| it.unwrap().file_name());
    let names = names.map(|name| name.into_string().unwrap());
    let mut files: Vec<_> = names.filter(|name| name.ends_with(".yaml")).collect();
    files.sort();
    assert!(!files.is_empty(), "{FOLDER}");
    files
}

fn check(file: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
    command.args(["check", "--config", file]).current_dir(FOLDER);
    for (name, _) in VARIABLES {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied()).output().unwrap()
}

#[test]
fn each_is_right_and_says_what_it_needs() {
    for file in files() {
        let right = check(&file, &VARIABLES);
        let told = String::from_utf8_lossy(&right.stderr).into_owned();
        assert_eq!(right.status.code(), Some(0), "{told}");
        let text = fs::read_to_string(format!("{FOLDER}/{file}")).unwrap();
        for (name, _) in VARIABLES.iter().filter(|it| text.contains(&format!("${{env:{}}}", it.0)))
        {
            let others: Vec<_> = VARIABLES.iter().copied().filter(|it| it.0 != *name).collect();
            let wrong = check(&file, &others);
            let told = String::from_utf8_lossy(&wrong.stderr).into_owned();
            assert_eq!(wrong.status.code(), Some(2), "{file} without {name}");
            assert!(told.contains(name) && told.starts_with(&format!("error: {file}:")), "{told}");
        }
    }
}

#[test]
fn each_is_short_says_where_it_is_documented_and_has_a_mock_that_does() {
    for file in files() {
        let text = fs::read_to_string(format!("{FOLDER}/{file}")).unwrap();
        assert!(text.lines().count() <= 40, "{file} is too long for an example");
        assert!(
            text.starts_with("# ") && text.lines().next().unwrap().contains("https://"),
            "{file}"
        );
        let name = file.trim_end_matches(".yaml").replace('-', "_");
        let mock = format!("{}/tests/it/apis/{name}.rs", env!("CARGO_MANIFEST_DIR"));
        let mock = fs::read_to_string(&mock).unwrap_or_default();
        let cites = mock.lines().any(|line| line.trim_start().starts_with("// https://"));
        assert!(
            cites && mock.contains(&format!("\"{file}\"")),
            "{file} has no mock that cites its vendor"
        );
        let refusals = mock.split("async fn what_it_refuses()").nth(1).unwrap_or_default();
        let refuses = ["failed (", "refused"].iter().any(|it| refusals.contains(it));
        assert!(refuses && refusals.contains(".broken"), "{file} is never broken, or not refused");
    }
}

#[test]
fn each_stands_in_the_table_and_is_run() {
    let page = fs::read_to_string(format!("{FOLDER}/README.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| ["));
    let listed: Vec<_> = rows.filter_map(|row| row.split(['(', ')']).nth(1)).collect();
    assert_eq!(listed, files(), "examples/apis/README.md");
    let run: Vec<_> = all().iter().map(|it| it.file).collect();
    assert_eq!(run, files(), "`all` in tests/it/apis/files.rs");
}
