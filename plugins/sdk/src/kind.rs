//! Kinds of targets, and where they are registered.

use std::{fmt, sync::Arc};

use serde_json::Value;

use crate::{ApiTarget, Endpoint};

/// Keys of a target's settings that belong to the engine. A kind whose schema uses one is refused.
pub const RESERVED_KEYS: &[&str] = &[
    "kind",
    "addresses",
    "auth",
    "baggage",
    "body",
    "breaker",
    "cancel_grace",
    "capture",
    "classify",
    "cloudevents",
    "concurrency",
    "connection",
    "fallback",
    "give_up_after",
    "hedge",
    "merge",
    "order_by",
    "propagate",
    "proxy",
    "queue",
    "rate_limit",
    "redirects",
    "retry",
    "throttle",
    "timeout",
    "tls",
    "token_endpoint",
    "unix",
    "version_memory",
    "versions",
];

/// A kind of target. A trait, not a const of function pointers: kinds may be found at run time.
pub trait TargetKind: fmt::Debug + Send + Sync + 'static {
    /// What stands behind `kind:` in a configuration.
    fn kind(&self) -> &str;

    /// JSON Schema (2020-12) of its own settings only.
    fn schema(&self) -> Value;

    /// Builds a target from settings that fit the schema.
    ///
    /// # Errors
    /// Every setting that is wrong, not the first only.
    fn build(&self, settings: Value) -> Result<Arc<dyn ApiTarget>, Vec<SettingError>>;

    /// Whether that may be an endpoint of such a target.
    ///
    /// # Errors
    /// All that is wrong with it.
    fn check_endpoint(&self, _endpoint: &Endpoint) -> Result<(), Vec<String>> {
        Ok(())
    }
}

/// A setting that is wrong.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{pointer}: {message}")]
#[non_exhaustive]
pub struct SettingError {
    /// JSON pointer (RFC 6901) into the settings.
    pub pointer: String,
    /// What is wrong and what would be right, without the value where that may be a secret.
    pub message: String,
}

impl SettingError {
    /// What is wrong there.
    #[must_use]
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}

/// A kind that cannot be registered.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// Its name is taken.
    #[error("target kind `{kind}` is registered twice")]
    Twice {
        /// The name.
        kind: String,
    },
    /// Its schema uses a key of the engine.
    #[error("target kind `{kind}` uses the engine's key `{key}`")]
    Reserved {
        /// The name of the kind.
        kind: String,
        /// The key.
        key: String,
    },
}

/// The kinds of targets that a configuration may name.
#[derive(Clone, Debug, Default)]
pub struct Registry(Vec<Arc<dyn TargetKind>>);

impl Registry {
    /// Adds a kind.
    ///
    /// # Errors
    /// When its name is taken, or its schema uses a key of the engine.
    pub fn register(&mut self, kind: impl TargetKind) -> Result<(), RegisterError> {
        let name = kind.kind().to_owned();
        if self.get(&name).is_some() {
            return Err(RegisterError::Twice { kind: name });
        }
        let schema = kind.schema();
        let uses =
            |key: &&&str| schema.pointer("/properties").is_some_and(|p| p.get(**key).is_some());
        if let Some(key) = RESERVED_KEYS.iter().find(uses) {
            return Err(RegisterError::Reserved { kind: name, key: (*key).to_owned() });
        }
        self.0.push(Arc::new(kind));
        Ok(())
    }

    /// The kind of that name.
    #[must_use]
    pub fn get(&self, kind: &str) -> Option<&dyn TargetKind> {
        self.0.iter().find(|k| k.kind() == kind).map(|k| &**k)
    }

    /// All kinds, in the order of their registration.
    pub fn iter(&self) -> impl Iterator<Item = &dyn TargetKind> {
        self.0.iter().map(|k| &**k)
    }
}
