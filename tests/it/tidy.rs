//! What a reviewer would have to look for in every change, looked for by a machine.
//!
//! Each rule is a function from text to violations and has a table of bad snippets, so that it is known to be
//! able to fail. The tree itself is checked in one test, which names all violations at once.

mod bare;
mod docs;
mod foreign;
mod form;
mod layers;
mod manifests;
mod source;

use std::fmt;

use self::source::{SourceFile, Tree};

/// One place that breaks a rule, and what would be right.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Violation {
    file: String,
    line: usize,
    says: String,
}

impl Violation {
    fn new(file: &str, line: usize, says: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, says: says.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.says)
    }
}

/// One violation a line, in the order of files and lines.
fn list(mut found: Vec<Violation>) -> String {
    found.sort();
    found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_tree_is_tidy() {
    let tree = Tree::read(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for (path, text) in tree.files("rs") {
        match SourceFile::parse(path, text) {
            Ok(file) => {
                found.extend(layers::check(&file));
                found.extend(foreign::check(&file));
                found.extend(form::check(&file, tree.text("docs/roadmap.md")));
            }
            Err(violation) => found.push(violation),
        }
    }
    for (path, text) in tree.files("toml") {
        found.extend(manifests::check(path, text));
    }
    for (path, text) in tree.files("md") {
        found
            .extend(docs::check_links(path, text, &|path| tree.text(path), &|path| tree.has(path)));
    }
    found.extend(docs::check_map(tree.text("docs/architecture.md"), tree.paths()));
    let count = found.len();
    assert!(found.is_empty(), "{count} places are not tidy:\n{}", list(found));
}
