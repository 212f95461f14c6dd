//! A target that keeps the contract, but for one thing of our choice.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use fanfare_sdk::{
    ApiTarget, Attempt, Call, Capture, Classification, Delivered, Effect, Fallback, Meaning,
    PrepareError, Profile, Repeat, Reply, Secret, SendError, SendErrorKind, VersionUse,
    async_trait,
};
use http::{HeaderValue, Request, header::LOCATION};
use serde_json::Value;

pub(crate) const CANARY: &str = "canary-9c1e";

/// The one thing that is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wrong {
    Nothing,
    ProfileChanges,
    VersionTwice,
    EndpointUnnamed,
    NoExchangeDeclared,
    NothingKept,
    TooMuchKept,
    StandInRecommended,
    EndpointTwiceRecommended,
    VersionHidden,
    VersionNotNeeded,
    VersionOnlyDeclared,
    /// Nothing is: its versions stand in the configuration.
    VersionsConfigured,
    ConfiguredVersionForgotten,
    PayloadRefused,
    RequestsCounted,
    VersionForgotten,
    VersionRefused,
    EndpointForgotten,
    KeyPerAttempt,
    KeyFromNonce,
    KeySometimes,
    KeyConstant,
    PromiseOnNothing,
    PayloadPanics,
    PayloadDropped,
    PayloadTriedAgain,
    PayloadMisnamed,
    UserInfo,
    OnlyPath,
    EngineHeader,
    Repeats,
    RedirectFollowed,
    Sleeps,
    FailureMadeSuccess,
    ErrorMadeSuccess,
    ErrorEffectLost,
    ErrorKindLost,
    Spawns,
    SendingUnsaid,
    KeyShared,
    ClassifyPanics,
    BodyExpected,
    Utf8Expected,
    ClassifyForgets,
    SuccessInDoubt,
    OnlyOk,
    ServerErrorTaken,
    RetryAfterForgotten,
    DoubtForgotten,
    UnauthorizedForgotten,
    ThrottlingForgotten,
    CutIsFailure,
    DebugLeaks,
    ErrorLeaks,
    SecretUnmarked,
    PayloadRepeated,
    CompensationHidden,
    CompensationMissing,
    CompensationRefused,
    CompensationSilent,
    CompensationCounted,
    CompensationKeyPerAttempt,
    ProbeDelivers,
    ProbePosts,
    ProbeCrashes,
    NeverEnds,
}

pub(crate) struct Demo {
    wrong: Wrong,
    secret: Secret,
    calls: AtomicU32,
    key: Mutex<String>,
}

impl Demo {
    pub(crate) fn make(wrong: Wrong) -> Arc<dyn ApiTarget> {
        Arc::new(Self {
            wrong,
            secret: Secret::new(CANARY),
            calls: AtomicU32::new(0),
            key: Mutex::default(),
        })
    }

    fn is(&self, wrong: Wrong) -> bool {
        self.wrong == wrong
    }

    fn count(&self) -> u32 {
        self.calls.fetch_add(1, Ordering::Relaxed)
    }

    fn request(&self, attempt: &Attempt, path: &str) -> Result<Request<Bytes>, SendError> {
        let Attempt { call, payload, .. } = attempt;
        self.check(attempt)?;
        let version = call.version.as_ref().map_or("none", |version| version.as_str());
        let version = match self.wrong {
            Wrong::VersionForgotten if version != "none" => "1",
            Wrong::ConfiguredVersionForgotten => "1",
            Wrong::VersionOnlyDeclared => "none",
            _ => version,
        };
        let endpoint = call.endpoint.as_ref().map_or("none", |endpoint| endpoint.as_str());
        let endpoint = if self.is(Wrong::EndpointForgotten) { "a" } else { endpoint };
        let url = match self.wrong {
            Wrong::UserInfo => format!("https://me@{endpoint}.example/v{version}/{path}"),
            Wrong::OnlyPath => format!("/{endpoint}/v{version}/{path}"),
            _ => format!("https://{endpoint}.example/v{version}/{path}"),
        };
        let mut secret = HeaderValue::from_str(self.secret.expose()).unwrap();
        secret.set_sensitive(!self.is(Wrong::SecretUnmarked));
        let mut request = Request::post(url).header("authorization", secret);
        if let Some(key) = self.key(call, path) {
            request = request.header("idempotency-key", key);
        }
        if self.is(Wrong::RequestsCounted) {
            request = request.header("x-count", self.count());
        }
        if self.is(Wrong::EngineHeader) {
            request = request.header("content-length", payload.bytes().len());
        }
        Ok(request.body(payload.bytes().clone()).unwrap())
    }

