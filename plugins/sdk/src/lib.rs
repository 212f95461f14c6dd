//! The contract between fanfare and its targets: what the author of a target sees, and nothing more.
//!
//! No runtime, no HTTP client, no engine. A target that is not HTTP implements [`ApiTarget`]; one that
//! is describes itself as an [`HttpApi`] and is adapted by [`Http`]. A target never repeats a call, never
//! sleeps and never reads a clock: whether and when there is another attempt is decided by the engine,
//! from what [`ApiTarget::classify`] says.

mod authorizer;
mod call;
pub mod check;
mod classification;
mod error;
mod http_api;
mod http_date;
mod kind;
mod mapper;
mod name;
mod payload;
mod progress;
mod quota;
mod ready;
mod reply;
mod retry_after;
mod secret;
mod setting_errors;
mod span;
mod target;
mod time;
mod wire;

pub use async_trait::async_trait;

pub use self::{
    authorizer::{AuthError, Authorizer, Learn, Learned, Stamp},
    call::{Attempt, Call, Delivered},
    classification::{Classification, Effect, Meaning, RetryAfter},
    error::{PrepareError, SendError, SendErrorKind},
    http_api::{Http, HttpApi},
    http_date::http_date,
    kind::{RESERVED_KEYS, RegisterError, Registry, SettingError, TargetKind},
    mapper::{Expression, Judgement, Mapper, Wanted},
    name::{Endpoint, IdempotencyKey, TargetName, Version},
    payload::{Along, Payload},
    progress::{Progress, ProgressMark},
    quota::quota_used_up,
    ready::{Background, Ready, Work},
    reply::{Reply, ReplyBody, ReplyHead},
    retry_after::{retry_after, retry_after_of},
    secret::Secret,
    setting_errors::SettingErrors,
    span::Span,
    target::{ApiTarget, Capture, Coding, Compress, Fallback, Profile, Repeat, VersionUse},
    time::Timestamp,
    wire::{Exchange, SecretUrl, Transport, UrlTemplate, Wire},
};
