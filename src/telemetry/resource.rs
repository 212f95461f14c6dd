//! What this process is, for whoever collects what it tells.

use opentelemetry::{Key, KeyValue, Value};
use opentelemetry_sdk::Resource;

use super::names::resource;

/// What this process is: as `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say, otherwise `fanfare` in its version.
#[must_use]
pub fn resource() -> Resource {
    let given = Resource::builder().build();
    let unnamed = |name: &Value| name.as_str().starts_with("unknown_service");
    let name = given.get(&Key::new(resource::SERVICE_NAME)).is_none_or(|name| unnamed(&name));
    let versioned = given.get(&Key::new(resource::SERVICE_VERSION)).is_some();
    let version = KeyValue::new(resource::SERVICE_VERSION, env!("CARGO_PKG_VERSION"));
    let mut builder = Resource::builder();
    if name {
        builder = builder.with_service_name("fanfare");
        builder = builder.with_attributes((!versioned).then_some(version));
    }
    builder.build()
}
