//! The `Link` header (RFC 8288 section 3), as far as relations need it.

/// Links of one header line that are looked at.
const LINKS_MAX: usize = 32;

/// A link with one of its relations.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Link {
    /// As it was written; perhaps relative.
    pub(super) target: String,
    /// In small letters.
    pub(super) rel: String,
}

/// The links of one header line, one for each relation. What cannot be read is left out.
pub(super) fn links(line: &str) -> Vec<Link> {
    let mut links = Vec::new();
    for part in split(line, ',').into_iter().take(LINKS_MAX) {
        let Some((target, parameters)) =
            part.trim().strip_prefix('<').and_then(|rest| rest.split_once('>'))
        else {
            continue;
        };
        // RFC 8288 section 3.3: of several `rel` the first one counts.
        let rel = split(parameters, ';').into_iter().find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("rel").then(|| value.trim().trim_matches('"'))
        });
        for rel in rel.unwrap_or_default().split_ascii_whitespace() {
            links.push(Link { target: target.to_owned(), rel: rel.to_ascii_lowercase() });
        }
    }
    links
}

/// Splits outside of `<…>` and `"…"`.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut quoted, mut bracketed, mut escaped) = (false, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if !bracketed => quoted = !quoted,
            '<' if !quoted => bracketed = true,
            '>' if !quoted => bracketed = false,
            c if c == separator && !quoted && !bracketed => {
                parts.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::links;

    #[track_caller]
    fn check(line: &str, expected: &[(&str, &str)]) {
        let found = links(line);
        let found: Vec<_> = found.iter().map(|l| (l.rel.as_str(), l.target.as_str())).collect();
        assert_eq!(found, expected, "{line}");
    }

    #[test]
    fn links_are_read() {
        check("<https://a.example/x>; rel=\"next\"", &[("next", "https://a.example/x")]);
        check("</x>;REL=Next", &[("next", "/x")]);
        check("</x>; rel=\"a b\"", &[("a", "/x"), ("b", "/x")]);
        check("</x,y;z>; title=\"a, b; c\"; rel=a, </w>; rel=b", &[("a", "/x,y;z"), ("b", "/w")]);
        check("</x>; rel=a; rel=b", &[("a", "/x")]);
        check("</x>; title=\"\\\"\"; rel=a", &[("a", "/x")]);
        let (x, w) = (("a", "/w"), "</w>; rel=a");
        check(&format!("</x\\>; rel=b, {w}"), &[("b", "/x\\"), x]);
        check(&format!("</\"x>; rel=b, {w}"), &[("b", "/\"x"), x]);
        check(&format!("</x>; title=\"<\"; rel=b, {w}"), &[("b", "/x"), x]);
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        check("", &[]);
        check("x; rel=a", &[]);
        check("<x; rel=a", &[]);
        check("</x>", &[]);
        check("</x>; rel", &[]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(line in "(<[ -~]{0,9}>?;? ?(rel|REL|title)?=?\"?[ -~é]{0,9}\"?,? ?){0,6}|\\PC{0,60}") {
            for link in links(&line) {
                proptest::prop_assert!(line.contains(&link.target) && !link.target.contains('>'));
                proptest::prop_assert!(!link.rel.is_empty() && !link.rel.contains(' '));
            }
        }

        #[test]
        fn what_is_written_is_read(target in "[a-z/:.,;=]{0,20}", rels in proptest::collection::vec("[a-z-]{1,9}", 1..4)) {
            let found = links(&format!("<other>; rel=x-other , <{target}>; title=\"a, \\\"b\"; rel=\"{}\"", rels.join(" ")));
            let found: Vec<_> = found.into_iter().skip(1).map(|link| (link.target, link.rel)).collect();
            let written: Vec<_> = rels.into_iter().map(|rel| (target.clone(), rel)).collect();
            proptest::prop_assert_eq!(found, written);
        }
    }
}
