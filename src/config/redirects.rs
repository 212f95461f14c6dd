//! `redirects`: whether they are followed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::Redirects;

/// Redirects that are followed, each as an exchange of its attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RedirectSettings {
    /// Whether a POST stays one after 301 and 302; otherwise a GET follows, without a body.
    #[schemars(extend("x-reason" = "what browsers do, and RFC 9110 lets them"))]
    pub(super) keep_method: bool,
    /// So many one after the other. An attempt takes as many more tokens of `rate_limit`.
    #[schemars(
        range(min = 1, max = 20),
        extend("x-reason" = "an API that has moved needs one; a circle has no end")
    )]
    pub(super) max: u16,
}

impl Default for RedirectSettings {
    fn default() -> Self {
        Self { keep_method: false, max: 5 }
    }
}

impl From<RedirectSettings> for Redirects {
    fn from(RedirectSettings { keep_method, max }: RedirectSettings) -> Self {
        Self { hops_max: max, keeps_method: keep_method }
    }
}
