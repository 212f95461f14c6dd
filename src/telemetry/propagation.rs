//! Reads the context of a caller's trace from headers, and writes our own into them.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{
    RemoteContext, TraceContext,
    trace_context::{parse, write},
    trace_state,
};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The trace that a caller asks to be continued; none where a new one begins: without a `traceparent`, with a wrong
/// one, and with two of them. A `tracestate` without a `traceparent` is dropped.
#[must_use]
pub fn extract(headers: &HeaderMap) -> Option<RemoteContext> {
    let mut parents = headers.get_all(TRACEPARENT).iter();
    let (trace_id, parent_id, flags) = parse(parents.next()?.as_bytes())?;
    if parents.next().is_some() {
        return None;
    }
    let states = headers.get_all(TRACESTATE).iter().map(HeaderValue::as_bytes);
    let state = trace_state::parse(states).map(Into::into);
    Some(RemoteContext { trace_id, parent_id, flags, state })
}

/// Writes the context into the headers of a request, in place of whatever stands there.
pub fn inject(headers: &mut HeaderMap, context: &TraceContext) {
    if let Ok(value) = HeaderValue::from_bytes(&write(context)) {
        headers.insert(TRACEPARENT, value);
    }
    match context.state.as_deref().map(HeaderValue::from_str) {
        Some(Ok(value)) => drop(headers.insert(TRACESTATE, value)),
        Some(Err(_)) | None => drop(headers.remove(TRACESTATE)),
    }
}

#[cfg(test)]
mod tests {
    use super::{HeaderMap, HeaderName, HeaderValue, TraceContext, extract, inject};

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03";

    /// The headers of a request that continues the trace of a caller with these headers.
    #[track_caller]
    fn check(caller: &[(&str, &str)], expected: &str) {
        let pair = |(name, value): &(&str, &str)| {
            (HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap())
        };
        let mut headers = HeaderMap::new();
        headers.extend(caller.iter().map(pair));
        let continued = extract(&headers).map(|caller| {
            let (span_id, state) = ([1; 8], caller.state);
            inject(
                &mut headers,
                &TraceContext { trace_id: caller.trace_id, span_id, flags: caller.flags, state },
            );
            let text =
                |name| headers.get(name).map_or("-", |value: &HeaderValue| value.to_str().unwrap());
            format!("{} {}", text("traceparent"), text("tracestate"))
        });
        assert_eq!(continued.as_deref().unwrap_or("a new trace"), expected);
    }

    #[test]
    fn a_trace_is_continued_with_a_span_of_our_own() {
        let ours = "00-0af7651916cd43dd8448eb211c80319c-0101010101010101-03";
        check(&[("traceparent", PARENT)], &format!("{ours} -"));
        check(
            &[("TraceParent", PARENT), ("tracestate", "a=1"), ("tracestate", "b=2")],
            &format!("{ours} a=1,b=2"),
        );
        check(&[("traceparent", PARENT), ("tracestate", "A=1")], &format!("{ours} -"));
    }

    #[test]
    fn a_new_trace_begins_where_the_old_one_is_not_certain() {
        check(&[], "a new trace");
        check(&[("traceparent", PARENT), ("traceparent", PARENT)], "a new trace");
        check(&[("tracestate", "a=1")], "a new trace");
        check(&[("traceparent", "00-zz"), ("tracestate", "a=1")], "a new trace");
    }
}
