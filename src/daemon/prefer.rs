//! How long a caller wants to wait: `Prefer` (RFC 7240).

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// What a caller prefers, as far as it is known here. What is not understood is ignored (RFC 7240 section 2).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Prefer {
    /// `wait`: at most so long (section 4.3).
    pub(super) wait: Option<Duration>,
    /// `respond-async`: rather not at all (section 4.1).
    pub(super) respond_async: bool,
}

impl Prefer {
    /// The first one of each name counts (section 2).
    pub(super) fn of(headers: &HeaderMap, wait_max: Duration) -> Self {
        let mut found = Self::default();
        let lines = headers.get_all(PREFER).iter().filter_map(|line| line.to_str().ok());
        for preference in lines.flat_map(|line| line.split(',')) {
            let preference = preference.split(';').next().unwrap_or_default();
            let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
            let (name, value) = (name.trim(), value.trim().trim_matches('"'));
            if name.eq_ignore_ascii_case("respond-async") {
                found.respond_async = true;
            } else if name.eq_ignore_ascii_case("wait")
                && let Ok(secs) = value.parse()
            {
                let wait = Duration::from_secs(secs).min(wait_max);
                found.wait = found.wait.or(Some(wait));
            }
        }
        found
    }

    /// What was followed: `Preference-Applied` (section 3). A wait that was shortened says so.
    pub(super) fn applied(self) -> Option<HeaderValue> {
        let wait = self.wait.map(|wait| format!("wait={}", wait.as_secs()));
        let asynchronous = self.respond_async.then(|| "respond-async".to_owned());
        let parts: Vec<_> = [asynchronous, wait].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| HeaderValue::try_from(parts.join(", ")).ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{HeaderMap, HeaderValue};

    use super::Prefer;

    #[track_caller]
    fn check(lines: &[&'static str], expected: &str) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("prefer", HeaderValue::from_static(line));
        }
        let applied = Prefer::of(&headers, Duration::from_secs(60)).applied();
        let applied = applied.as_ref().and_then(|it| it.to_str().ok()).unwrap_or("-");
        assert_eq!(applied, expected, "{lines:?}");
    }

    #[test]
    fn what_is_known_is_followed_and_the_rest_ignored() {
        check(&[], "-");
        check(&["wait=5"], "wait=5");
        check(&["Wait=\"5\""], "wait=5");
        check(&["respond-async, wait=10"], "respond-async, wait=10");
        check(&["respond-async", "wait = 10; x=y"], "respond-async, wait=10");
        check(&["wait=5, wait=7"], "wait=5");
        check(&["wait=600"], "wait=60");
        check(&["wait=soon", "wait=-1", "wait", "return=minimal", ",;="], "-");
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(line in "((wait|respond-async|[a-z]{0,5})?[=; \"]{0,2}[0-9]{0,25}\"?,? ?){0,5}|[ -~]{0,40}") {
            let headers = HeaderMap::from_iter([(super::PREFER, HeaderValue::try_from(line).unwrap())]);
            let max = Duration::from_secs(60);
            let found = Prefer::of(&headers, max);
            proptest::prop_assert!(found.wait.is_none_or(|wait| wait <= max));
            drop(found.applied());
        }
    }
}
