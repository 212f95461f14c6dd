//! The files of a new target. They are compiled and tested here, under the name `acme`: see plugins/template.

use std::path::Path;

use super::name::Name;

/// The files, each with its path in the new crate.
const FILES: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("template/manifest.toml")),
    ("README.md", include_str!("template/README.md")),
    ("src/lib.rs", include_str!("template/src/lib.rs")),
    ("src/settings.rs", include_str!("template/src/settings.rs")),
    ("src/kind.rs", include_str!("template/src/kind.rs")),
    ("src/api.rs", include_str!("template/src/api.rs")),
    ("src/docs.md", include_str!("template/src/docs.md")),
    ("src/main.rs", include_str!("template/src/main.rs")),
    ("tests/it/main.rs", include_str!("template/tests/it/main.rs")),
    ("tests/it/conformance.rs", include_str!("template/tests/it/conformance.rs")),
    ("tests/it/request.rs", include_str!("template/tests/it/request.rs")),
    ("tests/it/settings.rs", include_str!("template/tests/it/settings.rs")),
];

/// Keeps the crate out of a workspace that it may lie in.
const ALONE: &str = "\n\n# On its own, whatever folder it lies in. Remove this where it is a member of a workspace.\n[workspace]";

/// Every file with its path and its text. The crate depends on that checkout, or on published versions.
pub(super) fn files(name: &Name, checkout: Option<&Path>) -> Vec<(&'static str, String)> {
    let version = concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));
    let needs = |folder: &str, more: &str| match checkout {
        // A literal string of TOML: without escapes.
        Some(path) => format!("{{ path = '{}{folder}'{more} }}", path.display()),
        None if more.is_empty() => format!("\"{version}\""),
        None => format!("{{ version = \"{version}\"{more} }}"),
    };
    let given = [
        ("{edition}", "2024".to_owned()),
        ("{rust_version}", env!("CARGO_PKG_RUST_VERSION").to_owned()),
        ("{fanfare}", needs("", ", optional = true")),
        ("{sdk}", needs("/plugins/sdk", "")),
        ("{testkit}", needs("/plugins/testkit", "")),
        ("\n{workspace}", ALONE.to_owned()),
    ];
    let manifest =
        |text: &str| given.iter().fold(text.to_owned(), |text, (key, it)| text.replace(key, it));
    let named = |text: String| {
        text.replace("fanfare-acme", &name.package)
            .replace("fanfare_acme", &name.library)
            .replace("ACME", &name.kind.to_ascii_uppercase())
            .replace("Acme", &name.types)
            .replace("acme", &name.kind)
    };
    let file = |(path, text): &(&'static str, &str)| match *path {
        // What is given is not renamed: the path of a checkout may be called anything.
        "Cargo.toml" => (*path, manifest(&named((*text).to_owned()))),
        _ => (*path, named((*text).to_owned())),
    };
    FILES.iter().map(file).collect()
}
