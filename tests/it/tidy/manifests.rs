//! Who depends on whom inside the workspace.
//!
//! The contract and the mapping depend on nothing here; a plugin on both and on the shared authorizers; the engine on
//! bundled plugins behind a feature only. Tests of a plugin may use the testkit.

use super::Violation;

/// One line of a manifest that names a package of this workspace.
struct Dependency {
    name: String,
    line: usize,
    dev: bool,
    optional: bool,
}

pub(super) fn check(path: &str, text: &str) -> Vec<Violation> {
    let Some(folder) = path.strip_suffix("Cargo.toml") else { return Vec::new() };
    let plugin = folder.strip_prefix("plugins/").map(|it| it.trim_end_matches('/'));
    if plugin.is_none() && !folder.is_empty() {
        return Vec::new();
    }
    let broken = |dependency: &Dependency| match plugin {
        Some(plugin) => wrong_for_plugin(plugin, dependency),
        None => wrong_for_root(dependency),
    };
    let to_violation = |it: Dependency| Some(Violation::new(path, it.line, broken(&it)?));
    dependencies(text).into_iter().filter_map(to_violation).collect()
}

fn wrong_for_plugin(plugin: &str, dependency: &Dependency) -> Option<String> {
    let name = dependency.name.as_str();
    let right = match (plugin, name) {
        ("sdk" | "mapping", _) => false,
        (_, "fanfare-sdk") => true,
        ("testkit", _) => false,
        (_, "fanfare-auth" | "fanfare-mapping") => plugin != "auth",
        (_, "fanfare-testkit") => dependency.dev,
        _ => false,
    };
    let may = match plugin {
        "sdk" | "mapping" => "on nothing here, not even in tests",
        "testkit" => "on fanfare-sdk only",
        "auth" => "on fanfare-sdk, and in tests on fanfare-testkit",
        _ => "on fanfare-sdk, fanfare-auth and fanfare-mapping, and in tests on fanfare-testkit",
    };
    (!right).then(|| format!("plugins/{plugin} depends on `{name}`, but may depend {may}"))
}

fn wrong_for_root(dependency: &Dependency) -> Option<String> {
    let name = &dependency.name;
    let right = dependency.dev || dependency.optional || name == "fanfare-sdk";
    (!right).then(|| format!("`{name}` must be optional: the bare engine comes without plugins"))
}

/// Read line by line: the manifests here are written one dependency a line.
fn dependencies(text: &str) -> Vec<Dependency> {
    let (mut found, mut section) = (Vec::new(), String::new());
    for (at, line) in text.lines().map(str::trim).enumerate() {
        let own_table = line.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        if let Some(header) = own_table {
            section = header.trim().to_owned();
        }
        // `[dependencies]` and its lines, `[target.….dependencies]`, `[dependencies.name]`.
        let tables = || section.split('.').map(str::trim);
        let Some(kind) = tables().find(|it| it.ends_with("dependencies")) else { continue };
        if tables().next() == Some("workspace") {
            continue;
        }
        let key = match own_table {
            Some(_) => tables().next_back().unwrap_or_default(),
            None => line.split(['=', '.']).next().unwrap_or_default().trim(),
        };
        let renamed = line.split_once("package = \"").and_then(|(_, it)| it.split('"').next());
        let name = renamed.unwrap_or(key).trim_matches('"');
        if name == "fanfare" || name.starts_with("fanfare-") {
            let (dev, optional) = (kind == "dev-dependencies", line.contains("optional = true"));
            found.push(Dependency { name: name.to_owned(), line: at + 1, dev, optional });
        }
    }
    found
}

#[test]
fn packages_depend_downwards() {
    #[track_caller]
    fn says(path: &str, text: &str, expected: &str) {
        assert_eq!(super::list(check(path, text)), expected);
    }
    const HTTP: &str = "plugins/http/Cargo.toml";
    const MAY: &str = "but may depend on fanfare-sdk, fanfare-auth and fanfare-mapping, and in tests on fanfare-testkit";
    let http =
        |line: u8, name: &str| format!("{HTTP}:{line}: plugins/http depends on `{name}`, {MAY}");
    says(HTTP, "[package]\nname = \"fanfare-http\"", "");
    says(HTTP, "[dependencies]\nfanfare-sdk.workspace = true\nfanfare-auth = \"1\"", "");
    says(HTTP, "[dependencies]\nfanfare-mapping.workspace = true", "");
    says(HTTP, "[dev-dependencies]\nfanfare-testkit.workspace = true", "");
    says(HTTP, "[dependencies]\nfanfare-testkit.workspace = true", &http(2, "fanfare-testkit"));
    says(HTTP, "[dependencies]\n\nfanfare = { path = \"../..\" }", &http(3, "fanfare"));
    says(HTTP, "[dev-dependencies]\nfanfare-webhook.workspace = true", &http(2, "fanfare-webhook"));
    says(HTTP, "[build-dependencies]\nfanfare-testkit = \"1\"", &http(2, "fanfare-testkit"));
    says(HTTP, "[dependencies.fanfare-webhook]\nversion = \"1\"", &http(1, "fanfare-webhook"));
    says(
        HTTP,
        "[dependencies]\nhook = { package = \"fanfare-webhook\" }",
        &http(2, "fanfare-webhook"),
    );
    says(HTTP, "[target.'cfg(unix)'.dependencies]\nfanfare = \"1\"", &http(2, "fanfare"));
    says(
        "plugins/sdk/Cargo.toml",
        "[dev-dependencies]\nfanfare-testkit.workspace = true",
        "plugins/sdk/Cargo.toml:2: plugins/sdk depends on `fanfare-testkit`, but may depend on nothing here, not even in tests",
    );
    says(
        "plugins/mapping/Cargo.toml",
        "[dependencies]\nfanfare-sdk.workspace = true",
        "plugins/mapping/Cargo.toml:2: plugins/mapping depends on `fanfare-sdk`, but may depend on nothing here, not even in tests",
    );
    says(
        "plugins/auth/Cargo.toml",
        "[dependencies]\nfanfare-mapping.workspace = true",
        "plugins/auth/Cargo.toml:2: plugins/auth depends on `fanfare-mapping`, but may depend on fanfare-sdk, and in tests on fanfare-testkit",
    );
    says(
        "plugins/testkit/Cargo.toml",
        "[dependencies]\nfanfare-auth.workspace = true",
        "plugins/testkit/Cargo.toml:2: plugins/testkit depends on `fanfare-auth`, but may depend on fanfare-sdk only",
    );
    says(
        "Cargo.toml",
        "[workspace.dependencies]\nfanfare-http = \"1\"\n[dependencies]\nfanfare-http.workspace = true",
        "Cargo.toml:4: `fanfare-http` must be optional: the bare engine comes without plugins",
    );
    says("Cargo.toml", "[dependencies]\nfanfare-http = { workspace = true, optional = true }", "");
}
