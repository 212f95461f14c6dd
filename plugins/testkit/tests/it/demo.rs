//! A target that keeps the contract, but for one thing of our choice.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use fanfare_sdk::{
    ApiTarget, Attempt, Call, Classification, Delivered, Effect, Fallback, Meaning, PrepareError,
    Profile, Reply, Secret, SendError, SendErrorKind, async_trait,
};
use http::{Request, header::LOCATION};

pub(crate) const CANARY: &str = "canary-9c1e";

/// The one thing that is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wrong {
    Nothing,
    ProfileChanges,
    VersionTwice,
    EndpointUnnamed,
    NoExchangeDeclared,
    PayloadRefused,
    RequestsCounted,
    VersionForgotten,
    VersionRefused,
    EndpointForgotten,
    KeyPerAttempt,
    KeyFromNonce,
    KeySometimes,
    PayloadPanics,
    Repeats,
    RedirectFollowed,
    Sleeps,
    FailureMadeSuccess,
    ErrorMadeSuccess,
    ErrorEffectLost,
    ErrorKindLost,
    Spawns,
    ClassifyPanics,
    ClassifyForgets,
    SuccessInDoubt,
    OnlyOk,
    ServerErrorTaken,
    RetryAfterForgotten,
    DoubtForgotten,
    DebugLeaks,
    ErrorLeaks,
    CompensationHidden,
    CompensationMissing,
    CompensationRefused,
    CompensationCounted,
    ProbeDelivers,
    ProbeCrashes,
    NeverEnds,
}

pub(crate) struct Demo {
    wrong: Wrong,
    secret: Secret,
    calls: AtomicU32,
}

impl Demo {
    pub(crate) fn make(wrong: Wrong) -> Arc<dyn ApiTarget> {
        Arc::new(Self { wrong, secret: Secret::new(CANARY), calls: AtomicU32::new(0) })
    }

    fn is(&self, wrong: Wrong) -> bool {
        self.wrong == wrong
    }

    fn count(&self) -> u32 {
        self.calls.fetch_add(1, Ordering::Relaxed)
    }

    fn request(&self, attempt: &Attempt, path: &str) -> Result<Request<Bytes>, SendError> {
        let Attempt { call, payload, .. } = attempt;
        if self.is(Wrong::PayloadPanics) {
            payload.as_json().unwrap();
        }
        if self.is(Wrong::PayloadRefused) {
            return Err(PrepareError("not today".to_owned()).into());
        }
        if self.is(Wrong::ErrorLeaks) && payload.as_json().is_none() {
            return Err(PrepareError(format!("with {}", self.secret.expose())).into());
        }
        let version = call.version.as_ref().map_or("none", |version| version.as_str());
        if self.is(Wrong::VersionRefused) && version == "1" {
            return Err(PrepareError("no such version".to_owned()).into());
        }
        let version = if self.is(Wrong::VersionForgotten) { "1" } else { version };
        let endpoint = call.endpoint.as_ref().map_or("none", |endpoint| endpoint.as_str());
        let endpoint = if self.is(Wrong::EndpointForgotten) { "a" } else { endpoint };
        let key = match self.wrong {
            Wrong::KeyPerAttempt => format!("{}-{}", call.idempotency_key, call.number),
            Wrong::KeyFromNonce => format!("{:?}", call.nonce),
            _ => call.idempotency_key.to_string(),
        };
        let mut request = Request::post(format!("https://{endpoint}.example/v{version}/{path}"))
            .header("authorization", self.secret.expose());
        if !(self.is(Wrong::KeySometimes) && call.number > 1) {
            request = request.header("idempotency-key", key);
        }
        if self.is(Wrong::RequestsCounted) {
            request = request.header("x-count", self.count());
        }
        Ok(request.body(payload.bytes().clone()).unwrap())
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
        profile.compensates = !self.is(Wrong::CompensationHidden);
        match self.wrong {
            Wrong::ProfileChanges if self.count() % 2 == 1 => {
                profile.fallback.push(Fallback::Reply);
            }
            Wrong::VersionTwice => profile.versions.push("2".into()),
            Wrong::EndpointUnnamed => profile.endpoints.push("".into()),
            Wrong::NoExchangeDeclared => profile.exchanges_max = 0,
            _ => {}
        }
        profile
    }

    #[expect(clippy::disallowed_methods, reason = "it is one of the things that are wrong")]
    async fn send(&self, attempt: Attempt) -> Result<Reply, SendError> {
        if self.is(Wrong::NeverEnds) {
            std::future::pending::<()>().await;
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
            _ => Err(SendError::permanent(SendErrorKind::Unsupported)),
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
