//! What stands behind `kind: acme`.

use std::sync::Arc;

use fanfare_sdk::{ApiTarget, Endpoint, Http, SettingError, TargetKind, check};
use schemars::schema_for;
use serde_json::Value;

use crate::{AcmeSettings, AcmeTarget};

/// What stands behind `kind: acme`.
#[derive(Clone, Copy, Debug, Default)]
pub struct AcmeKind;

impl TargetKind for AcmeKind {
    fn kind(&self) -> &str {
        "acme"
    }

    fn schema(&self) -> Value {
        schema_for!(AcmeSettings).into()
    }

    fn build(&self, settings: Value) -> Result<Arc<dyn ApiTarget>, Vec<SettingError>> {
        let settings: AcmeSettings = check::settings(settings)?;
        Ok(Arc::new(Http(AcmeTarget::try_new(&settings)?)))
    }

    fn check_endpoint(&self, endpoint: &Endpoint) -> Result<(), Vec<String>> {
        check::url(endpoint.as_str()).map(drop)
    }
}
