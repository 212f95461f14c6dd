//! What the errors of Slack mean: codes of the Web API, and texts of incoming webhooks.

use fanfare_sdk::{Effect, Meaning};

/// What a code of `chat.postMessage` means: <https://docs.slack.dev/reference/methods/chat.postMessage#errors>.
pub(crate) fn of_web_api(code: &str) -> (Meaning, Effect) {
    match code {
        // "The limits of posting", of the app and of the workspace.
        "ratelimited" | "rate_limited" | "message_limit_exceeded" => {
            (Meaning::Throttled, Effect::None)
        }
        "invalid_auth" | "not_authed" | "token_expired" | "token_revoked" | "account_inactive"
        | "no_permission" | "missing_scope" => (Meaning::Unauthorized, Effect::None),
        // "It's possible some aspect of the operation succeeded before the error was raised."
        "internal_error" | "fatal_error" => (Meaning::Retry, Effect::Unknown),
        // Not now: the service is away, the workspace is moved, the request came in pieces.
        "service_unavailable" | "team_added_to_org" | "request_timeout" => {
            (Meaning::Retry, Effect::None)
        }
        _ => (Meaning::Permanent, Effect::None),
    }
}

/// What the text of an incoming webhook's refusal means, beside its status; none where the status says it all.
///
/// <https://docs.slack.dev/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks>
pub(crate) fn of_webhook(status: u16, text: &str) -> Option<(Meaning, Effect)> {
    match (status, text.trim()) {
        // The webhook, its app or its workspace is gone, or its channel takes nothing any more.
        (
            403 | 404 | 410,
            "no_service"
            | "no_service_id"
            | "no_active_hooks"
            | "no_team"
            | "team_disabled"
            | "invalid_token"
            | "channel_is_archived"
            | "channel_not_found",
        ) => Some((Meaning::TargetDisabled, Effect::None)),
        (410, _) => Some((Meaning::TargetDisabled, Effect::None)),
        _ => None,
    }
}
