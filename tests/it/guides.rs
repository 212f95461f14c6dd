//! What the front page and the guides show is right: their configurations load, their Rust stands in the examples.

use std::{fs, path::Path};

use fanfare::config::{Lookup, load_str};

use crate::config::kinds;

const PAGES: [&str; 4] =
    ["README.md", "docs/getting-started.md", "docs/configuration.md", "docs/failure-policy.md"];

/// What the pages of the plugins show begins with `targets:` where it is whole.
const PLUGINS: [&str; 4] = ["github", "http", "slack", "webhook"];

const TARGETS: &str = "docs/targets.md";
const EXAMPLES: [&str; 4] = [
    include_str!("../../examples/chat_target.rs"),
    include_str!("../../examples/custom_target.rs"),
    include_str!("../../examples/rotating_token.rs"),
    include_str!("../../src/cli/new_target/template/src/main.rs"),
];

/// Whatever a page refers to is there, and fits.
struct Everything;

impl Lookup for Everything {
    fn env(&self, name: &str) -> Result<Option<String>, String> {
        let is_url = name == "SLACK_WEBHOOK";
        let value =
            if is_url { "https://hooks.slack.com/services/T0/B0/x" } else { "s3cret-token" };
        Ok(Some(value.to_owned()))
    }

    fn file(&self, path: &str) -> Result<String, String> {
        Ok(match path.rsplit('/').next() {
            Some("key.pem") => include_str!("../../plugins/auth/tests/keys/eddsa.pem"),
            Some("crm.pem") => include_str!("../../plugins/auth/tests/keys/es256.pem"),
            _ => "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        }
        .to_owned())
    }
}

#[test]
fn every_whole_configuration_is_right() {
    for page in PAGES {
        let blocks = blocks(page, "yaml").into_iter();
        let whole: Vec<_> = blocks.filter(|block| block.contains("routes:")).collect();
        assert!(!whole.is_empty(), "{page} shows no whole configuration");
        for block in whole {
            let read = load_str(page, &block, &kinds(), &Everything);
            assert!(read.is_ok(), "{block}\n{}", read.unwrap_err());
        }
    }
}

#[test]
fn every_target_of_a_plugin_s_page_is_right() {
    for plugin in PLUGINS {
        let page = format!("plugins/{plugin}/src/docs.md");
        let blocks = blocks(&page, "yaml").into_iter();
        let whole: Vec<_> = blocks.filter(|block| block.starts_with("targets:")).collect();
        assert!(!whole.is_empty(), "{page} shows no target");
        for block in whole {
            let read = load_str(&page, &block, &kinds(), &Everything);
            assert!(read.is_ok(), "{block}\n{}", read.unwrap_err());
        }
    }
}

#[test]
fn every_authorizer_is_shown_as_it_is_written() {
    let page = "plugins/auth/src/docs.md";
    let first = blocks(page, "yaml").swap_remove(0);
    for auth in first.lines() {
        let text =
            format!("targets:\n  a:\n    kind: http\n    url: https://a.example/\n    {auth}\n");
        let read = load_str(page, &text, &kinds(), &Everything);
        assert!(read.is_ok(), "{auth}\n{}", read.unwrap_err());
    }
}

#[test]
fn what_is_shown_of_an_example_stands_in_it() {
    let bare = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let examples = EXAMPLES.map(bare);
    let shown = blocks(TARGETS, "rust");
    assert!(shown.len() >= EXAMPLES.len(), "{TARGETS} shows too little");
    for block in shown {
        let stands = examples.iter().any(|example| example.contains(&bare(&block)));
        assert!(stands, "{TARGETS} shows what stands in no example:\n{block}");
    }
}

/// The fenced blocks of that kind.
fn blocks(page: &str, kind: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    let begin = format!("```{kind}\n");
    let blocks = text.split(&begin).skip(1).filter_map(|rest| rest.split("```").next());
    blocks.map(str::to_owned).collect()
}
