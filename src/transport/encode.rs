//! Bodies of requests, compressed before they are signed: as the settings of the target say, and not on a worker of the
//! runtime where that takes time.

use std::{io, io::Write as _, sync::Arc};

use brotli::enc::{BrotliCompress, BrotliEncoderParams};
use bytes::Bytes;
use fanfare_sdk::{Coding, Compress, PrepareError};
use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};
use http::{HeaderValue, Request, header};
use tokio::{sync::Semaphore, task::spawn_blocking};

/// Bytes from which on a body is compressed on a thread of its own.
const QUICK_BYTES_MAX: usize = 16 << 10;

/// zstd's own default.
const ZSTD_LEVEL: i32 = 3;

/// The middle of its levels, as servers use it for what they make at the moment: the highest are for what is compressed once.
const BROTLI_QUALITY: i32 = 5;

/// The window of brotli, as a power of two: 4 MiB, its own default; what every decoder has to have goes up to 16 MiB (RFC 7932).
const BROTLI_WINDOW_LOG: i32 = 22;

/// Compresses the body, where it is long enough and not coded yet. `threads` are those that the target may have.
pub(super) async fn compress(
    request: &mut Request<Bytes>,
    compress: Compress,
    threads: &Arc<Semaphore>,
) -> Result<(), PrepareError> {
    let body = request.body().clone();
    let is_coded = request.headers().contains_key(header::CONTENT_ENCODING);
    if body.is_empty() || body.len() < compress.bytes_min || is_coded {
        return Ok(());
    }
    let coding = compress.coding;
    let cannot = || PrepareError("compressing the body failed".to_owned());
    let coded = if body.len() <= QUICK_BYTES_MAX {
        encode(coding, &body)
    } else {
        let permit = threads.clone().acquire_owned().await.map_err(|_| cannot())?;
        let run = spawn_blocking(move || {
            let coded = encode(coding, &body);
            drop(permit);
            coded
        });
        run.await.map_err(|_| cannot())?
    };
    *request.body_mut() = coded.map_err(|_| cannot())?.into();
    let name = HeaderValue::from_static(coding.name());
    request.headers_mut().insert(header::CONTENT_ENCODING, name);
    Ok(())
}

/// The same bytes always give the same: gzip has no time in its head.
fn encode(coding: Coding, body: &[u8]) -> io::Result<Vec<u8>> {
    match coding {
        Coding::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(body)?;
            encoder.finish()
        }
        // RFC 9110 section 8.4.1.2: in the zlib format.
        Coding::Deflate => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(body)?;
            encoder.finish()
        }
        Coding::Brotli => {
            let (quality, lgwin) = (BROTLI_QUALITY, BROTLI_WINDOW_LOG);
            let params =
                BrotliEncoderParams { quality, lgwin, size_hint: body.len(), ..Default::default() };
            let (mut rest, mut coded) = (body, Vec::new());
            BrotliCompress(&mut rest, &mut coded, &params)?;
            Ok(coded)
        }
        Coding::Zstd => zstd::encode_all(body, ZSTD_LEVEL),
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Read as _, sync::Arc};

    use brotli::Decompressor;
    use bytes::Bytes;
    use fanfare_sdk::{Coding, Compress};
    use flate2::read::{GzDecoder, ZlibDecoder};
    use http::Request;
    use tokio::sync::Semaphore;

    use super::compress;

    async fn compressed(coding: Coding, bytes_min: usize, body: &[u8]) -> Request<Bytes> {
        let mut request = Request::new(Bytes::copy_from_slice(body));
        let threads = Arc::new(Semaphore::new(1));
        compress(&mut request, Compress::new(coding, bytes_min), &threads).await.unwrap();
        request
    }

    #[tokio::test]
    async fn what_was_compressed_is_read_again() {
        for (coding, name) in [
            (Coding::Gzip, "gzip"),
            (Coding::Deflate, "deflate"),
            (Coding::Brotli, "br"),
            (Coding::Zstd, "zstd"),
        ] {
            for body in [b"a".repeat(2_000), b"abc".repeat(40_000)] {
                let request = compressed(coding, 1_000, &body).await;
                assert_eq!(request.headers()["content-encoding"], name);
                let coded = request.body();
                assert!(coded.len() < body.len() / 10);
                let mut read = Vec::new();
                match coding {
                    Coding::Gzip => GzDecoder::new(&coded[..]).read_to_end(&mut read).map(drop),
                    Coding::Deflate => {
                        ZlibDecoder::new(&coded[..]).read_to_end(&mut read).map(drop)
                    }
                    Coding::Brotli => {
                        Decompressor::new(&coded[..], 4_096).read_to_end(&mut read).map(drop)
                    }
                    _ => zstd::stream::copy_decode(&coded[..], &mut read),
                }
                .unwrap();
                assert!(read == body, "{name}");
                assert_eq!(compressed(coding, 1_000, &body).await.body(), coded, "the same again");
            }
        }
    }

    #[tokio::test]
    async fn what_is_short_stays_as_it_is() {
        let request = compressed(Coding::Gzip, 1_000, &b"a".repeat(999)).await;
        assert!(request.headers().is_empty() && request.body().len() == 999);
        let request = compressed(Coding::Gzip, 1_000, &b"a".repeat(1_000)).await;
        assert!(!request.headers().is_empty() && request.body().len() < 1_000);
        assert!(compressed(Coding::Gzip, 0, b"").await.headers().is_empty());
    }
}
