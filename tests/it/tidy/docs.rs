//! Documents: relative links lead somewhere, and the code map knows every part of the code.

use std::collections::BTreeSet;

use super::Violation;

/// Checks the relative links of a document, with what there is to link to.
pub(super) fn check_links<'a>(
    path: &str,
    text: &str,
    text_of: &dyn Fn(&str) -> &'a str,
    has: &dyn Fn(&str) -> bool,
) -> Vec<Violation> {
    let wrong = |link: &str| {
        let (to, anchor) = link.split_once('#').unwrap_or((link, ""));
        let to = if to.is_empty() { Some(path.to_owned()) } else { resolve(path, to) };
        let to = to.filter(|to| to == path || has(to));
        let Some(to) = to else {
            return Some(format!("`{link}` leads nowhere: there is no such file"));
        };
        let known = if to == path { anchors(text) } else { anchors(text_of(&to)) };
        (!anchor.is_empty() && to.ends_with(".md") && !known.contains(anchor))
            .then(|| format!("`{link}` leads nowhere: no heading of {to} is `#{anchor}`"))
    };
    let found =
        prose(text).flat_map(|(line, prose)| links(&prose).into_iter().map(move |it| (line, it)));
    found.filter_map(|(line, link)| Some(Violation::new(path, line, wrong(&link)?))).collect()
}

/// Every module of `src` and every package below `plugins` stands in the code map.
pub(super) fn check_map<'a>(map: &str, paths: impl Iterator<Item = &'a str>) -> Vec<Violation> {
    let part = |path: &str| {
        let (root, inside) = path.split_once('/')?;
        let name = inside.split('/').next()?;
        let named =
            ["src", "plugins"].contains(&root) && !["src/lib.rs", "src/main.rs"].contains(&path);
        named.then(|| format!("{root}/{name}"))
    };
    let parts: BTreeSet<_> = paths.filter_map(part).collect();
    let missing = parts.into_iter().filter(|it| !map.contains(&format!("`{it}`")));
    missing
        .map(|it| Violation::new("docs/architecture.md", 1, format!("the code map lacks `{it}`")))
        .collect()
}

/// The lines that are neither in a fenced block nor in backticks, numbered from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, String)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(at, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        let outside = || line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        (!fence && !fenced).then(|| (at + 1, outside()))
    })
}

/// What `[…](link)` and `[…]: link` lead to, where that is relative.
fn links(line: &str) -> Vec<String> {
    let inline = line.split("](").skip(1).filter_map(|it| it.split([')', ' ']).next());
    let reference = line.starts_with('[').then(|| line.split_once("]: ")).flatten();
    let all = inline.chain(reference.and_then(|(_, it)| it.split(' ').next()));
    all.filter(|it| !it.contains("://") && !it.starts_with("mailto:")).map(str::to_owned).collect()
}

/// The path from the root that `to` means in the document `from`; none where it leaves the project.
fn resolve(from: &str, to: &str) -> Option<String> {
    let mut parts: Vec<_> = from.split('/').collect();
    parts.pop();
    for part in to.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            parts.pop()?;
        } else {
            parts.push(part);
        }
    }
    Some(parts.join("/"))
}

/// The anchors that a document's headings get.
fn anchors(text: &str) -> BTreeSet<String> {
    let heading = |line: &str| {
        line.strip_prefix('#').map(|it| it.trim_start_matches('#').trim().to_lowercase())
    };
    let kept = |c: &char| c.is_alphanumeric() || [' ', '-', '_'].contains(c);
    text.lines()
        .filter_map(heading)
        .map(|it| it.chars().filter(kept).collect::<String>().replace(' ', "-"))
        .collect()
}

#[test]
fn links_lead_somewhere() {
    #[track_caller]
    fn says(text: &str, expected: &str) {
        let text_of = |path: &str| if path == "docs/a.md" { "# The one, and only\n" } else { "" };
        let has = |path: &str| ["docs/a.md", "README.md", "docs/adr"].contains(&path);
        assert_eq!(super::list(check_links("docs/b.md", text, &text_of, &has)), expected);
    }
    let nowhere = |line: u8, link: &str| {
        format!("docs/b.md:{line}: `{link}` leads nowhere: there is no such file")
    };
    says("[a](a.md), [r](../README.md), [adr](./adr/), [x](https://x.example/y)", "");
    says("\n[a](../a.md)", &nowhere(2, "../a.md"));
    says("[a](a.md) and [c](c.md \"title\")", &nowhere(1, "c.md"));
    says("[a]: c.md", &nowhere(1, "c.md"));
    says("[a](../../a.md)", &nowhere(1, "../../a.md"));
    says("[a](a.md#the-one-and-only)", "");
    says(
        "[a](a.md#two)",
        "docs/b.md:1: `a.md#two` leads nowhere: no heading of docs/a.md is `#two`",
    );
    says("# Here\n[a](#here)", "");
    says("[a](#there)", "docs/b.md:1: `#there` leads nowhere: no heading of docs/b.md is `#there`");
    says("```text\n[a](c.md)\n```\n`[a](c.md)`", "");
}

#[test]
fn the_code_map_is_complete() {
    let paths = [
        "src/lib.rs",
        "src/engine.rs",
        "src/policy/next.rs",
        "plugins/sdk/src/lib.rs",
        "docs/a.md",
    ];
    let found = check_map("`src/policy` and src/engine.rs", paths.into_iter());
    assert_eq!(
        super::list(found),
        "docs/architecture.md:1: the code map lacks `plugins/sdk`\n\
         docs/architecture.md:1: the code map lacks `src/engine.rs`"
    );
}
