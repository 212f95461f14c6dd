//! What is said about an expression that does not parse.
//!
//! Strings and numbers of the source are not repeated: one may come from a secret.

use jaq_core::{
    compile::Undefined,
    load::{
        lex::{self, Tok, Token},
        parse::{self, Parser, Term},
    },
};

use crate::{
    ParseError, extent,
    prelude::{arities, why_unavailable},
};

/// Longer expressions are programs.
const SOURCE_BYTES_MAX: usize = 64 * 1024;

/// How deep brackets may be nested: jaq reads them by recursion.
const NESTING_MAX: usize = 64;

/// The parsed form of an expression.
pub(crate) fn parse(source: &str) -> Result<Term<&str>, ParseError> {
    if source.len() > SOURCE_BYTES_MAX {
        let says = format!("the expression is longer than {SOURCE_BYTES_MAX} bytes");
        return Err(ParseError::new(0, says));
    }
    check_nesting(source)?;
    let tokens = lex::Lexer::new(source).lex().map_err(|errors| {
        errors.first().map_or_else(|| ParseError::new(0, "this is no jq"), |it| unread(source, it))
    })?;
    if let Some(Token(word, Tok::Word)) = tokens.first()
        && ["import", "include", "module"].contains(word)
        && let Some(why) = why_unavailable(word)
    {
        return Err(unavailable(source, word, why));
    }
    if extent::is_too_large(&tokens) {
        let says = "the expression has too many operators, keys or items in one place";
        return Err(ParseError::new(0, says));
    }
    Parser::new(&tokens).parse(|parser| parser.term()).map_err(|errors| {
        let errors = errors.iter().map(|it| misplaced(source, it));
        errors.min_by_key(|it| it.offset).unwrap_or_else(|| ParseError::new(0, "this is no jq"))
    })
}

/// Brackets in strings count too: who writes so many has a reason to split the expression anyway.
fn check_nesting(source: &str) -> Result<(), ParseError> {
    let mut depth = 0_usize;
    for (at, byte) in source.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > NESTING_MAX {
            let says = format!("brackets are nested deeper than {NESTING_MAX} levels");
            return Err(ParseError::new(at, says));
        }
    }
    Ok(())
}

/// Where a part of the source stands in it.
fn offset(source: &str, part: &str) -> usize {
    let at = (part.as_ptr() as usize).wrapping_sub(source.as_ptr() as usize);
    at.min(source.len())
}

fn unavailable(source: &str, name: &str, why: &str) -> ParseError {
    ParseError::new(offset(source, name), format!("`{name}` is not available: {why}"))
}

/// The source cannot be split into tokens.
fn unread(source: &str, (expected, rest): &lex::Error<&str>) -> ParseError {
    let at = offset(source, rest);
    let found = rest.chars().next().map_or_else(
        || "the expression ends".to_owned(),
        |it| format!("found `{}`", it.escape_debug()),
    );
    let says = match expected {
        lex::Expect::Digit => format!("expected a digit, but {found}"),
        lex::Expect::Ident => format!("expected a name, but {found}"),
        lex::Expect::Delim(open) if rest.is_empty() => {
            let what = if *open == "\"" { "the string" } else { "the bracket" };
            return ParseError::new(
                offset(source, open),
                format!("{what} that begins here is never closed"),
            );
        }
        lex::Expect::Delim(open) => {
            let close = match *open {
                "(" => ")",
                "[" => "]",
                "{" => "}",
                other => other,
            };
            let opened = offset(source, open);
            format!("expected `{close}` to close the `{open}` at byte {opened}, but {found}")
        }
        lex::Expect::Escape => "unknown escape sequence: write `\\\\` for a backslash".to_owned(),
        lex::Expect::Unicode => "`\\u` takes four hexadecimal digits of one character; \
             write a character beyond U+FFFF as it is"
            .to_owned(),
        lex::Expect::Token if rest.starts_with(')') || rest.starts_with([']', '}']) => {
            format!("{found}, which closes nothing")
        }
        _ => format!("{found}, which has no meaning here"),
    };
    ParseError::new(at, says)
}

/// A token stands where another should.
fn misplaced(source: &str, (expected, found): &parse::TError<'_, &str>) -> ParseError {
    let expected = match expected {
        parse::Expect::Just("") | parse::Expect::Nothing => None,
        parse::Expect::Just(it) => Some(format!("`{it}`")),
        parse::Expect::Var => Some("a variable such as `$x`".to_owned()),
        parse::Expect::Pattern => Some("a variable or a pattern such as `[$x, $y]`".to_owned()),
        parse::Expect::ElseOrEnd => Some("`elif`, `else` or `end`".to_owned()),
        parse::Expect::CommaOrRBrack => Some("`,` or `]`".to_owned()),
        parse::Expect::CommaOrRBrace => Some("`,` or `}`".to_owned()),
        parse::Expect::SemicolonOrRParen => Some("`;` or `)`".to_owned()),
        parse::Expect::Term => Some("an expression".to_owned()),
        parse::Expect::Key => Some("a key".to_owned()),
        parse::Expect::Ident => Some("a name".to_owned()),
        parse::Expect::Arg => Some("an argument's name".to_owned()),
        parse::Expect::Str => Some("a string".to_owned()),
        other => Some(other.as_str().to_owned()),
    };
    let at = found.map_or(source.len(), |it| offset(source, it.as_str()));
    let found = match found {
        None => "the expression ends".to_owned(),
        Some(Token(_, Tok::Str(_))) => "found a string".to_owned(),
        Some(Token(_, Tok::Num)) => "found a number".to_owned(),
        Some(Token(text, Tok::Block(_))) => format!("found `{}`", &text[..1]),
        Some(Token(text, Tok::Word | Tok::Var | Tok::Fmt | Tok::Sym)) => format!("found `{text}`"),
    };
    ParseError::new(
        at,
        match expected {
            Some(expected) => format!("expected {expected}, but {found}"),
            None => {
                format!("{found}, where the expression should be over or go on with an operator")
            }
        },
    )
}

/// A name that means nothing.
pub(crate) fn undefined(source: &str, name: &str, what: &Undefined) -> ParseError {
    if let Some(why) = why_unavailable(name) {
        return unavailable(source, name, why);
    }
    let says = match what {
        Undefined::Var => format!("the variable `{name}` is not defined"),
        Undefined::Label => format!("the label `{name}` is not defined"),
        Undefined::Filter(_) if name == "reduce" => "`reduce` takes 2 arguments".to_owned(),
        Undefined::Filter(_) if name == "foreach" => "`foreach` takes 2 or 3 arguments".to_owned(),
        Undefined::Filter(given) => {
            let takes: Vec<_> = arities(name).iter().map(usize::to_string).collect();
            match takes.last() {
                None => format!("there is no filter `{name}`"),
                Some(last) => {
                    let plural = if last == "1" { "" } else { "s" };
                    format!("`{name}` takes {} argument{plural}, not {given}", takes.join(" or "))
                }
            }
        }
        _ => format!("modules are not available: there is no `{name}`"),
    };
    ParseError::new(offset(source, name), says)
}
