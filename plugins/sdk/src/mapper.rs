//! What stands between the broadcast's payload and what one target gets of it.

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

use crate::{Call, Classification, Payload, PrepareError, Reply};

/// Makes of the broadcast's payload what one target gets, says what its reply means where it knows better than the
/// target's kind, and takes out of it what the report shows.
///
/// The same payload always gives the same bytes: no clock, no environment, no chance.
pub trait Mapper: fmt::Debug + Send + Sync + 'static {
    /// What the target gets in this attempt. The same call and payload always give the same.
    ///
    /// # Errors
    /// When the payload has not what is needed; the message does not repeat it.
    fn map(&self, call: &Call, payload: &Payload) -> Result<Payload, PrepareError>;

    /// Does `work`, which calls this mapper for something small, on a thread that others wait for. False where it would
    /// have taken long and was ended: it is done again on a thread of its own.
    fn quickly(&self, work: &mut dyn FnMut()) -> bool {
        work();
        true
    }

    /// By what the target's deliveries are ordered: those with the same key go one after the other. None goes in no
    /// order. It is asked when a broadcast is accepted, in its caller's task: it has to be quick.
    ///
    /// # Errors
    /// When it cannot be worked out: the broadcast is not accepted.
    fn order_key(&self, _payload: &Payload) -> Result<Option<String>, PrepareError> {
        Ok(None)
    }

    /// Whether it has rules by which replies are judged.
    fn judges(&self) -> bool {
        false
    }

    /// What the reply means by its rules; none where none of them fits, and it means what the target's kind says. The
    /// same call and reply always mean the same.
    fn judge(&self, _call: &Call, _reply: &Reply, _by_kind: Classification) -> Option<Judgement> {
        None
    }

    /// What the report shows of a reply, by name.
    fn capture(&self, _reply: &Reply) -> BTreeMap<String, Value> {
        BTreeMap::new()
    }
}

/// What a reply means by a rule that somebody wrote for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judgement {
    /// What it means.
    pub classification: Classification,
    /// The name of the rule.
    pub rule: String,
    /// What the API calls it, in a word.
    pub code: Option<String>,
    /// What the API says about it.
    pub message: Option<String>,
}

/// A jq expression among a target's own settings. Its value for a payload is found by [`Payload::value`] or
/// [`Payload::json_value`], as it is wanted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expression {
    /// Where it was written: JSON pointer (RFC 6901) into the target's settings.
    pub pointer: String,
    /// The expression.
    pub source: String,
    /// What it has to give.
    pub wanted: Wanted,
}

/// What an expression has to give.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Wanted {
    /// A text, a number or a boolean; `null` is none.
    Text,
    /// Anything: also lists and objects.
    Json,
}
