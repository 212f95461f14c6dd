//! Text in columns of a terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How many columns it takes.
pub(super) fn columns(text: &str) -> usize {
    text.width()
}

/// The text with blanks behind it, up to that many columns.
pub(super) fn padded(text: &str, width: usize) -> String {
    let blanks = width.saturating_sub(columns(text));
    format!("{text}{}", " ".repeat(blanks))
}

/// As much of the text as fits, with an ellipsis where something is left out.
pub(super) fn cut(text: &str, width: usize, ellipsis: &str) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(columns(ellipsis));
    let mut taken = 0;
    let fits = |letter: &char| {
        taken += letter.width().unwrap_or(0);
        taken <= room
    };
    let kept: String = text.chars().take_while(fits).collect();
    // Where not even the ellipsis fits there is nothing to be said.
    if columns(ellipsis) > width { String::new() } else { kept.trim_end().to_owned() + ellipsis }
}

/// The same for a name: its end tells it from others more often than its middle does.
pub(super) fn cut_middle(text: &str, width: usize, ellipsis: &str) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let tail_width = width.saturating_sub(columns(ellipsis)) / 2;
    let mut taken = 0;
    let fits = |letter: &char| {
        taken += letter.width().unwrap_or(0);
        taken <= tail_width
    };
    let tail: String = text.chars().rev().take_while(fits).collect();
    let tail: String = tail.chars().rev().collect();
    // The text is longer than it may be: its head ends in an ellipsis.
    format!("{}{tail}", cut(text, width - columns(&tail), ellipsis))
}

/// Without what moves the cursor, rings the bell or turns a line around: names and messages come from elsewhere.
pub(super) fn tame(text: &str) -> String {
    let tamed = |letter: char| if letter.is_control() || turns(letter) { '?' } else { letter };
    text.chars().map(tamed).collect()
}

/// The same for JSON, which means what it meant: of what a terminal could obey, it escapes only what is below a blank.
pub(super) fn tame_json(json: &str) -> String {
    let mut tamed = String::with_capacity(json.len());
    for letter in json.chars() {
        if matches!(letter, '\u{7f}'..='\u{9f}') || turns(letter) {
            tamed.push_str(&format!("\\u{:04x}", u32::from(letter)));
        } else {
            tamed.push(letter);
        }
    }
    tamed
}

/// Says in which direction text runs (UAX #9), or ends a line: what stands behind it would be shown elsewhere.
const fn turns(letter: char) -> bool {
    matches!(
        letter,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::{columns, cut, cut_middle, padded, tame, tame_json};

    #[test]
    fn text_is_cut_by_columns_not_by_letters() {
        #[track_caller]
        fn check(text: &str, width: usize, expected: &str) {
            let cut = cut(text, width, "…");
            assert_eq!(cut, expected);
            assert!(columns(&cut) <= width);
        }
        check("contacts", 8, "contacts");
        check("contacts", 7, "contac…");
        check("a target", 3, "a…");
        check("顧客管理", 8, "顧客管理");
        check("顧客管理", 7, "顧客管…");
        check("顧客管理", 6, "顧客…");
        check("e\u{301}te\u{301}s", 3, "e\u{301}t…");
        check("contacts", 1, "…");
        check("contacts", 0, "");
    }

    #[test]
    fn a_name_keeps_its_end() {
        #[track_caller]
        fn check(text: &str, width: usize, expected: &str) {
            let cut = cut_middle(text, width, "…");
            assert_eq!(cut, expected);
            assert!(columns(&cut) <= width);
        }
        check("localhost/a", 11, "localhost/a");
        check("127.0.0.1:4701/slow", 12, "127.0.…/slow");
        check("顧客管理/東京", 8, "顧客…京");
        check("localhost/a", 1, "…");
        check("localhost/a", 0, "");
    }

    #[test]
    fn columns_line_up() {
        assert_eq!(padded("顧客", 6), "顧客  ");
        assert_eq!(padded("contacts", 3), "contacts");
        assert_eq!(tame("a\u{1b}[2J\nb"), "a?[2J?b");
        assert_eq!(tame("paid\u{202e}di\u{2066}p\u{2028}"), "paid?di?p?");
        assert_eq!(tame("e\u{301}顧客 🙂 \u{5d0}"), "e\u{301}顧客 🙂 \u{5d0}");
    }

    #[test]
    fn json_means_what_it_meant() {
        let said = "\u{1b}[2J\u{7f}\u{9b}31m\u{202e}\u{2069} 顧客\n";
        let json = serde_json::to_string_pretty(&[said]).expect("it is JSON");
        let tamed = tame_json(&json);
        assert!(tamed.lines().all(|line| tame(line) == line), "{tamed:?}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&tamed).expect("it is JSON"), [said]);
    }
}
