//! The name of a new target: of its crate, its kind, its types.

use fanfare_sdk::Registry;

/// More does not fit a line of a table.
const NAME_CHARS_MAX: usize = 50;

/// Names that cargo refuses for a package, and words that cannot name a crate.
const TAKEN: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

/// What `fanfare-` stands before here already.
const OWN: &[&str] = &["sdk", "auth", "mapping", "testkit"];

/// A name that was checked, in the forms in which it is needed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Name {
    /// `fanfare-my-api`
    pub(super) package: String,
    /// `fanfare_my_api`
    pub(super) library: String,
    /// `my_api`
    pub(super) kind: String,
    /// `MyApi`
    pub(super) types: String,
}

impl Name {
    /// Checks it.
    pub(super) fn try_new(typed: &str, kinds: &Registry) -> Result<Self, String> {
        let bare = typed.strip_prefix("fanfare-").unwrap_or(typed);
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        };
        let starts = bare.starts_with(|c: char| c.is_ascii_lowercase());
        if !starts || !bare.split('-').all(is_word) || typed.len() > NAME_CHARS_MAX {
            return Err(format!(
                "`{typed}` is not a name: at most {NAME_CHARS_MAX} small letters and digits would be right, a letter \
                 first, perhaps with `-` between words"
            ));
        }
        if TAKEN.contains(&typed) || typed == "fanfare" {
            return Err(format!("`{typed}` cannot name a crate: `fanfare-{bare}` could"));
        }
        let kind = bare.replace('-', "_");
        if kinds.get(&kind).is_some() {
            return Err(format!("there is a kind `{kind}` already: another name would be right"));
        }
        if OWN.contains(&bare) && typed != bare {
            return Err(format!("`{typed}` is a part of fanfare: another name would be right"));
        }
        let capital = |word: &str| {
            let (first, rest) = word.split_at(1);
            format!("{}{rest}", first.to_ascii_uppercase())
        };
        let types = bare.split('-').map(capital).collect();
        Ok(Self { package: typed.to_owned(), library: typed.replace('-', "_"), kind, types })
    }
}
