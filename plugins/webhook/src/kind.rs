//! What stands behind `kind: webhook`.

use std::sync::Arc;

use fanfare_sdk::{ApiTarget, Endpoint, Http, SettingError, TargetKind, check};
use schemars::schema_for;
use serde_json::Value;

use crate::{WebhookSettings, WebhookTarget};

/// What stands behind `kind: webhook`.
#[derive(Clone, Copy, Debug, Default)]
pub struct WebhookKind;

impl TargetKind for WebhookKind {
    fn kind(&self) -> &str {
        "webhook"
    }

    fn schema(&self) -> Value {
        schema_for!(WebhookSettings).into()
    }

    fn build(&self, settings: Value) -> Result<Arc<dyn ApiTarget>, Vec<SettingError>> {
        let settings: WebhookSettings = check::settings(settings)?;
        Ok(Arc::new(Http(WebhookTarget::try_new(&settings)?)))
    }

    fn check_endpoint(&self, endpoint: &Endpoint) -> Result<(), Vec<String>> {
        check::url(endpoint.as_str()).map(drop)
    }
}
