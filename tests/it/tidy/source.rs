//! The tree as the rules see it: paths, texts, tokens with their lines.

use std::{collections::BTreeMap, fs, path::Path};

use proc_macro2::{TokenStream, TokenTree};

use super::Violation;

/// Where the project's own files are. Everything else (`target`, `.git`) is none of tidy's business.
const ROOTS: &[&str] =
    &["src", "plugins", "tests", "examples", "benches", "schemas", "docs", ".ci"];

/// All files of the project by their path from its root, with `/` on every system.
pub(super) struct Tree(BTreeMap<String, String>);

/// One Rust file. Comments and the contents of strings are not among its tokens.
pub(super) struct SourceFile {
    pub(super) path: String,
    pub(super) text: String,
    pub(super) tokens: TokenStream,
}

// === impl Tree ===

impl Tree {
    pub(super) fn read(root: impl AsRef<Path>) -> Self {
        let (root, mut files) = (root.as_ref(), BTreeMap::new());
        for entry in fs::read_dir(root).expect("the root can be read").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().is_file() {
                read_file(&entry.path(), name, &mut files);
            } else if ROOTS.contains(&name.as_str()) {
                read_dir(&entry.path(), &name, &mut files);
            }
        }
        Self(files)
    }

    /// The files with that extension, in the order of their paths.
    pub(super) fn files(&self, extension: &str) -> impl Iterator<Item = (&str, &str)> {
        let suffix = format!(".{extension}");
        self.0
            .iter()
            .filter(move |(path, _)| path.ends_with(&suffix))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The text of a file; empty where there is no such file.
    pub(super) fn text(&self, path: &str) -> &str {
        self.0.get(path).map_or("", String::as_str)
    }

    /// Whether there is such a file, or such a folder with something in it.
    pub(super) fn has(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        self.0.contains_key(path) || self.0.keys().any(|file| file.starts_with(&folder))
    }
}

fn read_dir(folder: &Path, name: &str, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).expect("a folder can be read").flatten() {
        let inner = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{name}/{inner}");
        if entry.path().is_file() {
            read_file(&entry.path(), path, files);
        } else if inner != "target" {
            read_dir(&entry.path(), &path, files);
        }
    }
}

/// A file that is not text is known by its path only.
fn read_file(file: &Path, path: String, files: &mut BTreeMap<String, String>) {
    files.insert(path, fs::read_to_string(file).unwrap_or_default());
}

// === impl SourceFile ===

impl SourceFile {
    pub(super) fn parse(path: &str, text: &str) -> Result<Self, Violation> {
        let tokens = text.parse().map_err(|error: proc_macro2::LexError| {
            Violation::new(path, error.span().start().line, "this is not Rust")
        })?;
        Ok(Self { path: path.to_owned(), text: text.to_owned(), tokens })
    }
}

// === tokens ===

/// Calls `look` with every run of tokens: the whole, and the inside of every group.
pub(super) fn every_run(tokens: &TokenStream, look: &mut impl FnMut(&[TokenTree])) {
    let run: Vec<_> = tokens.clone().into_iter().collect();
    look(&run);
    for token in &run {
        if let TokenTree::Group(group) = token {
            every_run(&group.stream(), look);
        }
    }
}

pub(super) fn is_ident(token: Option<&TokenTree>, word: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident == word)
}

pub(super) fn is_punct(token: Option<&TokenTree>, sign: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

pub(super) fn line(token: &TokenTree) -> usize {
    token.span().start().line
}
