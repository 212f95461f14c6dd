//! The codings of replies (RFC 9110, section 8.4.1), taken off within limits: what is small on the wire may be huge.
//!
//! Nobody is asked for them: a request has the `Accept-Encoding` that its target puts there, and most have none.

use std::io::{self, Read};

use brotli::Decompressor;
use fanfare_sdk::Coding;
use flate2::{Decompress, FlushDecompress, Status, read::MultiGzDecoder};
use http::{HeaderMap, header};
use zstd::stream::read::Decoder as ZstdDecoder;

/// A body becomes so many times as long at the most. Text becomes ten times as long, seldom thirty; a bomb a thousand times.
const RATIO_MAX: usize = 100;

/// So much may become of anything: a small bomb does no harm.
const RATIO_FREE: usize = 64 << 10;

/// The window of zstd, as a power of two: 8 MiB, which every decoder has to have (RFC 8878, section 3.1.1.1.2).
const WINDOW_LOG_MAX: u32 = 23;

/// How a stream of brotli begins that has a "large window", of up to 1 GiB: in its lowest seven bits. RFC 7932, section
/// 9.1, has no such window.
const LARGE_WINDOW: u8 = 0b001_0001;

/// Bytes that are decoded at once.
const STEP: usize = 8 << 10;

/// What came of decoding.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Decoded {
    pub(super) bytes: Vec<u8>,
    /// That was all, and none of it was cut.
    pub(super) whole: bool,
}

/// Nothing came of it.
const NONE: Decoded = Decoded { bytes: Vec::new(), whole: false };

/// The only coding of a body; none where there is none, or one that is not known, or several.
pub(super) fn coding(headers: &HeaderMap) -> Option<Coding> {
    let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    Coding::by_name(value.to_str().ok()?.trim())
}

/// Takes it off. Of what is longer than that, or than it can be in earnest, or broken off, the beginning.
pub(super) fn decode(coding: Coding, coded: &[u8], bytes_max: usize) -> Decoded {
    let bytes_max = bytes_max.min(coded.len().saturating_mul(RATIO_MAX).max(RATIO_FREE));
    match coding {
        Coding::Gzip => read(MultiGzDecoder::new(coded), bytes_max),
        Coding::Deflate => inflate(coded, bytes_max),
        Coding::Brotli if coded.first().is_some_and(|it| it & 0x7f == LARGE_WINDOW) => NONE,
        Coding::Brotli => read(Decompressor::new(coded, STEP), bytes_max),
        Coding::Zstd => match zstd(coded) {
            Ok(decoder) => read(decoder, bytes_max),
            Err(_) => NONE,
        },
        _ => NONE,
    }
}

fn zstd(coded: &[u8]) -> io::Result<ZstdDecoder<'static, &[u8]>> {
    let mut decoder = ZstdDecoder::with_buffer(coded)?;
    decoder.window_log_max(WINDOW_LOG_MAX)?;
    Ok(decoder)
}

fn read(mut decoder: impl Read, bytes_max: usize) -> Decoded {
    let (mut bytes, mut step) = (Vec::new(), [0; STEP]);
    loop {
        // An error has given what came before it.
        let more = match decoder.read(&mut step) {
            Ok(0) => return Decoded { bytes, whole: true },
            Ok(count) => &step[..count],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return Decoded { bytes, whole: false },
        };
        if !push(&mut bytes, more, bytes_max) {
            return Decoded { bytes, whole: false };
        }
    }
}

/// What is called deflate is zlib (RFC 1950); what some servers send is what it wraps (RFC 1951).
fn inflate(coded: &[u8], bytes_max: usize) -> Decoded {
    let is_zlib = coded.first().is_some_and(|first| first & 0x0f == 8 && first >> 4 <= 7);
    let (mut decoder, mut bytes, mut step) = (Decompress::new(is_zlib), Vec::new(), [0; STEP]);
    let mut rest = coded;
    loop {
        let before = (decoder.total_in(), decoder.total_out());
        let status = decoder.decompress(rest, &mut step, FlushDecompress::None);
        let count = |after: u64, before: u64| usize::try_from(after - before).unwrap_or(0);
        let taken = count(decoder.total_in(), before.0);
        let made = count(decoder.total_out(), before.1);
        let fits = push(&mut bytes, &step[..made.min(STEP)], bytes_max);
        rest = &rest[taken.min(rest.len())..];
        match status {
            Ok(Status::StreamEnd) if fits => return Decoded { bytes, whole: true },
            Ok(Status::Ok) if fits && taken + made > 0 => {}
            Ok(Status::Ok | Status::BufError | Status::StreamEnd) | Err(_) => {
                return Decoded { bytes, whole: false };
            }
        }
    }
}

