//! The scripted transport: what an attempt sees, when, and what is known of its effect.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use fanfare_sdk::{Capture, Effect, Wire};
use fanfare_testkit::{Script, Scripted, ScriptedTransport};
use http::Request;
use tokio::time::{Instant, timeout};

const PATIENCE: Duration = Duration::from_secs(5);

fn request(uri: &str) -> Request<Bytes> {
    Request::post(uri).body(Bytes::from_static(b"{}")).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "tokio's clock is paused here")]
fn now() -> Instant {
    Instant::now()
}

/// One exchange, given up after five seconds, as text: what came, when, what progress knows.
async fn run(wire: &Wire, uri: &str) -> String {
    let begun = now();
    let ended = match timeout(PATIENCE, wire.send(request(uri))).await {
        Err(_) => "nothing".to_owned(),
        Ok(Ok(reply)) => format!(
            "{} {:?}{}",
            reply.head.status.unwrap(),
            String::from_utf8_lossy(reply.body.bytes()),
            if reply.body.is_truncated() { " truncated" } else { "" }
        ),
        Ok(Err(error)) => {
            format!("{} {:?}", error.kind.code(), error.classification.effect)
        }
    };
    let progress = wire.progress();
    let took = begun.elapsed().as_millis();
    format!("{ended}, {took}ms, {:?} {:?}", progress.effect(), progress.status())
}

#[track_caller]
fn check(scripted: Scripted, capture: Capture, expected: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let seen = runtime.block_on(async {
        let transport = Arc::new(ScriptedTransport::playing(scripted));
        let seen = run(&transport.wire().capturing(capture), "https://a.example/").await;
        assert_eq!((transport.count(), transport.in_flight()), (1, 0));
        seen
    });
    assert_eq!(seen, expected);
}

#[test]
fn every_ending_says_what_is_known_of_its_effect() {
    let s = Duration::from_secs;
    let ok = || Scripted::status(200).body("hello");
    let all = Capture::default();
    let four = Capture::Whole { bytes_max: 4 };
    let five = Capture::Whole { bytes_max: 5 };

    check(ok(), all, "200 \"hello\", 0ms, Unknown Some(200)");
    check(ok().after(s(2)), all, "200 \"hello\", 2000ms, Unknown Some(200)");
    check(ok().after(s(6)), all, "nothing, 5000ms, Unknown None");
    check(ok().trickle(s(2)), all, "nothing, 5000ms, Unknown Some(200)");
    check(ok().trickle(s(2)), Capture::Head, "200 \"\", 0ms, Unknown Some(200)");
    check(ok(), five, "200 \"hello\", 0ms, Unknown Some(200)");
    check(ok(), four, "200 \"hell\" truncated, 0ms, Unknown Some(200)");
    check(Scripted::cut(201, "he"), all, "201 \"he\" truncated, 0ms, Unknown Some(201)");
    check(Scripted::status(503), all, "503 \"\", 0ms, Unknown Some(503)");
    check(Scripted::refused(), all, "connect None, 0ms, None None");
    check(Scripted::refused().after(s(1)), all, "connect None, 1000ms, None None");
    check(Scripted::reset_before(), all, "reset None, 0ms, None None");
    check(Scripted::reset_after(), all, "reset Unknown, 0ms, Unknown None");
    check(Scripted::garbage(), all, "protocol Unknown, 0ms, Unknown None");
    check(Scripted::hang(), all, "nothing, 5000ms, Unknown None");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_has_sent_once_stays_in_doubt() {
    let transport =
        Arc::new(ScriptedTransport::playing([Scripted::status(200), Scripted::refused()]));
    let wire = transport.wire();
    run(&wire, "https://a.example/upload").await;
    let error = wire.send(request("https://a.example/commit")).await.unwrap_err();
    assert_eq!(error.classification.effect, Effect::Unknown);
}

#[tokio::test(start_paused = true)]
async fn routes_are_paths_or_hosts() {
    let transport = Arc::new(ScriptedTransport::routes([
        ("/a", Script::new([Scripted::status(503), Scripted::status(201)])),
        ("b.example", Scripted::status(202).into()),
    ]));
    let mut seen = Vec::new();
    for uri in
        ["https://x/a?q=1", "https://b.example/z", "https://x/a", "https://x/a", "https://x/"]
    {
        seen.push(transport.wire().send(request(uri)).await.unwrap().head.status.unwrap());
    }
    assert_eq!(seen, [503, 202, 201, 201, 501]);
    let received = transport.at_least(5).await;
    assert_eq!((received[0].path(), received[0].text()), ("/a?q=1", "{}".to_owned()));
}

#[test]
fn a_script_goes_on_after_its_end() {
    let statuses = |script: Script| (0..4).map(|n| script.at(n)).collect::<Vec<_>>();
    let of = |list: [u16; 4]| list.map(Scripted::status).to_vec();
    let two = || Script::new([Scripted::status(503), Scripted::status(200)]);
    assert_eq!(statuses(two()), of([503, 200, 200, 200]));
    assert_eq!(statuses(two().cycling()), of([503, 200, 503, 200]));
    assert_eq!(statuses(Script::default()), of([200; 4]));
}
