//! The conformance suite: a right target passes it, and every check finds a target that is wrong.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use fanfare_sdk::{
    ApiTarget, Attempt, Call, Http, HttpApi, Payload, PrepareError, Profile, Repeat, Reply,
    SendError, async_trait,
};
use fanfare_testkit::{Conformance, Finding, Scripted, conformance};
use http::Request;

use crate::demo::{CANARY, Demo, Wrong};

/// What is wrong, and which checks say so.
const WRONG: &[(Wrong, &[&str])] = &[
    (Wrong::Nothing, &[]),
    (Wrong::ProfileChanges, &["the profile is the same when read twice"]),
    (
        Wrong::VersionTwice,
        &["versions and endpoints are named once", "every version makes a request of its own"],
    ),
    (Wrong::EndpointUnnamed, &["versions and endpoints are named once"]),
    (
        Wrong::NoExchangeDeclared,
        &["at least one exchange is declared", "an attempt makes no more exchanges than declared"],
    ),
    (Wrong::NothingKept, &["what is kept of a reply has a limit"]),
    (Wrong::TooMuchKept, &["what is kept of a reply has a limit"]),
    (Wrong::StandInRecommended, &["only ways of its own are recommended"]),
    (Wrong::EndpointTwiceRecommended, &["only ways of its own are recommended"]),
    (Wrong::VersionHidden, &["a version is to it what is declared"]),
    (Wrong::VersionNotNeeded, &["a version is to it what is declared"]),
    (Wrong::VersionOnlyDeclared, &["a version is to it what is declared"]),
    (Wrong::PayloadRefused, &["what the API accepts is a success", "compensation is as declared"]),
    (
        Wrong::RequestsCounted,
        &[
            "the same call prepares the same request",
            "attempts at the same time do not disturb each other",
            "compensation prepares the same request",
        ],
    ),
    (Wrong::VersionsConfigured, &[]),
    (Wrong::ConfiguredVersionForgotten, &["every version makes a request of its own"]),
    (Wrong::VersionForgotten, &["every version makes a request of its own"]),
    (Wrong::VersionRefused, &["every version makes a request of its own"]),
    (Wrong::EndpointForgotten, &["every endpoint makes a request of its own"]),
    (Wrong::KeyPerAttempt, &["a repeat carries the same key"]),
    (
        Wrong::KeyFromNonce,
        &["a repeat carries the same key", "another delivery carries another key"],
    ),
    (Wrong::KeySometimes, &["a repeat carries the same key"]),
    (Wrong::KeyConstant, &["another delivery carries another key"]),
    (Wrong::PromiseOnNothing, &["a promise that a repeat does no harm rests on something"]),
    (
        Wrong::PayloadPanics,
        &[
            "no payload makes it panic",
            "what cannot be sent is refused for good",
            "no secret is printed",
            "no error repeats the payload",
        ],
    ),
    (Wrong::PayloadDropped, &["what cannot be sent is refused for good"]),
    (Wrong::PayloadTriedAgain, &["what cannot be sent is refused for good"]),
    (Wrong::PayloadMisnamed, &["what cannot be sent is refused for good"]),
    (Wrong::UserInfo, &["a request names the whole URL"]),
    (Wrong::OnlyPath, &["a request names the whole URL"]),
    (Wrong::EngineHeader, &["no header of the engine is set"]),
    (
        Wrong::Repeats,
        &["an attempt makes no more exchanges than declared", "a request is never repeated"],
    ),
    (Wrong::RedirectFollowed, &["no redirect is followed"]),
    (Wrong::Sleeps, &["an attempt never sleeps"]),
    (Wrong::FailureMadeSuccess, &["a failure is not made a success"]),
    (Wrong::ErrorMadeSuccess, &["an error is handed on as it is"]),
    (Wrong::ErrorEffectLost, &["an error is handed on as it is"]),
    (Wrong::ErrorKindLost, &["an error is handed on as it is"]),
    (Wrong::Spawns, &["an attempt can be dropped"]),
    (Wrong::SendingUnsaid, &["an attempt says when it begins to send"]),
    (Wrong::KeyShared, &["attempts at the same time do not disturb each other"]),
    (Wrong::BodyExpected, &["every reply is classified, always the same"]),
    (Wrong::Utf8Expected, &["every reply is classified, always the same"]),
    (Wrong::ClassifyPanics, &["every reply is classified, always the same"]),
    (Wrong::ClassifyForgets, &["every reply is classified, always the same"]),
    (
        Wrong::SuccessInDoubt,
        &[
            "what the API accepts is a success",
            "success means applied",
            "an accepted body is a success with every status that accepts",
        ],
    ),
    (Wrong::OnlyOk, &["an accepted body is a success with every status that accepts"]),
    (Wrong::ServerErrorTaken, &["a 5xx is never a success"]),
    (Wrong::RetryAfterForgotten, &["Retry-After is handed on"]),
    (Wrong::DoubtForgotten, &["a doubt stays a doubt where nothing may be repeated"]),
    (Wrong::UnauthorizedForgotten, &["a bare 401 is unauthorized"]),
    (Wrong::ThrottlingForgotten, &["a bare 429 is throttled"]),
    (Wrong::CutIsFailure, &["a reply that was cut is no certain failure"]),
    (Wrong::SecretUnmarked, &["a header with a secret is marked as sensitive"]),
    (Wrong::PayloadRepeated, &["no error repeats the payload"]),
    (Wrong::DebugLeaks, &["no secret is printed"]),
    (Wrong::ErrorLeaks, &["no secret is printed"]),
    (Wrong::CompensationHidden, &["compensation is as declared"]),
    (Wrong::CompensationMissing, &["compensation is as declared"]),
    (Wrong::CompensationRefused, &["compensation is as declared"]),
    (Wrong::CompensationSilent, &["compensation is as declared"]),
    (Wrong::CompensationCounted, &["compensation prepares the same request"]),
    (Wrong::CompensationKeyPerAttempt, &["a repeated compensation carries the same key"]),
    (Wrong::ProbePosts, &["a probe asks by a safe method"]),
    (Wrong::ProbeDelivers, &["a probe is no delivery", "a probe asks by a safe method"]),
    (
        Wrong::ProbeCrashes,
        &[
            "a probe is no delivery",
            "a probe asks by a safe method",
            "a header with a secret is marked as sensitive",
        ],
    ),
];

