//! Writes the crate, and says what comes next.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{name::Name, template};
use crate::cli::{
    args::NewTargetArgs,
    kinds::kinds,
    output::{complain, print},
    run::Status,
};

/// Writes a crate for a target of one's own.
pub(in crate::cli) fn new_target(args: &NewTargetArgs) -> io::Result<Status> {
    let (name, folder, checkout) = match checked(args) {
        Ok(checked) => checked,
        Err(wrong) => {
            complain(&wrong);
            return Ok(Status::WrongUsage);
        }
    };
    let files = template::files(&name, checkout.as_deref());
    if let Err((path, error)) = write(&folder, &files) {
        complain(&[format!("{}: cannot be written: {error}", path.display())]);
        return Ok(Status::WrongUsage);
    }
    print(&told(&name, &folder, &files))?;
    Ok(Status::Satisfied)
}

type Checked = (Name, PathBuf, Option<PathBuf>);

pub(super) fn checked(args: &NewTargetArgs) -> Result<Checked, Vec<String>> {
    let mut wrong = Vec::new();
    let mut keep = |says: String| wrong.push(says);
    let name = Name::try_new(&args.name, kinds()).map_err(&mut keep).ok();
    let folder = args.dir.join(&args.name);
    if name.is_some() && folder.exists() {
        keep(format!("{}: is there already: it is left as it is", folder.display()));
    }
    let checkout = args.path.as_ref().map(|path| found(path).map_err(&mut keep).ok());
    match (name, checkout) {
        (Some(name), None) if wrong.is_empty() => Ok((name, folder, None)),
        (Some(name), Some(Some(path))) if wrong.is_empty() => Ok((name, folder, Some(path))),
        (_, _) => Err(wrong),
    }
}

/// The checkout, from the root of the file system: the new crate lies elsewhere.
fn found(path: &Path) -> Result<PathBuf, String> {
    let lacks = |part: &str| {
        format!("--path: {} is no checkout of fanfare: it has no {part}", path.display())
    };
    for part in ["Cargo.toml", "plugins/sdk/Cargo.toml", "plugins/testkit/Cargo.toml"] {
        if !path.join(part).is_file() {
            return Err(lacks(part));
        }
    }
    let whole = path.canonicalize().map_err(|error| format!("--path: {error}"))?;
    if whole.to_string_lossy().contains('\'') {
        return Err("--path: has a `'` in it, which a manifest cannot name".to_owned());
    }
    Ok(whole)
}

/// Writes every file, or says which one it could not.
fn write(folder: &Path, files: &[(&str, String)]) -> Result<(), (PathBuf, io::Error)> {
    for (path, text) in files {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(|error| (parent.to_owned(), error))?;
        fs::write(&path, text).map_err(|error| (path, error))?;
    }
    Ok(())
}

fn told(name: &Name, folder: &Path, files: &[(&str, String)]) -> String {
    let Name { kind, .. } = name;
    let folder = folder.strip_prefix(".").unwrap_or(folder);
    let mut text: String =
        files.iter().map(|(path, _)| format!("{}\n", folder.join(path).display())).collect();
    text.push_str(&format!(
        "\nA target of kind `{kind}`, and an API that is made up. What comes next:\n\n  \
         cd {}\n  \
         cargo test                                 the conformance suite passes\n  \
         cargo run --features program -- targets    the program with `{kind}` in it\n\n\
         README.md there says what to put in place of what is made up.\n",
        folder.display()
    ));
    text
}
