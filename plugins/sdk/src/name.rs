//! Names that travel: cheap to clone, compared by their text.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::check;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => { $(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text of the name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )* };
}

names! {
    /// The name under which a target is configured.
    TargetName,
    /// A version of an API, as its owner writes it: `2`, `2024-06-01`.
    Version,
    /// Where an API is reached: a URL (perhaps with `{version}` in it), a queue's name, a region.
    Endpoint,
    /// Tells an API that two calls are the same one. Belongs to (delivery, serving target, version).
    IdempotencyKey,
}

macro_rules! debug_as_text {
    ($($name:ident),*) => { $(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    )* };
}

debug_as_text!(TargetName, Version, IdempotencyKey);

impl fmt::Debug for Endpoint {
    /// Of a URL only scheme, host and port: its path and query may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_url = self.0.contains("://");
        fmt::Debug::fmt(&if is_url { check::masked_url(&self.0) } else { self.0.to_string() }, f)
    }
}
