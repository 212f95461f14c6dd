//! The compiled expression, and its runs.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use jaq_core::{
    Compiler, Ctx, Vars,
    load::{Arena, File, Loader, parse::Def},
};
use jaq_json::Val;
use serde_json::Value;

use crate::{
    ParseError, RunError,
    allowance::Allowance,
    prelude::{Jq, Surroundings, definitions_for, natives},
    redact::Words,
    syntax,
    terms::{balance, bound, count, count_items, walk},
    value::{dismantle, from_json, is_true, to_bytes, to_json, to_text},
};

/// The name that the expression is compiled under.
const MAIN: &str = "fanfare_main";

/// Seconds, and some hundred megabytes where each step adds to a list. A payload with a million items needs less.
const STEPS_MAX: u64 = 4_000_000;

/// A compiled expression. A clone is another pointer to it.
///
/// Its `Debug` does not show the source, which may hold a secret.
#[derive(Clone)]
pub struct Filter(Arc<Compiled>);

/// What a run may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Size of the output as JSON, in bytes.
    pub output_bytes_max: usize,
    /// Calls of filters that call themselves, rounds of `reduce` and `foreach`, numbers of a `range`, what comes out of
    /// `.[]` and `..`, together.
    pub steps_max: u64,
}

struct Compiled {
    source: Box<str>,
    filter: jaq_core::Filter<Jq>,
    words: Words,
}

// === impl Filter ===

impl Filter {
    /// Compiles an expression.
    ///
    /// # Errors
    ///
    /// Where it does not parse, or names what is unknown or not available.
    pub fn parse(source: &str) -> Result<Self, ParseError> {
        let mut body = syntax::parse(source)?;
        let mut words = Words::default();
        walk(&mut body, &mut |term| {
            words.add(term);
            bound(term);
            count(term);
            balance(term);
        });
        count_items(&mut body);
        let mut defs = definitions_for(&mut body);
        for def in &mut defs {
            walk(&mut def.body, &mut |term| words.add_raised(term));
        }
        defs.push(Def { name: MAIN, args: Vec::new(), body });

        let arena = Arena::default();
        let modules = Loader::new(defs)
            .load(&arena, File { path: (), code: MAIN })
            .map_err(|_| ParseError::new(0, "this is no jq"))?;
        let filter =
            Compiler::default().with_funs(natives()).compile(modules).map_err(|files| {
                let errors = files.iter().flat_map(|(_, errors)| errors);
                let errors = errors.map(|(name, what)| syntax::undefined(source, name, what));
                errors
                    .min_by_key(|it| it.offset)
                    .unwrap_or_else(|| ParseError::new(0, "this is no jq"))
            })?;
        Ok(Self(Arc::new(Compiled { source: source.into(), filter, words })))
    }

    /// The source, as it was parsed.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The first output for this input.
    ///
    /// # Errors
    ///
    /// [`RunError`]: nothing came out, an error was raised, or too much came out.
    pub fn run(&self, input: &Value, limits: Limits) -> Result<Value, RunError> {
        self.first(input, limits, |output| {
            to_json(output.ok_or(RunError::NoOutput)?, limits.output_bytes_max)
        })
    }

    /// The first output for this input as JSON text, the keys of objects in the order of the expression.
    ///
    /// # Errors
    ///
    /// As [`Filter::run`].
    pub fn run_bytes(&self, input: &Value, limits: Limits) -> Result<Vec<u8>, RunError> {
        self.first(input, limits, |output| {
            to_bytes(output.ok_or(RunError::NoOutput)?, limits.output_bytes_max)
        })
    }

    /// Whether the first output is anything but `false` and `null`. No output is false.
    ///
    /// # Errors
    ///
    /// An error that the expression raised.
    pub fn test(&self, input: &Value, limits: Limits) -> Result<bool, RunError> {
        self.first(input, limits, |output| Ok(output.is_some_and(is_true)))
    }

    /// The first output as text: a string as it is, a number or boolean as JSON. No output and `null` are none.
    ///
    /// # Errors
    ///
    /// As [`Filter::run`], and where the output is an array or an object.
    pub fn run_text(&self, input: &Value, limits: Limits) -> Result<Option<String>, RunError> {
        self.first(input, limits, |output| match output {
            None | Some(Val::Null) => Ok(None),
            Some(Val::Arr(_)) => Err(RunError::Failed("the output is an array, not a text".into())),
            Some(Val::Obj(_)) => {
                Err(RunError::Failed("the output is an object, not a text".into()))
            }
            Some(output) => {
                let text = to_text(output, limits.output_bytes_max)?;
                Ok(Some(String::from_utf8_lossy(&text).into_owned()))
            }
        })
    }

    fn first<T>(
        &self,
        input: &Value,
        limits: Limits,
        finish: impl FnOnce(Option<&Val>) -> Result<T, RunError>,
    ) -> Result<T, RunError> {
        let input = from_json(input)?;
        // jaq panics on a few extreme values, such as a text repeated more often than memory has bytes.
        catch_unwind(AssertUnwindSafe(|| self.0.first(input, limits, finish)))
            .unwrap_or_else(|_| Err(RunError::Failed("a filter of jaq panicked".to_owned())))
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter").finish_non_exhaustive()
    }
}

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        Self { output_bytes_max: 1024 * 1024, steps_max: STEPS_MAX }
    }
}

// === impl Compiled ===

impl Compiled {
    fn first<T>(
        &self,
        input: Val,
        limits: Limits,
        finish: impl FnOnce(Option<&Val>) -> Result<T, RunError>,
    ) -> Result<T, RunError> {
        let allowance = Allowance::new(limits.steps_max);
        let surroundings = Surroundings {
            lut: &self.filter.lut,
            output_bytes_max: limits.output_bytes_max,
            allowance: &allowance,
        };
        let context = Ctx::<Jq>::new(surroundings, Vars::new([]));
        let mut outputs = self.filter.id.run((context, input));
        let output = outputs.next();
        drop(outputs);
        if let Some(over) = allowance.over() {
            // Also where the expression has caught it.
            return Err(over);
        }
        match output {
            None => finish(None),
            Some(Ok(output)) => {
                let finished = finish(Some(&output));
                dismantle(output);
                finished
            }
            Some(Err(exception)) => Err(RunError::Failed(match exception.get_err() {
                Ok(error) => self.words.describe(&error),
                Err(_) => "a `break` left its label".to_owned(),
            })),
        }
    }
}
