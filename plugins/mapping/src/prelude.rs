//! What an expression can call: the definitions and native filters of jaq without those that are not available,
//! and ours.

use std::{
    collections::{BTreeSet, HashSet},
    sync::LazyLock,
};

use jaq_core::{
    Cv, DataT, Error, Lut, ValT as _,
    data::HasLut,
    load::{
        self,
        parse::{Def, Term},
    },
    native::{Fun, bome, run, v},
};
use jaq_json::{Val, ValR};
use serde_json::Value;

use crate::{
    RunError,
    allowance::Allowance,
    redact::NO_JSON,
    terms::{bound, called, count, count_calls, count_items, walk},
    value,
};

/// Values and surroundings of a run.
pub(crate) struct Jq;

/// The surroundings of one run.
#[derive(Clone)]
pub(crate) struct Surroundings<'a> {
    pub(crate) lut: &'a Lut<Jq>,
    /// Bounds texts that values are turned into, too.
    pub(crate) output_bytes_max: usize,
    pub(crate) allowance: &'a Allowance,
}

/// What jq has and we have not, with the reason.
const UNAVAILABLE: &[(&str, &str)] = &[
    ("now", SAME_BYTES),
    ("localtime", "the same payload must give the same bytes in every time zone; take `gmtime`"),
    (
        "strflocaltime",
        "the same payload must give the same bytes in every time zone; take `strftime`",
    ),
    ("env", SAME_BYTES),
    ("$ENV", SAME_BYTES),
    ("input", ONE_INPUT),
    ("inputs", ONE_INPUT),
    ("input_line_number", NO_FILE),
    ("input_filename", NO_FILE),
    ("get_search_list", NO_FILE),
    ("debug", NO_EFFECT),
    ("stderr", NO_EFFECT),
    ("halt", "an expression cannot end the program; take `error`"),
    ("halt_error", "an expression cannot end the program; take `error`"),
    ("import", ALONE),
    ("include", ALONE),
    ("module", ALONE),
];

const SAME_BYTES: &str = "the same payload must always give the same bytes";
const ONE_INPUT: &str = "the payload is the only input, and is `.`";
const NO_FILE: &str = "the payload comes from no file";
const NO_EFFECT: &str = "an expression only calculates";
const ALONE: &str = "an expression stands alone";

/// jaq's own that are left out, since they are unavailable, or since ours stand in for them.
const LEFT_OUT: &[&str] = &[
    "now",
    "localtime",
    "strflocaltime",
    "env",
    "debug",
    "debug_empty",
    "stderr",
    "stderr_empty",
    "halt",
    "halt_error",
    // Makes strings that JSON has not.
    "tobytes",
    // Reads deeper than the stack may be deep, and more than JSON.
    "fromjson",
    // Without bounds, and other than jq for numbers that came out whole.
    "tojson",
    "tostring",
    "@text",
    // Takes `null` for the text `null`.
    "join",
    "tonumber",
    "from_entries",
    "with_entries",
    "todate",
];

/// jaq's own that ours build upon.
const RENAMED: &[(&str, &str)] = &[
    ("ltrimstr", "jaq_ltrimstr"),
    ("rtrimstr", "jaq_rtrimstr"),
    ("todateiso8601", "jaq_todateiso8601"),
    ("gmtime", "jaq_gmtime"),
    ("strftime", "jaq_strftime"),
    ("strptime", "jaq_strptime"),
];

/// jaq's definitions that are kept, then ours, which go before them where they have the same name.
static DEFINITIONS: LazyLock<Vec<Def<&'static str>>> = LazyLock::new(|| {
    let jaq = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    let own = load::parse(include_str!("prelude.jq"), |parser| parser.defs()).unwrap_or_default();
    let mut all: Vec<_> = jaq.filter(|def| !LEFT_OUT.contains(&def.name)).chain(own).collect();
    for def in &mut all {
        walk(&mut def.body, &mut |term| {
            bound(term);
            count(term);
        });
        count_items(&mut def.body);
        count_calls(def);
    }
    all
});

/// Why a name of jq is not there; none where it is, or where jq has not got it either.
pub(crate) fn why_unavailable(name: &str) -> Option<&'static str> {
    UNAVAILABLE.iter().find(|(it, _)| *it == name).map(|(_, why)| *why)
}