/// Adds as much as there may be; says whether that was all.
fn push(bytes: &mut Vec<u8>, more: &[u8], bytes_max: usize) -> bool {
    let left = bytes_max - bytes.len();
    bytes.extend_from_slice(&more[..more.len().min(left)]);
    more.len() <= left
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use fanfare_sdk::Coding;
    use flate2::{
        Compression,
        write::{DeflateEncoder, GzEncoder, ZlibEncoder},
    };
    use http::{HeaderMap, HeaderValue, header};
    use proptest::{collection::vec, prelude::any, proptest};

    use super::{LARGE_WINDOW, RATIO_FREE, coding, decode};

    /// `{"hello":"world"}` by the brotli of Node 20 (`zlib.brotliCompressSync`).
    const BROTLI: &[u8] = b"\x0b\x08\x80{\"hello\":\"world\"}\x03";

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).expect("it is in memory");
        encoder.finish().expect("it is in memory")
    }

    fn zlib(text: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).expect("it is in memory");
        encoder.finish().expect("it is in memory")
    }

    fn raw(text: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).expect("it is in memory");
        encoder.finish().expect("it is in memory")
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        zstd::encode_all(text, 3).expect("it is in memory")
    }

    #[track_caller]
    fn check(coding: Coding, coded: &[u8], bytes_max: usize, expected: &str) {
        let decoded = decode(coding, coded, bytes_max);
        let cut = if decoded.whole { "" } else { ", cut" };
        let text = String::from_utf8_lossy(&decoded.bytes);
        assert_eq!(format!("{text}{cut}"), expected, "{coding:?}");
    }

    #[test]
    fn a_body_is_what_it_was() {
        const TEXT: &str = "{\"hello\":\"world\"}";
        for (coding, coded) in [
            (Coding::Gzip, gzip(TEXT.as_bytes())),
            (Coding::Deflate, zlib(TEXT.as_bytes())),
            (Coding::Deflate, raw(TEXT.as_bytes())),
            (Coding::Brotli, BROTLI.to_vec()),
            (Coding::Zstd, zstd(TEXT.as_bytes())),
        ] {
            check(coding, &coded, 100, TEXT);
            check(coding, &coded, TEXT.len(), TEXT);
            check(coding, &coded, 5, "{\"hel, cut");
            let half = decode(coding, &coded[..coded.len() - 1], 100);
            assert!(
                !half.whole && TEXT.as_bytes().starts_with(&half.bytes),
                "{coding:?}: {half:?}"
            );
            check(coding, b"", 100, ", cut");
        }
        let two = [gzip(b"a"), gzip(b"b")].concat();
        check(Coding::Gzip, &two, 100, "ab");
        let mut wrong = gzip(TEXT.as_bytes());
        let at = wrong.len() - 5;
        wrong[at] ^= 1;
        assert!(!decode(Coding::Gzip, &wrong, 100).whole, "its sum is another one");
    }

    #[test]
    fn a_bomb_does_not_go_off() {
        let bomb = vec![0; 16 << 20];
        for (coding, coded) in [
            (Coding::Gzip, gzip(&bomb)),
            (Coding::Deflate, zlib(&bomb)),
            (Coding::Zstd, zstd(&bomb)),
        ] {
            let decoded = decode(coding, &coded, usize::MAX);
            let most = RATIO_FREE.max(coded.len() * 100);
            assert!(decoded.bytes.len() == most && !decoded.whole, "{coding:?}");
        }
    }

    #[test]
    fn a_window_beyond_what_a_decoder_has_to_have_is_refused() {
        // A frame whose header asks for a window of 2 GiB: magic, descriptor, window descriptor, an empty last block.
        let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x01, 0x00, 0x00];
        check(Coding::Zstd, &frame, 100, ", cut");
        let small = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x00, 0x01, 0x00, 0x00];
        check(Coding::Zstd, &small, 100, "");
    }

    #[test]
    fn a_window_that_brotli_does_not_have_is_refused() {
        // A window of 1 GiB or of 16 MiB, then five bytes as they are, and an empty last block.
        let stream = |window: u8| [&[LARGE_WINDOW, window], &b"\x08\x00\x02hello\x03"[..]].concat();
        for window in [30, 24] {
            check(Coding::Brotli, &stream(window), 100, ", cut");
        }
        check(Coding::Brotli, b"\x0b\x02\x80hello\x03", 100, "hello");
    }

    #[test]
    fn only_a_coding_that_is_known_is_taken_off() {
        let of = |values: &[&'static str]| {
            let values =
                values.iter().map(|it| (header::CONTENT_ENCODING, HeaderValue::from_static(it)));
            coding(&HeaderMap::from_iter(values))
        };
        assert_eq!(of(&["gzip"]), Some(Coding::Gzip));
        assert_eq!(of(&["X-GZip "]), Some(Coding::Gzip));
        assert_eq!(of(&["br"]), Some(Coding::Brotli));
        assert_eq!(of(&["deflate"]), Some(Coding::Deflate));
        assert_eq!(of(&["zstd"]), Some(Coding::Zstd));
        for others in [vec![], vec!["identity"], vec!["compress"], vec!["gzip, br"]] {
            assert_eq!(of(&others), None, "{others:?}");
        }
    }

    proptest! {
        /// Whatever comes, it ends, and within its limit.
        #[test]
        fn nothing_that_comes_does_harm(bytes in vec(any::<u8>(), 0..300), bytes_max in 0_usize..200) {
            for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd] {
                for coded in [bytes.clone(), [gzip(&bytes), bytes.clone()].concat(), [zstd(&bytes), bytes.clone()].concat()] {
                    assert!(decode(coding, &coded, bytes_max).bytes.len() <= bytes_max);
                }
            }
        }

        #[test]
        fn what_was_coded_is_found_again(bytes in vec(any::<u8>(), 1..2_000)) {
            for (coding, coded) in [
                (Coding::Gzip, gzip(&bytes)),
                (Coding::Deflate, zlib(&bytes)),
                (Coding::Zstd, zstd(&bytes)),
            ] {
                let decoded = decode(coding, &coded, bytes.len());
                assert!(decoded.whole && decoded.bytes == bytes, "{coding:?}");
            }
        }
    }
}
