//! Walks over the parsed form of an expression.

use std::mem::take;

use jaq_core::{
    load::{
        lex::StrPart,
        parse::{BinaryOp, Def, Pattern, Term},
    },
    ops::Math,
    path::Part,
};

/// No variable of an expression that is meant seriously.
const FACTOR: &str = "$fanfare_factor";

/// The same.
const STEP: &str = "$fanfare_step";

/// The same.
const NUMBER: &str = "$fanfare_number";

/// Calls `look` with a term and all that it is made of, from the outside in.
pub(crate) fn walk<'s>(term: &mut Term<&'s str>, look: &mut impl FnMut(&mut Term<&'s str>)) {
    look(term);
    parts(term, &mut |part| walk(part, look));
}

/// Calls `each` with the terms that a term is made of.
fn parts<'s>(term: &mut Term<&'s str>, each: &mut dyn FnMut(&mut Term<&'s str>)) {
    match term {
        Term::Id
        | Term::Recurse
        | Term::Num(_)
        | Term::Arr(None)
        | Term::Break(_)
        | Term::Var(_) => {}
        Term::Str(_, pieces) => pieces.iter_mut().for_each(|piece| match piece {
            StrPart::Term(inner) => each(inner),
            StrPart::Str(_) | StrPart::Char(_) => {}
        }),
        Term::Arr(Some(inner)) | Term::Neg(inner) | Term::Label(_, inner) => each(inner),
        Term::Obj(pairs) => pairs.iter_mut().for_each(|(key, value)| {
            each(key);
            value.iter_mut().for_each(&mut *each);
        }),
        Term::BinOp(left, op, right) => {
            each(left);
            if let BinaryOp::Pipe(Some(pattern)) = op {
                parts_of_pattern(pattern, each);
            }
            each(right);
        }
        Term::Fold(_, source, pattern, args) => {
            each(source);
            parts_of_pattern(pattern, each);
            args.iter_mut().for_each(each);
        }
        Term::TryCatch(inner, catch) => {
            each(inner);
            catch.iter_mut().for_each(|it| each(it));
        }
        Term::IfThenElse(branches, otherwise) => {
            branches.iter_mut().for_each(|(condition, then)| {
                each(condition);
                each(then);
            });
            otherwise.iter_mut().for_each(|it| each(it));
        }
        Term::Def(defs, rest) => {
            defs.iter_mut().for_each(|Def { body, .. }| each(body));
            each(rest);
        }
        Term::Call(_, args) => args.iter_mut().for_each(each),
        Term::Path(head, path) => {
            each(head);
            path.0.iter_mut().for_each(|(part, _)| match part {
                Part::Index(at) => each(at),
                Part::Range(from, to) => {
                    from.iter_mut().chain(to).for_each(&mut *each);
                }
            });
        }
    }
}

fn parts_of_pattern<'s>(pattern: &mut Pattern<&'s str>, each: &mut dyn FnMut(&mut Term<&'s str>)) {
    match pattern {
        Pattern::Var(_) => {}
        Pattern::Arr(items) => items.iter_mut().for_each(|it| parts_of_pattern(it, each)),
        Pattern::Obj(pairs) => pairs.iter_mut().for_each(|(key, it)| {
            each(key);
            parts_of_pattern(it, each);
        }),
    }
}

/// Makes `a, b, c, d` a tree of little depth, `(a, b), (c, d)`, which means the same.
pub(crate) fn balance(term: &mut Term<&str>) {
    let is_list = |it: &Term<&str>| matches!(it, Term::BinOp(_, BinaryOp::Comma, _));
    let mut items = Vec::new();
    while is_list(term) {
        let Term::BinOp(left, _, right) = take(term) else { return };
        items.push(*right);
        *term = *left;
    }
    items.push(take(term));
    items.reverse();
    *term = tree(items);
}