/// The definitions that a term needs, in their order: each may call those before it.
pub(crate) fn definitions_for(term: &mut Term<&str>) -> Vec<Def<&'static str>> {
    let mut needed: HashSet<String> = HashSet::new();
    walk(term, &mut |it| needed.extend(called(it).map(str::to_owned)));
    let mut chosen = Vec::new();
    for def in DEFINITIONS.iter().rev() {
        if needed.contains(def.name) {
            let mut def = def.clone();
            walk(&mut def.body, &mut |it| needed.extend(called(it).map(str::to_owned)));
            chosen.push(def);
        }
    }
    chosen.reverse();
    chosen
}

/// How many arguments the filters of that name take.
pub(crate) fn arities(name: &str) -> BTreeSet<usize> {
    let defs = DEFINITIONS.iter().filter(|def| def.name == name).map(|def| def.args.len());
    defs.chain(natives().filter(|(it, ..)| *it == name).map(|(_, args, _)| args.len())).collect()
}

pub(crate) fn natives() -> impl Iterator<Item = Fun<Jq>> {
    let jaq = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    let kept = jaq.filter(|(name, ..)| !LEFT_OUT.contains(name)).map(|(name, args, fun)| {
        let renamed = RENAMED.iter().find(|(it, _)| *it == name).map(|(_, it)| *it);
        (renamed.unwrap_or(name), args, fun)
    });
    // Under this name its numbers are not counted.
    let range = jaq_core::funs().filter(|(name, ..)| *name == "range");
    let range = range.map(|(_, args, fun)| ("@range", args, fun));
    kept.chain(range).chain([
        run(("tostring", v(0), |cv| bome(text(&cv)))),
        run(("@text", v(0), |cv| bome(text(&cv)))),
        run(("tojson", v(0), |cv| bome(json(&cv)))),
        run(("fromjson", v(0), |cv| bome(from_json(&cv.1)))),
        run(("join", v(1), |mut cv| {
            let separator = cv.0.pop_var();
            bome(join(cv, &separator))
        })),
        run(("@step", v(0), |cv| bome(cv.0.data().allowance.step().map(|()| Val::Null)))),
        run(("@times", v(2), |mut cv| {
            let right = cv.0.pop_var();
            let left = cv.0.pop_var();
            bome(times(left, right, cv.0.data().output_bytes_max))
        })),
    ])
}

fn text(cv: &Cv<'_, Jq>) -> ValR {
    match &cv.1 {
        text @ Val::TStr(_) => Ok(text.clone()),
        _ => json(cv),
    }
}

fn json((ctx, value): &Cv<'_, Jq>) -> ValR {
    value::to_bytes(value, ctx.data().output_bytes_max).map(Val::utf8_str).map_err(Error::str)
}

/// serde_json bounds the depth: the text may be the payload's.
fn from_json(text: &Val) -> ValR {
    let Val::TStr(text) = text else { return Err(Error::typ(text.clone(), "string")) };
    let value: Value = serde_json::from_slice(text).map_err(|_| Error::str(NO_JSON))?;
    value::from_json(&value).map_err(Error::str)
}

fn times(left: Val, right: Val, bytes_max: usize) -> ValR {
    if let (Val::TStr(text), Val::Num(count)) | (Val::Num(count), Val::TStr(text)) = (&left, &right)
        && let Some(count @ 1..) = count.as_isize()
        && text.len().saturating_mul(count.unsigned_abs()) > bytes_max
    {
        return Err(Error::str(RunError::TooLarge { max: bytes_max }));
    }
    left * right
}

fn join((ctx, values): Cv<'_, Jq>, separator: &Val) -> ValR {
    let Val::TStr(separator) = separator else {
        return Err(Error::typ(separator.clone(), "string"));
    };
    let max = ctx.data().output_bytes_max;
    let mut joined = Vec::new();
    for (at, item) in values.values().enumerate() {
        if at > 0 {
            joined.extend_from_slice(separator);
        }
        match item? {
            Val::Null => {}
            item @ (Val::Arr(_) | Val::Obj(_)) => return Err(Error::typ(item, "string")),
            item => joined.extend(value::to_text(&item, max).map_err(Error::str)?),
        }
        if joined.len() > max {
            return Err(Error::str(RunError::TooLarge { max }));
        }
    }
    Ok(Val::utf8_str(joined))
}

// === impl Jq ===

impl DataT for Jq {
    type V<'a> = Val;
    type Data<'a> = Surroundings<'a>;
}

impl<'a> HasLut<'a, Jq> for Surroundings<'a> {
    fn lut(&self) -> &'a Lut<Jq> {
        self.lut
    }
}