    fn key(&self, call: &Call, path: &str) -> Option<String> {
        let per_attempt = || format!("{}-{}", call.idempotency_key, call.number);
        match self.wrong {
            Wrong::KeyPerAttempt if path == "hook" => Some(per_attempt()),
            Wrong::CompensationKeyPerAttempt if path == "undo" => Some(per_attempt()),
            Wrong::KeyFromNonce if path == "hook" => Some(format!("{:?}", call.nonce)),
            Wrong::KeyConstant => Some("always".to_owned()),
            Wrong::KeySometimes if path == "hook" && call.number > 1 => None,
            Wrong::KeyShared if path == "hook" => Some(self.key.lock().unwrap().clone()),
            Wrong::PromiseOnNothing => None,
            _ => Some(call.idempotency_key.to_string()),
        }
    }

    /// What it makes of the payload and the version before it makes a request.
    fn check(&self, Attempt { call, payload, .. }: &Attempt) -> Result<(), SendError> {
        let is_json = payload.as_json().is_some();
        match self.wrong {
            Wrong::PayloadPanics => assert!(is_json),
            Wrong::PayloadRefused => return Err(PrepareError("not today".to_owned()).into()),
            Wrong::ErrorLeaks if !is_json => {
                return Err(PrepareError(format!("with {}", self.secret.expose())).into());
            }
            Wrong::PayloadRepeated if !is_json => {
                let text = String::from_utf8_lossy(payload.bytes()).into_owned();
                return Err(PrepareError(text).into());
            }
            Wrong::PayloadTriedAgain if !is_json => {
                let kind = SendErrorKind::Prepare;
                return Err(SendError::new(kind, Meaning::Retry, Effect::None));
            }
            Wrong::PayloadMisnamed if !is_json => {
                return Err(SendError::permanent(SendErrorKind::Protocol));
            }
            Wrong::VersionsConfigured | Wrong::ConfiguredVersionForgotten
                if call.version.is_none() =>
            {
                return Err(PrepareError("there is no version".to_owned()).into());
            }
            Wrong::VersionRefused if call.version == Some("1".into()) => {
                return Err(PrepareError("no such version".to_owned()).into());
            }
            _ => {}
        }
        Ok(())
    }

    /// What it does with the end of its exchange instead of handing it on.
    async fn end(
        &self,
        attempt: &Attempt,
        ended: Result<Reply, SendError>,
    ) -> Result<Reply, SendError> {
        let status = ended.as_ref().map_or(None, |reply| reply.head.status);
        match (self.wrong, ended) {
            (Wrong::Repeats, Ok(_)) if status >= Some(500) => {
                attempt.wire.send(self.request(attempt, "hook")?).await
            }
            (Wrong::RedirectFollowed, Ok(reply)) if reply.head.headers.contains_key(LOCATION) => {
                let location = reply.head.headers[LOCATION].to_str().unwrap();
                attempt.wire.send(Request::get(location).body(Bytes::new()).unwrap()).await
            }
            (Wrong::Sleeps, ended) if status == Some(429) => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                ended
            }
            (Wrong::FailureMadeSuccess, Ok(_)) => Ok(Reply::accepted("")),
            (Wrong::ErrorMadeSuccess, Err(_)) => Ok(Reply::accepted("")),
            (Wrong::ErrorEffectLost, Err(error)) => {
                Err(SendError::new(error.kind, Meaning::Retry, Effect::None))
            }
            (Wrong::ErrorKindLost, Err(error)) => Err(SendError::new(
                SendErrorKind::Other,
                Meaning::Retry,
                error.classification.effect,
            )),
            (_, ended) => ended,
        }
    }
}

#[async_trait]
impl ApiTarget for Demo {
    fn profile(&self) -> Profile {
        let mut profile = Profile::default();
        profile.versions = vec!["2".into(), "1".into()];
        profile.endpoints = vec!["a".into(), "b".into()];
        profile.version_use = VersionUse::Accepted;
        profile.compensates = !self.is(Wrong::CompensationHidden);
        match self.wrong {
            Wrong::ProfileChanges if self.count() % 2 == 1 => {
                profile.fallback.push(Fallback::Reply);
            }
            Wrong::VersionTwice => profile.versions.push("2".into()),
            Wrong::EndpointUnnamed => profile.endpoints.push("".into()),
            Wrong::NoExchangeDeclared => profile.exchanges_max = 0,
            Wrong::NothingKept => profile.capture = Capture::Whole { bytes_max: 0 },
            Wrong::TooMuchKept => profile.capture = Capture::Whole { bytes_max: usize::MAX },
            Wrong::StandInRecommended => profile.fallback.push(Fallback::Target("crm".into())),
            Wrong::EndpointTwiceRecommended => {
                profile.fallback = vec![Fallback::Endpoint("b".into()); 2];
            }
            Wrong::VersionHidden => {
                profile.version_use = VersionUse::Ignored;
                profile.versions.clear();
            }
            Wrong::VersionNotNeeded => profile.version_use = VersionUse::Needed,
            Wrong::VersionOnlyDeclared => profile.versions.clear(),
            Wrong::VersionsConfigured | Wrong::ConfiguredVersionForgotten => {
                profile.version_use = VersionUse::Needed;
                profile.versions.clear();
            }
            Wrong::PromiseOnNothing => profile.repeat = Repeat::SameEndpoint,
            _ => {}
        }
        profile
    }

