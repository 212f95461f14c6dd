//! What others have written, asked about our proofs: programs that read one JSON object a line and answer each with a line.
//!
//! Their libraries come from PyPI and npm into `target/auth-pypi` and `target/auth-npm` (`.ci/run` puts them there). Where they
//! are not installed there is nobody to ask: the test says so and ends, except in CI, where it fails.

use std::{
    env,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value;

/// Somebody to ask.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Peer {
    /// A program in Python, and the module that it needs.
    Python(&'static str, &'static str),
    /// A program in JavaScript, and the package that it needs.
    Node(&'static str, &'static str),
}

impl Peer {
    /// The answers, one for each case; none where the peer is not installed.
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    pub(crate) fn ask(self, cases: &[Value]) -> Option<Vec<String>> {
        let (Self::Python(_, needs) | Self::Node(_, needs)) = self;
        if !self.is_installed() {
            assert!(env::var_os("CI").is_none(), "{needs} is not installed: .ci/run does it");
            eprintln!("skipped: {needs} is not installed");
            return None;
        }
        let mut peer = self.program();
        let mut peer =
            peer.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut input = peer.stdin.take().expect("it reads");
        for case in cases {
            writeln!(input, "{case}").expect("it reads");
        }
        drop(input);
        let output = peer.wait_with_output().expect("it ends");
        let text = String::from_utf8(output.stdout).expect("it answers in text");
        Some(text.lines().map(str::to_owned).collect())
    }

    /// The program, ready to be started.
    pub(crate) fn program(self) -> Command {
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/peer");
        match self {
            Self::Python(program, _) => {
                let mut python = Command::new("python3");
                python.arg(here.join(program)).env("PYTHONPATH", target().join("auth-pypi"));
                python
            }
            Self::Node(program, _) => {
                let mut node = Command::new("node");
                node.arg(here.join(program)).env("MODULES", modules());
                node
            }
        }
    }

    /// Whether what it needs is there.
    pub(crate) fn is_installed(self) -> bool {
        match self {
            Self::Python(_, needs) => target().join("auth-pypi").join(needs).exists(),
            Self::Node(_, needs) => modules().join(needs).exists(),
        }
    }
}

fn modules() -> PathBuf {
    target().join("auth-npm/node_modules")
}

fn target() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    env::var_os("CARGO_TARGET_DIR").map_or(root.join("target"), |it| root.join(it))
}
