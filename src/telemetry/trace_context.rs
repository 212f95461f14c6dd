//! The context of a trace as it travels: W3C Trace Context, `traceparent` (level 2, and the draft of level 3).

use std::sync::Arc;

/// Bits of the flags that are known: sampled, and a random trace id. Others must be zero on output.
const FLAGS_KNOWN: u8 = 0x03;

/// The length of a `traceparent` of version 00.
const LENGTH: usize = 55;

/// What a caller sent: the trace that is continued, and the span that becomes the parent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RemoteContext {
    /// Never all zero.
    pub trace_id: [u8; 16],
    /// Never all zero.
    pub parent_id: [u8; 8],
    /// Sampled (bit 0), random trace id (bit 1).
    pub flags: u8,
    /// `tracestate`, as far as it is valid.
    pub state: Option<Arc<str>>,
}

/// What is sent with one request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceContext {
    /// Never all zero.
    pub trace_id: [u8; 16],
    /// The span of the attempt that sends it.
    pub span_id: [u8; 8],
    /// Sampled (bit 0), random trace id (bit 1).
    pub flags: u8,
    /// `tracestate`.
    pub state: Option<Arc<str>>,
}

/// The span of the exchange at that place of an attempt, counted from 0, whose first one has the span `first`. The same
/// again whenever it is asked for.
#[must_use]
pub fn nth_span_id(first: [u8; 8], place: u16) -> [u8; 8] {
    if place == 0 {
        return first;
    }
    // The mixing steps of SplitMix64: neighbours share no bits.
    let seed = u64::from_be_bytes(first);
    let mut id = seed.wrapping_add(u64::from(place).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    id = (id ^ (id >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    id = (id ^ (id >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (id ^ (id >> 31)).max(1).to_be_bytes()
}

/// Reads a `traceparent`; none where it must be ignored.
///
/// A higher version than 00 is read as far as it is known: its first three fields, if the flags end the text or are
/// followed by `-`.
pub(super) fn parse(text: &[u8]) -> Option<([u8; 16], [u8; 8], u8)> {
    let (head, more) = text.split_at_checked(LENGTH)?;
    let dashes = [2, 35, 52].iter().all(|place| head[*place] == b'-');
    let version: [u8; 1] = hex(&head[..2])?;
    let ends = match version[0] {
        0x00 => more.is_empty(),
        0xFF => false,
        _ => more.first().is_none_or(|byte| *byte == b'-'),
    };
    let trace_id: [u8; 16] = hex(&head[3..35])?;
    let parent_id: [u8; 8] = hex(&head[36..52])?;
    let flags: [u8; 1] = hex(&head[53..55])?;
    let valid = dashes && ends && trace_id != [0; 16] && parent_id != [0; 8];
    valid.then_some((trace_id, parent_id, flags[0] & FLAGS_KNOWN))
}

/// Writes a `traceparent` of version 00.
pub(super) fn write(context: &TraceContext) -> [u8; LENGTH] {
    let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
    put_hex(&mut text[3..35], &context.trace_id);
    put_hex(&mut text[36..52], &context.span_id);
    put_hex(&mut text[53..55], &[context.flags & FLAGS_KNOWN]);
    text
}

/// Bytes from lower-case hex of exactly that length.
fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    (text.len() == 2 * N).then_some(bytes)
}

fn put_hex(text: &mut [u8], bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (pair, byte) in text.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
        *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0x0F)]];
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert_eq, proptest};

    use super::{TraceContext, parse, write};

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const PARENT: &str = "b7ad6b7169203331";

    /// What comes out again when the context is sent on by the same span.
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let again = parse(text.as_bytes()).map(|(trace_id, span_id, flags)| {
            write(&TraceContext { trace_id, span_id, flags, state: None })
        });
        let again =
            again.map_or("ignored".into(), |text| String::from_utf8(text.to_vec()).unwrap());
        assert_eq!(again, expected, "{text}");
    }

    #[test]
    fn what_is_right_goes_on() {
        for flags in ["00", "01", "02", "03"] {
            let text = format!("00-{TRACE}-{PARENT}-{flags}");
            check(&text, &text);
        }
    }

    #[test]
    fn unknown_bits_are_zero_on_output() {
        check(&format!("00-{TRACE}-{PARENT}-ff"), &format!("00-{TRACE}-{PARENT}-03"));
        check(&format!("00-{TRACE}-{PARENT}-08"), &format!("00-{TRACE}-{PARENT}-00"));
    }

    #[test]
    fn a_higher_version_is_read_as_far_as_it_is_known() {
        let known = format!("00-{TRACE}-{PARENT}-01");
        check(&format!("cc-{TRACE}-{PARENT}-01"), &known);
        check(&format!("cc-{TRACE}-{PARENT}-01-what-the-future-brings"), &known);
        check(&format!("cc-{TRACE}-{PARENT}-01-"), &known);
        check(&format!("cc-{TRACE}-{PARENT}-01.what"), "ignored");
    }

    #[test]
    fn what_is_wrong_is_ignored() {
        let wrong = [
            String::new(),
            "00".into(),
            format!("ff-{TRACE}-{PARENT}-01"),
            format!("00-{TRACE}-{PARENT}-01-more"),
            format!("00-{TRACE}-{PARENT}-01-"),
            format!("00-{TRACE}-{PARENT}-1"),
            format!("00-{TRACE}-{PARENT}-.1"),
            format!("00-{}-{PARENT}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{}-01", PARENT.to_uppercase()),
            format!("0A-{TRACE}-{PARENT}-01"),
            format!("00-{}-{PARENT}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{TRACE}{PARENT}--01"),
            format!("00-{TRACE}-{PARENT}_01"),
            format!("00-{}-{PARENT}0-01", &TRACE[1..]),
            format!(" 00-{TRACE}-{PARENT}-01"),
            format!("00-+{}-{PARENT}-01", &TRACE[1..]),
        ];
        for text in wrong {
            check(&text, "ignored");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text: Vec<u8>) {
            let _ = parse(&text);
        }

        #[test]
        fn what_is_written_is_read(trace_id: [u8; 16], span_id: [u8; 8], flags in 0_u8..4) {
            let text = write(&TraceContext { trace_id, span_id, flags, state: None });
            let zero = trace_id == [0; 16] || span_id == [0; 8];
            prop_assert_eq!(parse(&text), (!zero).then_some((trace_id, span_id, flags)));
        }
    }
}
