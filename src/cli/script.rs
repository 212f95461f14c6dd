//! The script of `explain`: what an API answers, one word after the other.

use std::time::Duration;

use fanfare_sdk::Span;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::policy::rehearse::{Answer, Scripted};

/// Answers in one script.
const ANSWERS_MAX: usize = 1_000;

/// Reads a script; says all that is wrong with it, with line and place.
pub(super) fn parse(text: &str) -> Result<Vec<Scripted>, Vec<String>> {
    let (mut script, mut wrong) = (Vec::new(), Vec::new());
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        for (place, part) in line.split(',').enumerate().filter(|(_, part)| !part.trim().is_empty())
        {
            match answer(part) {
                Ok(answer) => script.push(answer),
                Err(says) => wrong.push(format!(
                    "--script line {}, answer {}: {says}",
                    number + 1,
                    place + 1
                )),
            }
        }
    }
    if script.is_empty() && wrong.is_empty() {
        wrong.push("--script: has no answer: `503, 200` would be right".to_owned());
    }
    if script.len() > ANSWERS_MAX {
        wrong.push(format!("--script: has {} answers: {ANSWERS_MAX} are allowed", script.len()));
    }
    if wrong.is_empty() { Ok(script) } else { Err(wrong) }
}

pub(super) fn answer(part: &str) -> Result<Scripted, String> {
    let mut words = part.split_whitespace();
    let first = words.next().unwrap_or_default();
    let (mut headers, mut after) = (HeaderMap::new(), Duration::ZERO);
    for word in words {
        let Some((name, value)) = word.split_once('=') else {
            return Err(format!(
                "`{word}`: `after=20ms` or a header like `retry-after=2` would be right"
            ));
        };
        if name == "after" {
            Span(after) = Span::parse(value).map_err(|says| format!("after: {says}"))?;
            continue;
        }
        let header = HeaderName::try_from(name)
            .ok()
            .zip(HeaderValue::try_from(value.replace('_', " ")).ok());
        let Some((name, value)) = header else { return Err(format!("`{word}` is not a header")) };
        headers.append(name, value);
    }
    let answer = match first {
        "hang" => Answer::Hang,
        "reset" => Answer::Reset,
        "refused" => Answer::Refused,
        status => match status.parse::<u16>() {
            Ok(status @ 100..=599) => Answer::Status(status, headers.clone()),
            Ok(_) | Err(_) => {
                return Err(format!(
                    "`{status}`: a status, `hang`, `reset` or `refused` would be right"
                ));
            }
        },
    };
    if !headers.is_empty() && !matches!(answer, Answer::Status(..)) {
        return Err(format!("`{first}` has no headers"));
    }
    Ok(Scripted { answer, after })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let parsed = match parse(text) {
            Ok(script) => format!("{script:?}"),
            Err(wrong) => wrong.join("\n"),
        };
        assert_eq!(parsed, expected);
    }

    #[test]
    fn a_script_is_read() {
        let hang = "[Scripted { answer: Hang, after: 0ns }, Scripted { answer: Status(200, {}), after: 20ms }]";
        check("hang, 200 after=20ms", hang);
        check("hang # and then\n200 after=20ms\n", hang);
        let asked = "[Scripted { answer: Status(503, {\"retry-after\": \"2\"}), after: 0ns }]";
        check("503 retry-after=2", asked);
    }

    #[test]
    fn all_that_is_wrong_is_told_with_its_place() {
        check("", "--script: has no answer: `503, 200` would be right");
        check(
            "200, 999\nhung, 200 soon, 200 after=1, hang a=b",
            "--script line 1, answer 2: `999`: a status, `hang`, `reset` or `refused` would be right\n\
             --script line 2, answer 1: `hung`: a status, `hang`, `reset` or `refused` would be right\n\
             --script line 2, answer 2: `soon`: `after=20ms` or a header like `retry-after=2` would be right\n\
             --script line 2, answer 3: after: `1` is not a duration: `250ms`, `5s` or `1m30s` would be right\n\
             --script line 2, answer 4: `hang` has no headers",
        );
    }
}
