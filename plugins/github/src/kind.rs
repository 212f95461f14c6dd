//! What stands behind `kind: github`.

use std::sync::Arc;

use fanfare_sdk::{ApiTarget, Endpoint, Http, SettingError, TargetKind, check};
use schemars::schema_for;
use serde_json::Value;

use crate::{GithubSettings, GithubTarget};

/// What stands behind `kind: github`.
#[derive(Clone, Copy, Debug, Default)]
pub struct GithubKind;

impl TargetKind for GithubKind {
    fn kind(&self) -> &str {
        "github"
    }

    fn schema(&self) -> Value {
        schema_for!(GithubSettings).into()
    }

    fn build(&self, settings: Value) -> Result<Arc<dyn ApiTarget>, Vec<SettingError>> {
        let settings: GithubSettings = check::settings(settings)?;
        Ok(Arc::new(Http(GithubTarget::try_new(&settings)?)))
    }

    fn check_endpoint(&self, endpoint: &Endpoint) -> Result<(), Vec<String>> {
        check::url(endpoint.as_str()).map(drop)
    }
}
