//! `docs/failure-policy.md` shows what `fanfare explain` prints today. `UPDATE=1 cargo test` writes it anew.

use std::{
    fs,
    process::{Command, Stdio},
};

use crate::schemas::check_file;

const PAGE: &str = "docs/failure-policy.md";
const FENCE: &str = "```";
const PROMPT: &str = "$ fanfare explain ";
/// Fewer would mean that the page is no longer read as it is written.
const EXAMPLES_MIN: usize = 20;

#[test]
fn every_example_is_what_the_program_prints() {
    let page = fs::read_to_string(format!("{}/{PAGE}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (played, examples) = replay(&page, explain);
    assert!(examples >= EXAMPLES_MIN, "{PAGE} has only {examples} examples");
    check_file(PAGE, &played);
}

/// The page with the output of every command of its `console` blocks, and how many of them it has.
fn replay(page: &str, run: fn(&[String]) -> String) -> (String, usize) {
    let (mut played, mut examples, mut console, mut apart) = (String::new(), 0, false, "");
    for line in page.lines() {
        match line.strip_prefix(FENCE) {
            Some(kind) => (console, apart) = (kind == "console", ""),
            None if console => {
                let Some(arguments) = line.strip_prefix(PROMPT) else { continue };
                played += &format!("{apart}{line}\n{}", run(&words(arguments)));
                (examples, apart) = (examples + 1, "\n");
                continue;
            }
            None => {}
        }
        played += &format!("{line}\n");
    }
    (played, examples)
}

fn explain(arguments: &[String]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).arg("explain").args(arguments);
    let output = command.env_remove("RUST_BACKTRACE").stdin(Stdio::null()).output().unwrap();
    let complaints = String::from_utf8(output.stderr).unwrap();
    assert_eq!(complaints, "", "{PAGE}: fanfare explain {arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The words of a command as a shell takes them, as far as the page needs it: `'…'` is one word.
fn words(text: &str) -> Vec<String> {
    let quoted = text.split('\'').enumerate().map(|(place, part)| match place % 2 {
        0 => part.replace(' ', "\n"),
        _ => part.to_owned(),
    });
    let text = quoted.collect::<String>();
    text.split('\n').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[test]
fn a_page_that_lies_is_corrected() {
    let run = |arguments: &[String]| format!("{}\n", arguments.join("|"));
    let page = "a\n```text\nkept\n```\n```console\n$ fanfare explain --script '503, 200' -x\nlie\n\nlie\n$ fanfare explain b\n```\nb\n";
    let told = "a\n```text\nkept\n```\n```console\n$ fanfare explain --script '503, 200' -x\n--script|503, 200|-x\n\n$ fanfare explain b\nb\n```\nb\n";
    assert_eq!(replay(page, run), (told.to_owned(), 2));
}