fn failures(report: &Conformance) -> Vec<&'static str> {
    report.failures().map(|line| line.name).collect()
}

fn skipped(report: &Conformance) -> Vec<&'static str> {
    let skips = report.lines().iter().filter(|l| matches!(l.finding, Finding::Skipped { .. }));
    skips.map(|line| line.name).collect()
}

#[tokio::test(start_paused = true)]
async fn every_check_finds_what_is_wrong_and_nothing_else() {
    let (mut unproved, mut surprises) = (BTreeSet::new(), Vec::new());
    for (wrong, expected) in WRONG {
        let report = Conformance::builder().secret(CANARY).run(|| Demo::make(*wrong)).await;
        if failures(&report) != *expected {
            let found: Vec<_> = report.failures().map(ToString::to_string).collect();
            surprises.push(format!("{wrong:?}:\n{}", found.join("\n")));
        }
        assert!(!report.to_string().contains(CANARY), "{report}");
        if *wrong == Wrong::Nothing {
            report.assert();
            // It repeats nothing: `PromiseOnNothing` is what this one finds.
            let promise = "a promise that a repeat does no harm rests on something";
            assert_eq!(skipped(&report), [promise], "{report}");
            unproved.extend(report.lines().iter().map(|line| line.name));
        }
        expected.iter().for_each(|name| {
            unproved.remove(name);
        });
    }
    assert!(surprises.is_empty(), "{}", surprises.join("\n\n"));
    assert_eq!(unproved, BTreeSet::from(["the clock is paused", "the target can be built"]));
}