fn tree(mut items: Vec<Term<&str>>) -> Term<&str> {
    match items.len() {
        0 | 1 => items.pop().unwrap_or_default(),
        len => {
            let right = items.split_off(len / 2);
            Term::BinOp(Box::new(tree(items)), BinaryOp::Comma, Box::new(tree(right)))
        }
    }
}

/// Puts filters of ours where jaq's own way has no bound.
///
/// * `"… \(f) …"` calls `@text`: jaq's way also writes a number that came out whole as `5.0`.
/// * `l * r` calls `@times`: a text times a large number would end the process for want of memory, and `.price * .count`
///   is such a product whenever the payload says so.
pub(crate) fn bound(term: &mut Term<&str>) {
    match term {
        Term::Str(format @ None, parts)
            if parts.iter().any(|part| matches!(part, StrPart::Term(_))) =>
        {
            *format = Some("@text");
        }
        Term::BinOp(left, BinaryOp::Math(Math::Mul), right) => {
            *term = Term::Call("@times", vec![take(&mut **left), take(&mut **right)]);
        }
        // `path *= f` is `f as $factor | path |= . * $factor`.
        Term::BinOp(path, op @ BinaryOp::UpdateMath(Math::Mul), factor) => {
            let times = Term::Call("@times", vec![Term::Id, Term::Var(FACTOR)]);
            let update = Term::BinOp(take(path), BinaryOp::Update, Box::new(times));
            *op = BinaryOp::Pipe(Some(Pattern::Var(FACTOR)));
            *path = take(factor);
            **factor = update;
        }
        _ => {}
    }
}

/// Counts what can go on for ever by itself: filters that call themselves, rounds of folds, numbers of a range.
pub(crate) fn count(term: &mut Term<&str>) {
    match term {
        Term::Def(defs, _) => defs.iter_mut().for_each(count_calls),
        Term::Fold(_, _, _, args) => args.iter_mut().skip(1).for_each(counted),
        // `range(…)` becomes `@range(…) as $number | @step as $step | $number`.
        Term::Call("range", args) if args.len() == 3 => {
            let range = Box::new(Term::Call("@range", take(args)));
            let mut number = Term::Var(NUMBER);
            counted(&mut number);
            let each = BinaryOp::Pipe(Some(Pattern::Var(NUMBER)));
            *term = Term::BinOp(range, each, Box::new(number));
        }
        _ => {}
    }
}

/// Counts all that comes out of `.[]` and `..`: where one stands in another's way, they come out as often as the product
/// of what the payload has in them.
pub(crate) fn count_items(term: &mut Term<&str>) {
    parts(term, &mut count_items);
    let iterates = match term {
        Term::Recurse => true,
        Term::Path(_, path) => {
            path.0.iter().any(|(part, _)| matches!(part, Part::Range(None, None)))
        }
        _ => false,
    };
    if iterates {
        let mut item = Term::Id;
        counted(&mut item);
        *term = Term::BinOp(Box::new(take(term)), BinaryOp::Pipe(None), Box::new(item));
    }
}

/// Counts the calls of a filter that calls itself.
pub(crate) fn count_calls(def: &mut Def<&str>) {
    let mut calls_itself = false;
    walk(&mut def.body, &mut |term| calls_itself |= called(term) == Some(def.name));
    if calls_itself {
        counted(&mut def.body);
    }
}

/// `f` becomes `@step as $step | f`, which leaves calls of itself at the end of `f` where they are.
fn counted(term: &mut Term<&str>) {
    let step = Box::new(Term::Call("@step", Vec::new()));
    let counted = BinaryOp::Pipe(Some(Pattern::Var(STEP)));
    *term = Term::BinOp(step, counted, Box::new(take(term)));
}

/// The filter that a term calls itself, not those that its parts call.
pub(crate) fn called<'s>(term: &Term<&'s str>) -> Option<&'s str> {
    match term {
        Term::Call(name, _) | Term::Str(Some(name), _) => Some(name),
        _ => None,
    }
}
