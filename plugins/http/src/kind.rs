//! What stands behind `kind: http`.

use std::sync::Arc;

use fanfare_sdk::{ApiTarget, Endpoint, Http, SettingError, TargetKind, check};
use schemars::schema_for;
use serde_json::Value;

use crate::{HttpSettings, HttpTarget, template::Template};

/// What stands behind `kind: http`.
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpKind;

impl TargetKind for HttpKind {
    fn kind(&self) -> &str {
        "http"
    }

    fn schema(&self) -> Value {
        schema_for!(HttpSettings).into()
    }

    fn build(&self, settings: Value) -> Result<Arc<dyn ApiTarget>, Vec<SettingError>> {
        let settings: HttpSettings = check::settings(settings)?;
        Ok(Arc::new(Http(HttpTarget::try_new(&settings)?)))
    }

    fn check_endpoint(&self, endpoint: &Endpoint) -> Result<(), Vec<String>> {
        Template::try_new(endpoint.as_str()).map(drop)
    }
}
