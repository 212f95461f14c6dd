//! AWS Signature Version 4: in headers, anew for every attempt.

mod authorizer;
mod settings;
mod skew;

pub use self::{authorizer::AwsSigner, settings::AwsSettings};
