//! Redirects that are followed.

use fanfare_testkit::{MockApi, Received, Scripted};

use super::stage::{Folder, said, send, sent};

const AUTH: &str = "auth: [ { bearer: { token: canary } }, { api_key: { in: { query: key }, value: canary } } ]\n    \
                    headers: { X-Own: canary }\n    query: { q: own }";

fn to(status: u16, location: &str) -> Scripted {
    Scripted::status(status).header("location", location)
}

async fn follow(api: &MockApi, lines: &str) -> String {
    let lines = format!("url: '{}'\n    {AUTH}\n    redirects: {lines}", api.url("/first"));
    sent(&Folder::new().one(lines).await, "api").await
}

/// `POST /path?query bearer+own+trace body`.
fn seen(received: &Received) -> String {
    let mut with = Vec::new();
    for (name, what) in [("authorization", "bearer"), ("x-own", "own"), ("traceparent", "trace")] {
        with.extend(received.header(name).map(|_| what));
    }
    format!("{} {} {} {}", received.method, received.uri, with.join("+"), received.text())
}

fn all(api: &MockApi) -> Vec<String> {
    api.received().iter().map(seen).collect()
}

#[tokio::test]
async fn within_its_origin_a_redirect_is_asked_with_who_we_are() {
    let api = MockApi::start([
        to(307, "/second"),
        to(303, "third?a=b"),
        Scripted::status(200).body("ok"),
    ])
    .await;
    assert_eq!(follow(&api, "{}").await, "delivered: 200 ok");
    assert_eq!(
        all(&api),
        [
            "POST /first?q=own&key=canary bearer+own+trace {\"a\":1}",
            "POST /second?key=canary bearer+own+trace {\"a\":1}",
            "GET /third?a=b&key=canary bearer+own+trace ",
        ]
    );
    let parents: Vec<_> =
        api.received().iter().map(|it| it.header("traceparent").unwrap().to_owned()).collect();
    assert!(parents[0] != parents[1] && parents[1] != parents[2], "each has a span of its own");
}

#[tokio::test]
async fn another_origin_gets_no_credentials_and_gives_none_back() {
    let api = MockApi::start_routes([
        ("/back", Scripted::status(200).body("ok")),
        ("/first", to(307, "http://localhost:1/")),
    ])
    .await;
    let other = MockApi::start(to(307, &api.url("/back"))).await;
    let api_first = MockApi::start(to(307, &other.url("/other?x=y"))).await;
    assert_eq!(follow(&api_first, "{}").await, "delivered: 200 ok");
    assert_eq!(all(&other), ["POST /other?x=y  {\"a\":1}"]);
    assert_eq!(all(&api), ["POST /back  {\"a\":1}"]);
    // Also where it leads back to the first.
    let circle = MockApi::start_routes([("/back", Scripted::status(200).body("ok"))]).await;
    let to_circle = MockApi::start(to(308, &circle.url("/back"))).await;
    let lines = format!("url: '{}'\n    {AUTH}\n    redirects: {{}}", to_circle.url("/x"));
    assert_eq!(sent(&Folder::new().one(lines).await, "api").await, "delivered: 200 ok");
    assert_eq!(all(&circle), ["POST /back  {\"a\":1}"]);
}

/// Whoever redirects chooses how many others there are.
#[tokio::test]
async fn a_connection_to_another_origin_is_not_kept() {
    let other = MockApi::start(Scripted::status(200).body("ok")).await;
    let api = MockApi::start(to(307, &other.url("/"))).await;
    let lines = format!("url: '{}'\n    redirects: {{}}", api.url("/first"));
    let engine = Folder::new().one(lines).await;
    for _ in 0..3 {
        assert_eq!(sent(&engine, "api").await, "delivered: 200 ok");
    }
    assert_eq!((api.connections(), other.connections()), (1, 3));
}

#[tokio::test]
async fn a_post_stays_one_where_that_is_said() {
    for (lines, expected) in [("{}", "GET"), ("{ keep_method: true }", "POST")] {
        let api = MockApi::start([to(302, "/second"), Scripted::status(200).body("ok")]).await;
        assert_eq!(follow(&api, lines).await, "delivered: 200 ok");
        assert_eq!(api.received()[1].method, expected);
    }
}

#[tokio::test]
async fn there_is_an_end_and_the_redirect_is_the_reply_then() {
    let api = MockApi::start(to(307, "/again")).await;
    assert_eq!(follow(&api, "{ max: 2 }").await, "failed: 307 ");
    assert_eq!(api.received().len(), 3);
    let api = MockApi::start(to(307, "ftp://localhost/")).await;
    assert_eq!(follow(&api, "{}").await, "failed: 307 ");
    let off = MockApi::start(to(307, "/again")).await;
    let lines = format!("url: '{}'", off.url("/first"));
    assert_eq!(sent(&Folder::new().one(lines).await, "api").await, "failed: 307 ");
    assert_eq!(off.received().len(), 1);
    // It points to the result of what was asked, whether somebody looks there or not.
    for lines in ["", "\n    redirects: {}"] {
        let api = MockApi::start(to(303, "ftp://localhost/")).await;
        let lines = format!("url: '{}'{lines}", api.url("/first"));
        assert_eq!(sent(&Folder::new().one(lines).await, "api").await, "indeterminate: 303 ");
    }
}

#[tokio::test]
async fn what_was_asked_first_may_have_been_done_where_its_result_is_asked_for() {
    let gone = MockApi::start(Scripted::status(200)).await;
    let nobody = gone.url("/");
    gone.stop().await;
    for (first, second, expected) in [
        // The same request elsewhere: nothing was done before.
        (to(307, "/second"), Scripted::status(404), "failed: 404 "),
        (
            to(307, &nobody),
            Scripted::status(200),
            "failed: connect: no connection: connection refused",
        ),
        (
            to(307, "/second"),
            Scripted::reset_after(),
            "indeterminate: reset: the connection broke: connection reset",
        ),
        // Its result: the first may have been done, whatever comes of asking.
        (to(303, "/second"), Scripted::status(404), "indeterminate: 404 "),
        (
            to(303, &nobody),
            Scripted::status(200),
            "indeterminate: connect: no connection: connection refused",
        ),
        (to(303, "/second"), Scripted::status(200), "delivered: 200 "),
    ] {
        let script = format!("{first:?} {second:?}");
        let api = MockApi::start([first, second]).await;
        let lines = format!("url: '{}'\n    redirects: {{}}", api.url("/first"));
        let report = send(&Folder::new().one(lines).await, "api").await;
        assert_eq!(said(&report), expected, "{script}");
    }
}

#[tokio::test]
async fn a_time_that_is_over_says_nothing_of_the_redirect_before() {
    let api = MockApi::start([to(307, "/second"), Scripted::hang()]).await;
    let lines = format!("url: '{}'\n    timeout: 500ms\n    redirects: {{}}", api.url("/first"));
    let ended = sent(&Folder::new().one(lines).await, "api").await;
    assert_eq!(ended, "indeterminate: timeout: no answer in time");
}