    #[expect(clippy::disallowed_methods, reason = "it is one of the things that are wrong")]
    async fn send(&self, attempt: Attempt) -> Result<Reply, SendError> {
        if self.is(Wrong::NeverEnds) {
            std::future::pending::<()>().await;
        }
        if self.is(Wrong::SendingUnsaid)
            || (self.is(Wrong::PayloadDropped) && attempt.payload.as_json().is_none())
        {
            return Ok(Reply::accepted(""));
        }
        if self.is(Wrong::KeyShared) {
            *self.key.lock().unwrap() = attempt.call.idempotency_key.to_string();
            tokio::task::yield_now().await;
        }
        let request = self.request(&attempt, "hook")?;
        if self.is(Wrong::Spawns) {
            let wire = attempt.wire.clone();
            return tokio::spawn(async move { wire.send(request).await }).await.unwrap();
        }
        let ended = attempt.wire.send(request).await;
        self.end(&attempt, ended).await
    }

    fn classify(&self, call: &Call, reply: &Reply) -> Classification {
        let seen = Classification::by_status(call, reply);
        match (self.wrong, reply.head.status) {
            (Wrong::ClassifyPanics, Some(418)) => panic!("no tea"),
            (Wrong::ClassifyForgets, Some(418)) if self.count() == 0 => {
                Classification::new(Meaning::Retry, Effect::None)
            }
            (Wrong::SuccessInDoubt, _) if seen.meaning == Meaning::Success => {
                Classification::new(Meaning::Success, Effect::Unknown)
            }
            (Wrong::OnlyOk, Some(201)) => Classification::new(Meaning::Permanent, Effect::None),
            (Wrong::ServerErrorTaken, Some(599)) => {
                Classification::new(Meaning::Success, Effect::Applied)
            }
            (Wrong::RetryAfterForgotten, Some(429)) => {
                Classification::new(Meaning::Throttled, Effect::None)
            }
            (Wrong::BodyExpected, Some(200))
                if serde_json::from_slice::<Value>(reply.body.bytes())
                    .is_ok_and(|v| !v.is_object()) =>
            {
                panic!("no object")
            }
            (Wrong::Utf8Expected, Some(400)) => {
                std::str::from_utf8(reply.body.bytes()).unwrap();
                seen
            }
            (Wrong::UnauthorizedForgotten, Some(401)) => {
                Classification { meaning: Meaning::Permanent, ..seen }
            }
            (Wrong::ThrottlingForgotten, Some(429)) => {
                Classification { meaning: Meaning::Retry, ..seen }
            }
            (Wrong::CutIsFailure, Some(200)) if reply.body.is_truncated() => {
                Classification::new(Meaning::Permanent, Effect::None)
            }
            (Wrong::DoubtForgotten, Some(504)) => Classification::new(Meaning::Retry, Effect::None),
            (_, _) => seen,
        }
    }

    async fn compensate(&self, _: Delivered, attempt: Attempt) -> Result<Reply, SendError> {
        match self.wrong {
            Wrong::CompensationMissing => {
                return Err(SendError::permanent(SendErrorKind::Unsupported));
            }
            Wrong::CompensationRefused => return Ok(Reply::http(404, Default::default(), "")),
            Wrong::CompensationSilent => return Ok(Reply::accepted("")),
            _ => {}
        }
        let mut request = self.request(&attempt, "undo")?;
        if self.is(Wrong::CompensationCounted) {
            *request.body_mut() = self.count().to_string().into();
        }
        attempt.wire.send(request).await
    }

    async fn probe(&self, attempt: Attempt) -> Result<Reply, SendError> {
        match self.wrong {
            Wrong::ProbeDelivers => self.send(attempt).await,
            Wrong::ProbeCrashes => panic!("not there"),
            Wrong::ProbePosts => {
                let request = Request::post("https://a.example/ping").body(Bytes::new()).unwrap();
                attempt.wire.send(request).await
            }
            _ => {
                let request = Request::get("https://a.example/ping").body(Bytes::new()).unwrap();
                attempt.wire.send(request).await
            }
        }
    }
}

impl fmt::Debug for Demo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.wrong {
            Wrong::DebugLeaks => write!(f, "Demo({})", self.secret.expose()),
            _ => write!(f, "Demo({:?})", self.secret),
        }
    }
}
