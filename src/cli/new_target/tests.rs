//! Names are checked, nothing is overwritten, and what is written is whole.

use std::{collections::BTreeSet, fs, path::Path};

use super::{name::Name, new_target::checked, template};
use crate::cli::{args::NewTargetArgs, kinds::kinds};

#[track_caller]
fn name(typed: &str, expected: &str) {
    let told = match Name::try_new(typed, kinds()) {
        Ok(Name { package, library, kind, types }) => format!("{package} {library} {kind} {types}"),
        Err(says) => says,
    };
    assert_eq!(told, expected);
}

#[test]
fn a_name_is_checked() {
    name("crm", "crm crm crm Crm");
    name("fanfare-my-api2", "fanfare-my-api2 fanfare_my_api2 my_api2 MyApi2");
    name("fanfare-box", "fanfare-box fanfare_box box Box");
    let right = "at most 50 small letters and digits would be right, a letter first, perhaps with `-` between words";
    for wrong in
        ["", "-", "a-", "a--b", "2a", "A", "a_b", "a b", "../a", "é", "fanfare-", "fanfare-2"]
    {
        name(wrong, &format!("`{wrong}` is not a name: {right}"));
    }
    let long = "a".repeat(51);
    name(&long, &format!("`{long}` is not a name: {right}"));
    name("match", "`match` cannot name a crate: `fanfare-match` could");
    name("webhook", "there is a kind `webhook` already: another name would be right");
    name("fanfare-http", "there is a kind `http` already: another name would be right");
    name("fanfare-sdk", "`fanfare-sdk` is a part of fanfare: another name would be right");
}

#[test]
fn everything_wrong_is_said_at_once_and_nothing_is_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let args = |name: &str, path: Option<&str>| NewTargetArgs {
        name: name.to_owned(),
        dir: folder.path().to_owned(),
        path: path.map(Into::into),
    };
    let wrong = checked(&args("A", Some("/nowhere"))).unwrap_err();
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert_eq!(wrong[1], "--path: /nowhere is no checkout of fanfare: it has no Cargo.toml");
    assert!(checked(&args("crm", Some(env!("CARGO_MANIFEST_DIR")))).is_ok());
    fs::create_dir(folder.path().join("crm")).expect("writable");
    let wrong = checked(&args("crm", None)).unwrap_err();
    assert!(wrong[0].ends_with("crm: is there already: it is left as it is"), "{wrong:?}");
}

#[test]
fn nothing_of_the_template_is_left_over() {
    let name = Name::try_new("fanfare-my-api", kinds()).expect("it is right");
    for checkout in [None, Some(Path::new("/somewhere"))] {
        for (path, text) in template::files(&name, checkout) {
            let lower = text.to_lowercase();
            for rest in ["acme", "{edition}", "{sdk}", "{fanfare}", "{testkit}", "{workspace}"] {
                assert!(!lower.contains(rest), "{path} has `{rest}` in it");
            }
        }
    }
}

#[test]
fn it_has_the_files_of_the_bundled_targets_and_their_versions() {
    let name = Name::try_new("crm", kinds()).expect("it is right");
    let files = template::files(&name, None);
    let paths: BTreeSet<_> = files.iter().map(|(path, _)| *path).collect();
    for file in
        ["Cargo.toml", "src/lib.rs", "src/settings.rs", "src/kind.rs", "src/api.rs", "src/docs.md"]
    {
        assert!(paths.contains(file), "{file}");
        let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/webhook").join(file);
        assert!(bundled.is_file(), "{file}");
    }
    let workspace = include_str!("../../../Cargo.toml");
    let manifest = &files.iter().find(|(path, _)| *path == "Cargo.toml").expect("there").1;
    for needed in ["bytes", "http", "schemars", "serde", "serde_json", "tokio"] {
        let version = |text: &str| {
            let line =
                text.lines().find(|line| line.starts_with(&format!("{needed} = "))).expect("there");
            line.split('"').nth(1).expect("a version").to_owned()
        };
        assert_eq!(version(manifest), version(workspace), "{needed}");
    }
    assert!(manifest.contains("edition = \"2024\""));
    assert!(workspace.contains("edition = \"2024\""));
}
