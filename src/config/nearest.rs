//! What somebody may have meant.

use strsim::osa_distance;

/// The word that is nearest to what was typed, where one is near enough to be meant.
pub(crate) fn nearest<'w>(typed: &str, words: &'w [String]) -> Option<&'w str> {
    let far = match typed.chars().count() {
        0..3 => 0,
        length => (length / 3).max(1),
    };
    words
        .iter()
        .map(|word| (osa_distance(&typed.to_lowercase(), &word.to_lowercase()), word.as_str()))
        .filter(|(distance, _)| *distance <= far)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[track_caller]
    fn check(typed: &str, expected: Option<&str>) {
        let words = ["timeout", "retry", "rate_limit", "fallback", "url"].map(str::to_owned);
        assert_eq!(nearest(typed, &words), expected);
    }

    #[test]
    fn a_slip_is_recognised() {
        check("timout", Some("timeout"));
        check("rety", Some("retry"));
        check("rerty", Some("retry"));
        check("ratelimit", Some("rate_limit"));
        check("fallbacks", Some("fallback"));
        check("uri", Some("url"));
        check("URL", Some("url"));
    }

    #[test]
    fn another_word_is_not() {
        check("colour", None);
        check("", None);
        check("x", None);
    }
}
