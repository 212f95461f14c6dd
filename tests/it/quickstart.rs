//! `fanfare quickstart`, from its first line to the file that it leaves behind.

use std::{
    fs,
    process::{Command, Output, Stdio},
};

use tokio::sync::Mutex;

use crate::schemas::check_file;

/// Held by whoever may use the ports that the file names.
static PORTS: Mutex<()> = Mutex::const_new(());

async fn quickstart(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
    command.arg("quickstart").args(args).env_remove("RUST_BACKTRACE").stdin(Stdio::null());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// What is different in every run reads `…`: ports, ids, times with their units.
fn steady(text: &str) -> String {
    const END: [char; 4] = [' ', '\n', ',', ':'];
    let bare = |word: &&str| word.trim_end_matches(END).to_owned();
    let all: Vec<&str> = text.split_inclusive([' ', '\n']).collect();
    let is_unit = |word: Option<&&str>| word.is_some_and(|w| ["ms", "s"].contains(&&*bare(w)));
    let mut words = Vec::new();
    let mut after_number = false;
    for (place, word) in all.iter().enumerate() {
        let text = bare(word);
        let number = text.parse::<f64>().is_ok() && is_unit(all.get(place + 1));
        let id = text.len() >= 16 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
        words.push(match text.strip_prefix("http://127.0.0.1:") {
            Some(rest) => {
                let port = rest.split('/').next().unwrap_or_default();
                word.replacen(port, "…", 1)
            }
            // The unit goes with its number: a busy machine takes seconds for milliseconds.
            None if after_number => word.replacen(&text, "", 1),
            None if number => "…".to_owned(),
            None if id => word.replace(&text, "…"),
            None => (*word).to_owned(),
        });
        after_number = number;
    }
    // Columns are as wide as what stands in them.
    let line = |line: &str| {
        let indent = line.len() - line.trim_start().len();
        format!("{}{}\n", &line[..indent], line.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    words.concat().lines().map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_shows_what_fanfare_does_and_leaves_a_file() {
    let _ports = PORTS.lock().await;
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().to_str().unwrap();
    let output = quickstart(&["--dir", folder, "--progress", "plain"]).await;
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert_eq!(output.status.code(), Some(0), "{err}");
    check_file("tests/it/snapshots/quickstart.txt", &steady(&out.replace(folder, "DIR")));
    for line in [
        "throttled: attempt 1: 429, ",
        "asked to by the API (429)",
        "versioned: version 3 is gone (410), now version 2",
    ] {
        assert!(err.contains(line), "{err}");
    }
    let file = dir.path().join("fanfare.yaml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("# yaml-language-server: $schema="), "{text}");
    fs::write(&file, "mine").unwrap();
    let again = quickstart(&["--dir", folder]).await;
    assert_eq!(again.status.code(), Some(0));
    let out = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(out.contains("fanfare.yaml was there before, and is as it was."), "{out}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ports_that_the_file_names_are_not_shared() {
    let _ports = PORTS.lock().await;
    // Whoever has it: it is taken.
    let taken = std::net::TcpListener::bind(("127.0.0.1", 4702));
    let dir = tempfile::tempdir().unwrap();
    let output = quickstart(&["--serve", "--dir", dir.path().to_str().unwrap()]).await;
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{err}");
    assert!(err.starts_with("error: --serve: needs the ports 4701 to 4703: "), "{err}");
    drop(taken);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_not_there_is_told_before_anything_is_sent() {
    let output = quickstart(&["--dir", "/no/such/folder"]).await;
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(err, "error: --dir: `/no/such/folder`: No such file or directory (os error 2)\n");
}
