//! `tracestate`: what the systems that a trace has passed want to remember (W3C Trace Context section 3.3).

/// Members of a list. More of them make it invalid.
const MEMBERS_MAX: usize = 32;

/// Characters that are sent on; the standard asks for at least as many.
const LENGTH_MAX: usize = 512;

/// Members longer than this are the first to go where the list is too long.
const MEMBER_LONG: usize = 128;

/// Joins the header lines in their order; none where a member is not valid, a key comes twice, or there is none.
/// What is too long loses whole members: first those over 128 characters, then from the right.
pub(super) fn parse<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Option<String> {
    let mut members: Vec<&str> = Vec::new();
    for line in lines {
        for member in std::str::from_utf8(line).ok()?.split(',') {
            let member = member.trim_matches([' ', '\t']);
            if member.is_empty() {
                continue;
            }
            let key = key_of(member)?;
            if members.len() == MEMBERS_MAX
                || members.iter().any(|other| key_of(other) == Some(key))
            {
                return None;
            }
            members.push(member);
        }
    }
    let length =
        |members: &[&str]| members.iter().map(|m| m.len() + 1).sum::<usize>().saturating_sub(1);
    while length(&members) > LENGTH_MAX {
        let long = members.iter().rposition(|member| member.len() > MEMBER_LONG);
        members.remove(long.unwrap_or(members.len() - 1));
    }
    (!members.is_empty()).then(|| members.join(","))
}

/// The key of a valid member.
fn key_of(member: &str) -> Option<&str> {
    let (key, value) = member.split_once('=')?;
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-*/@".contains(&b);
    let starts = key.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let key_fits = starts && key.len() <= 256 && key.bytes().all(inner);
    let printable = |b: u8| (0x20..=0x7E).contains(&b) && b != b',' && b != b'=';
    let value_fits =
        (1..=256).contains(&value.len()) && value.bytes().all(printable) && !value.ends_with(' ');
    (key_fits && value_fits).then_some(key)
}

#[cfg(test)]
mod tests {
    use proptest::proptest;

    use super::parse;

    #[track_caller]
    fn check(lines: &[&str], expected: Option<&str>) {
        assert_eq!(
            parse(lines.iter().map(|line| line.as_bytes())).as_deref(),
            expected,
            "{lines:?}"
        );
    }

    #[test]
    fn lines_are_joined_in_their_order() {
        check(&["a=1,b=2"], Some("a=1,b=2"));
        check(&["a=1", "b=2", "", "c=3"], Some("a=1,b=2,c=3"));
        check(&["a=1 ,\t b=2,,c=3,"], Some("a=1,b=2,c=3"));
        check(&["foo@@bar=1,0a/*-_=x y"], Some("foo@@bar=1,0a/*-_=x y"));
        check(&[], None);
        check(&["", " , "], None);
    }

    #[test]
    fn one_wrong_member_makes_all_of_it_invalid() {
        let wrong =
            ["a", "=1", "A=1", "@a=1", "a=", "a=b=c", "a b=1", "a=\u{e4}", "a=1,a=2", "a=1;b,c"];
        for line in wrong {
            check(&[line], None);
        }
        check(&["a=1", "a=2"], None);
        check(&[&format!("{}=1", "k".repeat(256))], Some(&format!("{}=1", "k".repeat(256))));
        check(&[&format!("{}=1", "k".repeat(257))], None);
        check(&[&format!("a={}", "v".repeat(257))], None);
    }

    #[test]
    fn there_are_at_most_32_members() {
        let members = |count| (0..count).map(|n| format!("k{n}=1")).collect::<Vec<_>>().join(",");
        check(&[&members(32)], Some(&members(32)));
        check(&[&members(33)], None);
    }

    #[test]
    fn what_is_too_long_loses_long_members_first_and_then_from_the_right() {
        let long = format!("long={}", "v".repeat(200));
        let short = |n: usize| format!("k{n}={}", "v".repeat(90));
        check(
            &[&[&short(1), &long, &short(2), &short(3), &short(4)].map(String::as_str).join(",")],
            Some(&[short(1), short(2), short(3), short(4)].join(",")),
        );
        let six: Vec<_> = (1..=6).map(short).collect();
        check(&[&six.join(",")], Some(&six[..5].join(",")));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(lines: Vec<Vec<u8>>) {
            let parsed = parse(lines.iter().map(Vec::as_slice));
            assert!(parsed.is_none_or(|state| state.len() <= 512));
        }
    }
}
