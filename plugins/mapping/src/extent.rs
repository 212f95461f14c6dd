//! How deep an expression is, from its tokens.
//!
//! jaq parses, compiles and runs by recursion: what is too deep would end the process for want of stack. The bound is
//! such that a thread with 2 MiB can do all three.

use jaq_core::load::lex::{StrPart, Tok, Token};

/// The largest extent. 128 operators in a row, 250 keys of an object, 500 items of a list, or something in between.
const EXTENT_MAX: usize = 128 * OPERATOR;

/// One more level in every recursion.
const OPERATOR: usize = 16;

/// An entry of an object is added to those before it.
const ENTRY: usize = 8;

/// An item of a list is read after those before it, and then put beside them.
const ITEM: usize = 4;

/// A step of a path, above all.
const STEP: usize = 2;

/// A piece of a string with something interpolated is, too.
const PIECE: usize = 8;

pub(crate) fn is_too_large(tokens: &[Token<&str>]) -> bool {
    extent(tokens, ITEM) > EXTENT_MAX
}

/// What is behind `|` is inside of what is before it; operands of other operators end at the next separator.
fn extent(tokens: &[Token<&str>], comma: usize) -> usize {
    let (mut chained, mut operand, mut widest_operand, mut deepest) = (0, 0, 0, 0);
    for Token(text, kind) in tokens {
        match (*text, kind) {
            ("|" | "if" | "elif" | "def", _) => chained += OPERATOR,
            ("," | ";" | ":" | "as" | "then" | "else" | "end" | ")" | "]" | "}", _) => {
                chained += if *text == "," { comma } else { 0 };
                widest_operand = widest_operand.max(operand);
                operand = 0;
            }
            ("try" | "reduce" | "foreach" | "label" | "and" | "or", _) => operand += OPERATOR,
            (_, Tok::Sym) if !text.starts_with(['.', '?']) => operand += OPERATOR,
            (_, Tok::Block(inner)) => {
                let comma = if text.starts_with('{') { ENTRY } else { ITEM };
                deepest = deepest.max(OPERATOR + extent(inner, comma));
            }
            (_, Tok::Str(parts)) => {
                for part in parts {
                    operand += PIECE;
                    if let StrPart::Term(Token(_, Tok::Block(inner))) = part {
                        deepest = deepest.max(OPERATOR + extent(inner, ITEM));
                    }
                }
            }
            (_, Tok::Word | Tok::Var | Tok::Fmt | Tok::Num | Tok::Sym) => operand += STEP,
        }
    }
    chained + widest_operand.max(operand) + deepest
}
