//! What an authorizer sees is what is sent: of the wire, on loopback.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use fanfare::{
    Broadcast, Engine, Target,
    sdk::{AuthError, Authorizer, Call, HttpApi, Payload, PrepareError, Stamp, async_trait},
};
use fanfare_testkit::{MockApi, Scripted};
use http::{HeaderMap, Request, Uri};

/// An API of somebody's own, at whatever URL.
#[derive(Debug)]
struct Odd(Uri);

/// Keeps what it was given to sign.
#[derive(Clone, Debug, Default)]
struct Witness(Arc<Mutex<Vec<(Uri, HeaderMap)>>>);

impl HttpApi for Odd {
    fn request(&self, _: &Call, payload: &Payload) -> Result<Request<Bytes>, PrepareError> {
        let mut request = Request::post(self.0.clone()).body(payload.bytes().clone()).unwrap();
        request.headers_mut().insert("x-ours", "a  b".parse().unwrap());
        Ok(request)
    }
}

#[async_trait]
impl Authorizer for Witness {
    async fn authorize(
        &self,
        _: Stamp,
        _: &Call,
        request: &mut Request<Bytes>,
    ) -> Result<(), AuthError> {
        let saw = (request.uri().clone(), request.headers().clone());
        self.0.lock().unwrap().push(saw);
        Ok(())
    }
}

async fn outcome(url: &str, witness: Witness) -> (&'static str, String) {
    let target = Target::http("odd", Odd(url.parse().unwrap())).auth(witness);
    let engine = Engine::builder().target(target).start().await.unwrap();
    let broadcast = Broadcast::new(Payload::new("text/plain", "x")).to("odd");
    let report = engine.broadcast(broadcast).await.unwrap();
    let delivery = &report.deliveries[0];
    let outcome = delivery.outcome.as_ref().unwrap();
    (outcome.code(), format!("{delivery:?}"))
}

#[tokio::test]
async fn an_authorizer_sees_the_request_as_it_goes_on_the_wire() {
    let api = MockApi::start(Scripted::status(200)).await;
    for path in [
        "",
        "/",
        "?",
        "/a",
        "/a?",
        "/a/./b/../c",
        "/a//b",
        "/..",
        "/%7e/%2E%2e/c",
        "/a%2Fb;v=1",
        "/?a='b'&c=%27&d",
        "/a|b",
        "/a?q=[1]&r=a+b%20c",
        "/a?../b",
    ] {
        let witness = Witness::default();
        let url = format!("HTTP://LocalHost:{}{path}", api.address().port());
        assert_eq!(outcome(&url, witness.clone()).await.0, "delivered", "{url}");
        let received = api.received().pop().unwrap();
        let (uri, headers) = witness.0.lock().unwrap().pop().unwrap();
        let saw = uri.path_and_query().unwrap().as_str().to_owned();
        assert_eq!(
            (received.path(), received.header("host")),
            (saw.as_str(), uri.authority().map(|it| it.as_str()))
        );
        for (name, value) in &headers {
            assert_eq!(received.headers.get(name), Some(value), "{name}");
        }
    }
}

#[tokio::test]
async fn user_info_of_a_url_is_refused_and_not_dropped() {
    let api = MockApi::start(Scripted::status(200)).await;
    let url = api.url("/").replace("http://", "http://canary-71c0:canary-71c0@");
    let (outcome, reason) = outcome(&url, Witness::default()).await;
    assert_eq!((outcome, api.received().len()), ("failed", 0));
    assert!(reason.contains("has user info") && !reason.contains("canary"), "{reason}");
}
