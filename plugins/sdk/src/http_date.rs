//! Dates in headers (RFC 9110 section 5.6.7).

use std::time::SystemTime;

use crate::Timestamp;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// In the form of RFC 850.
const DAYS_IN_FULL: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A date in one of the three forms that a recipient has to take: IMF-fixdate, RFC 850, asctime.
///
/// Some servers get the day's name wrong: it is not looked at. Nothing before 1970 is a date.
#[must_use]
pub fn http_date(text: &str) -> Option<Timestamp> {
    let time = httpdate::parse_http_date(text).ok().or_else(|| by_another_day(text))?;
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(Timestamp::from_secs(i64::try_from(since.as_secs()).ok()?))
}

/// The date, where only the name of its day keeps it from being one.
fn by_another_day(text: &str) -> Option<SystemTime> {
    let (day, rest) = text.split_at(text.find([',', ' '])?);
    let days = [DAYS, DAYS_IN_FULL].into_iter().find(|days| days.contains(&day))?;
    days.iter().find_map(|day| httpdate::parse_http_date(&format!("{day}{rest}")).ok())
}

#[cfg(test)]
mod tests {
    use super::http_date;

    #[track_caller]
    fn check(text: &str, expected: Option<i64>) {
        assert_eq!(http_date(text).map(|at| at.as_secs()), expected, "{text}");
    }

    #[test]
    fn a_date_is_read_in_its_forms_whatever_the_day_is_called() {
        // RFC 9110 section 5.6.7.
        for day in ["Sun", "Mon", "Sat"] {
            check(&format!("{day}, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
            check(&format!("{day} Nov  6 08:49:37 1994"), Some(784_111_777));
        }
        for day in ["Sunday", "Monday", "Saturday"] {
            check(&format!("{day}, 06-Nov-94 08:49:37 GMT"), Some(784_111_777));
        }
        check("Thu, 01 Jan 1970 00:00:00 GMT", Some(0));
        for wrong in [
            "",
            "Sun",
            "Day, 06 Nov 1994 08:49:37 GMT",
            "Sun, 31 Feb 2026 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Wed, 31 Dec 1969 23:59:59 GMT",
            "Sunday, 06 Nov 1994 08:49:37 GMT",
            "é, 06 Nov 1994 08:49:37 GMT",
        ] {
            check(wrong, None);
        }
    }
}
