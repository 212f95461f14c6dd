//! A reply has come: what it means, and what is kept of it.

use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc};

use fanfare_sdk::{
    Call, Classification, Effect, Judgement, Meaning, Reply, ReplyHead, SendErrorKind, Timestamp,
};
use tokio::time::timeout;

use super::{Shared, Slot, SlotParts, attempt::Order, last::is_last};
use crate::{
    policy::{notice, problem_details},
    report::{AttemptError, CapturedReply, Ended, Limit, ProblemDetails, Said},
    transport::Outbound,
};

/// Bytes of the headers of a reply that are kept: what servers take of a request, and rarely more than a tenth of it.
const HEADER_BYTES_MAX: usize = 16 << 10;

/// What a reply means, who said so, and what went wrong in finding out.
struct Meant {
    classification: Classification,
    judgement: Option<Judgement>,
    error: Option<AttemptError>,
}

pub(super) async fn replied(
    (shared, slot, parts): (&Shared, &Slot, &SlotParts),
    order: &Order,
    (call, outbound): (&Call, &Outbound),
    reply: Reply,
    at: Timestamp,
) -> Ended {
    let Meant { classification, judgement, error } = meant((slot, parts), call, &reply).await;
    let Classification { meaning, mut effect, retry_after } = classification;
    if effect == Effect::None && outbound.has_acted() {
        // It is about the result of what was asked first, and not about that.
        effect = Effect::Unknown;
    }
    let status = reply.head.status;
    let requested = outbound.requested();
    let announced = notice(&reply.head.headers, requested.as_ref());
    let version = order.started.way.version.as_ref();
    if let Some(announced) = &announced {
        slot.gate().announce(version, announced);
    }
    let notice = parts.policy.notice(version, announced);
    let problem = match meaning {
        Meaning::Success => None,
        _ => problem_details(&reply, requested.as_ref()),
    };
    let said = said(judgement, problem);
    let mut ended = Ended {
        attempt: order.started.attempt,
        meaning,
        effect,
        retry_after,
        learned: outbound.learned(),
        status,
        error,
        said: said.map(Arc::new),
        reply: None,
        notice,
        at,
    };
    if ends(meaning) || is_last((slot, parts), order, &ended) {
        ended.reply = Some(Arc::new(capture(shared, (slot, parts), reply).await));
    }
    ended
}

/// Whether it may end its delivery, however often that could be tried.
fn ends(meaning: Meaning) -> bool {
    match meaning {
        Meaning::Success | Meaning::Permanent | Meaning::Unauthorized | Meaning::TargetDisabled => {
            true
        }
        Meaning::Retry | Meaning::Throttled | Meaning::VersionRejected => false,
    }
}

/// What the target's kind says; where a rule fits, what that says.
async fn meant((slot, parts): (&Slot, &SlotParts), call: &Call, reply: &Reply) -> Meant {
    let classified = std::panic::catch_unwind(AssertUnwindSafe(|| parts.api.classify(call, reply)));
    let Ok(by_kind) = classified else {
        let (kind, message) = (SendErrorKind::Panicked, "classify panicked".into());
        return Meant {
            classification: unclassified(call, reply),
            judgement: None,
            error: Some(AttemptError { kind, message }),
        };
    };
    let by_kind = sane(by_kind);
    let by_rule = match &parts.mapper {
        Some(mapper) if mapper.judges() => {
            let judging = slot.mapping.judge(mapper, (call, reply), by_kind);
            let judged = timeout(parts.policy.timeout, judging).await;
            judged.unwrap_or_else(|_| Some(unjudged("the rules take too long", by_kind)))
        }
        Some(_) | None => None,
    };
    match by_rule {
        Some(judgement) => Meant {
            classification: sane(judgement.classification),
            judgement: Some(judgement),
            error: None,
        },
        None => Meant { classification: by_kind, judgement: None, error: None },
    }
}

/// The rules cannot say what it means: where the API may have acted, nobody knows.
pub(super) fn unjudged(says: &str, by_kind: Classification) -> Judgement {
    let classification = match by_kind.effect {
        Effect::None => by_kind,
        Effect::Applied | Effect::Unknown => {
            Classification::new(Meaning::Permanent, Effect::Unknown)
        }
    };
    let (rule, code) = ("classify".to_owned(), Some("unclear".to_owned()));
    Judgement { classification, rule, code, message: Some(says.to_owned()) }
}

fn said(judgement: Option<Judgement>, problem: Option<ProblemDetails>) -> Option<Said> {
    let said = match judgement {
        Some(Judgement { rule, code, message, .. }) => {
            Said { rule: Some(rule), code, message, problem }
        }
        None => Said { problem, ..Said::default() },
    };
    (said != Said::default()).then_some(said)
}

/// A success was applied, whatever is said of it.
pub(super) fn sane(mut classification: Classification) -> Classification {
    if classification.meaning == Meaning::Success {
        classification.effect = Effect::Applied;
    }
    classification
}

/// The plugin cannot say what the reply means. Its status says whether the API may have acted.
fn unclassified(call: &Call, reply: &Reply) -> Classification {
    let effect = match Classification::by_status(call, reply).effect {
        Effect::None => Effect::None,
        Effect::Applied | Effect::Unknown => Effect::Unknown,
    };
    Classification::new(Meaning::Permanent, effect)
}

/// Keeps the headers that fit; says whether others were left out.
fn cut_headers(headers: &mut http::HeaderMap) -> bool {
    let bytes =
        |(name, value): (&http::HeaderName, &http::HeaderValue)| name.as_str().len() + value.len();
    if headers.iter().map(bytes).sum::<usize>() <= HEADER_BYTES_MAX {
        return false;
    }
    let mut left = HEADER_BYTES_MAX;
    let fits = |pair: &(&http::HeaderName, &http::HeaderValue)| {
        left = left.saturating_sub(bytes(*pair));
        left > 0
    };
    let kept = headers.iter().take_while(fits).map(|(name, value)| (name.clone(), value.clone()));
    *headers = kept.collect();
    true
}

async fn capture(
    shared: &Shared,
    (slot, parts): (&Slot, &SlotParts),
    reply: Reply,
) -> CapturedReply {
    let captured = match &parts.mapper {
        Some(mapper) => {
            let taken = timeout(parts.policy.timeout, slot.mapping.capture(mapper, &reply));
            taken.await.unwrap_or_default()
        }
        None => BTreeMap::new(),
    };
    let (body, mut truncated) = (reply.body.bytes().clone(), reply.body.is_truncated());
    let ReplyHead { status, mut headers, .. } = reply.head;
    if truncated {
        shared.reached(Limit::ReplyBytes, Some(&slot.name));
    }
    if cut_headers(&mut headers) {
        truncated = true;
        shared.reached(Limit::ReplyHeaderBytes, Some(&slot.name));
    }
    CapturedReply { status, headers, body, truncated, captured }
}
