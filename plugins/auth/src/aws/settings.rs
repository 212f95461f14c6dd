//! What people write below `auth.aws`.

use fanfare_sdk::Secret;
use schemars::JsonSchema;
use serde::Deserialize;

/// AWS Signature Version 4.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a map of settings")]
#[non_exhaustive]
pub struct AwsSettings {
    /// As in the scope of the signature.
    #[schemars(example = "eu-central-1")]
    pub region: String,
    /// As in the scope of the signature. With `s3` the path is signed as it is sent.
    #[schemars(example = "execute-api")]
    pub service: String,
    /// The access key's id.
    #[schemars(with = "String")]
    pub access_key: Secret,
    /// The secret access key.
    #[schemars(with = "String")]
    pub secret_key: Secret,
    /// The token of temporary credentials.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub session_token: Option<Secret>,
    /// Whether `x-amz-content-sha256` is sent. S3 always gets it.
    #[serde(default)]
    pub content_sha256: bool,
}