#[tokio::test(start_paused = true)]
async fn a_promise_may_rest_on_what_the_api_recognises() {
    let builder = Conformance::builder().recognised_by("the customer's id in the URL");
    builder.run(|| Demo::make(Wrong::PromiseOnNothing)).await.assert();
}

#[tokio::test(start_paused = true)]
async fn a_target_that_never_ends_fails_and_the_suite_does_not_hang() {
    let report = conformance(|| Demo::make(Wrong::NeverEnds)).await;
    assert!(failures(&report).contains(&"what the API accepts is a success"), "{report}");
}

#[tokio::test]
async fn a_running_clock_is_said_and_nothing_else_is_tried() {
    let report = conformance(|| Demo::make(Wrong::Nothing)).await;
    assert_eq!(
        report.to_string(),
        "failed   the clock is paused: it is running\n         \
         annotate the test with `#[tokio::test(start_paused = true)]`\n"
    );
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_not_built_is_said_once() {
    let report = conformance(|| panic!("no such region")).await;
    assert_eq!(
        report.to_string(),
        "passed   the clock is paused\n\
         failed   the target can be built: panicked: no such region\n         \
         hand the suite a closure that builds the target, with settings that are right\n"
    );
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "failed   T21 an attempt never sleeps: 1s went by after 429")]
async fn assert_says_what_failed() {
    conformance(|| Demo::make(Wrong::Sleeps)).await.assert();
}

/// A target with a client of its own.
#[derive(Debug)]
struct Queue;

#[async_trait]
impl ApiTarget for Queue {
    async fn send(&self, attempt: Attempt) -> Result<Reply, SendError> {
        attempt.progress.sending();
        Ok(Reply::accepted("offset 7"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_not_http_is_not_asked_for_requests() {
    let report = conformance(|| Arc::new(Queue)).await;
    report.assert();
    assert_eq!(report.lines().len() - skipped(&report).len(), 20, "{report}");
}

/// An HTTP API, described; two exchanges, the second with what the first brought.
#[derive(Debug)]
struct Upload;

#[async_trait]
impl ApiTarget for Upload {
    fn profile(&self) -> Profile {
        let mut profile = Profile::default();
        profile.exchanges_max = 2;
        profile.repeat = Repeat::Anywhere;
        profile
    }

    async fn send(&self, attempt: Attempt) -> Result<Reply, SendError> {
        let upload = Request::put("https://up.example/").body(attempt.payload.bytes().clone());
        let reply = attempt.wire.send(upload.unwrap()).await?;
        if reply.head.status != Some(201) {
            return Ok(reply);
        }
        let commit = Request::post("https://up.example/commit")
            .header("idempotency-key", attempt.call.idempotency_key.as_str())
            .body(reply.body.bytes().clone());
        attempt.wire.send(commit.unwrap()).await
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_of_several_exchanges_passes_when_its_api_is_described() {
    let report = Conformance::builder()
        .payload(Payload::new("text/plain", "hello"))
        .accepting(|request| match request.uri().path() {
            "/commit" if request.body() == "id-7" => Scripted::status(200),
            "/commit" => Scripted::status(400),
            _ => Scripted::status(201).body("id-7"),
        })
        .run(|| Arc::new(Upload))
        .await;
    report.assert();
}

#[derive(Debug)]
struct Described;

impl HttpApi for Described {
    fn request(&self, call: &Call, payload: &Payload) -> Result<Request<Bytes>, PrepareError> {
        Request::put(format!("https://a.example/{}", call.delivery_id))
            .body(payload.bytes().clone())
            .map_err(|error| PrepareError(error.to_string()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_described_api_passes() {
    conformance(|| Arc::new(Http(Described))).await.assert();
}
