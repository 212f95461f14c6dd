//! What stands behind `kind: slack`.

use std::sync::Arc;

use fanfare_sdk::{ApiTarget, Endpoint, Http, SettingError, TargetKind, check};
use schemars::schema_for;
use serde_json::Value;

use crate::{SlackSettings, SlackTarget};

/// What stands behind `kind: slack`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SlackKind;

impl TargetKind for SlackKind {
    fn kind(&self) -> &str {
        "slack"
    }

    fn schema(&self) -> Value {
        schema_for!(SlackSettings).into()
    }

    fn build(&self, settings: Value) -> Result<Arc<dyn ApiTarget>, Vec<SettingError>> {
        let settings: SlackSettings = check::settings(settings)?;
        Ok(Arc::new(Http(SlackTarget::try_new(&settings)?)))
    }

    fn check_endpoint(&self, _: &Endpoint) -> Result<(), Vec<String>> {
        // Reports name endpoints, and a webhook's URL is a secret.
        Err(vec!["cannot be another one: another target can stand in (`target`)".to_owned()])
    }
}
