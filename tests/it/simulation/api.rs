//! The targets of a simulation: plugins that may panic in each of their methods, hang, and talk nonsense.

use std::time::Duration;

use fanfare_sdk::{
    ApiTarget, Attempt, AuthError, Authorizer, Call, Classification, Effect, Learn, Learned,
    Meaning, Profile, Ready, Repeat, Reply, RetryAfter, SendError, Stamp, async_trait,
};

use super::world::hash;

/// What is wrong with a plugin, besides its API.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Vice {
    None,
    PanicsBeforeSending,
    PanicsAfterSending,
    PanicsInClassify,
    HangsBeforeSending,
    HangsAfterSending,
    SaysNonsense,
    AuthPanicsInReady,
    AuthPanicsInAuthorize,
    AuthPanicsInLearn,
    AuthIsLate,
    AuthFails,
}

pub(super) const VICES: [Vice; 12] = [
    Vice::None,
    Vice::PanicsBeforeSending,
    Vice::PanicsAfterSending,
    Vice::PanicsInClassify,
    Vice::HangsBeforeSending,
    Vice::HangsAfterSending,
    Vice::SaysNonsense,
    Vice::AuthPanicsInReady,
    Vice::AuthPanicsInAuthorize,
    Vice::AuthPanicsInLearn,
    Vice::AuthIsLate,
    Vice::AuthFails,
];

/// A target of the simulation.
#[derive(Clone, Debug)]
pub(super) struct SimApi {
    pub(super) seed: u64,
    pub(super) repeat: Repeat,
    pub(super) versions: Vec<&'static str>,
    pub(super) vice: Vice,
}

impl SimApi {
    /// A vice shows in half of the attempts.
    fn now(&self, vice: Vice, call: &Call) -> bool {
        self.vice == vice
            && hash(self.seed, call.idempotency_key.as_str(), call.number).is_multiple_of(2)
    }
}

#[async_trait]
impl ApiTarget for SimApi {
    fn profile(&self) -> Profile {
        let mut profile = Profile::default();
        profile.repeat = self.repeat;
        profile.versions = self.versions.iter().map(|v| (*v).into()).collect();
        profile
    }

    async fn send(&self, attempt: Attempt) -> Result<Reply, SendError> {
        let call = &attempt.call;
        panic_if(self.now(Vice::PanicsBeforeSending, call));
        if self.now(Vice::HangsBeforeSending, call) {
            std::future::pending::<()>().await;
        }
        let version = call.version.as_ref().map_or("", fanfare_sdk::Version::as_str);
        let request = http::Request::post(format!("http://{}/{version}", call.target))
            .header("idempotency-key", call.idempotency_key.as_str())
            .body(attempt.payload.bytes().clone())
            .unwrap();
        let reply = attempt.wire.send(request).await;
        panic_if(self.now(Vice::PanicsAfterSending, call));
        if self.now(Vice::HangsAfterSending, call) {
            std::future::pending::<()>().await;
        }
        reply
    }

    fn classify(&self, call: &Call, reply: &Reply) -> Classification {
        panic_if(self.now(Vice::PanicsInClassify, call));
        if reply.head.status == Some(423) {
            return Classification::new(Meaning::TargetDisabled, Effect::None);
        }
        let mut classification = Classification::by_status(call, reply);
        if self.now(Vice::SaysNonsense, call) {
            classification.retry_after = Some(RetryAfter::For(Duration::MAX));
            if classification.meaning == Meaning::Success {
                classification.effect = Effect::None;
            }
        }
        classification
    }
}

/// An authorizer of the simulation.
#[derive(Clone, Debug)]
pub(super) struct SimAuth(pub(super) SimApi);

#[async_trait]
impl Authorizer for SimAuth {
    async fn ready(&self, ready: Ready) -> Result<Stamp, AuthError> {
        let odd = hash(self.0.seed, "ready", u32::try_from(ready.now.as_micros() % 1_000).unwrap())
            .is_multiple_of(2);
        panic_if(self.0.vice == Vice::AuthPanicsInReady && odd);
        match self.0.vice {
            Vice::AuthFails if odd => Err(AuthError::temporary("sim")),
            Vice::AuthIsLate => {
                tokio::time::sleep(Duration::from_millis(70)).await;
                Ok(Stamp(1))
            }
            _ => Ok(Stamp(1)),
        }
    }

    async fn authorize(
        &self,
        stamp: Stamp,
        call: &Call,
        request: &mut http::Request<bytes::Bytes>,
    ) -> Result<(), AuthError> {
        assert_eq!(stamp, Stamp(1), "the stamp that it was ready with");
        panic_if(self.0.now(Vice::AuthPanicsInAuthorize, call));
        request.headers_mut().insert("authorization", http::HeaderValue::from_static("Bearer x"));
        Ok(())
    }

    fn learn(&self, it: &Learn<'_>) -> Learned {
        let head = it.head;
        panic_if(self.0.vice == Vice::AuthPanicsInLearn && head.status == Some(503));
        if head.status == Some(401) { Learned::TryAgain } else { Learned::Nothing }
    }
}

/// A panic that prints nothing.
fn panic_if(vice: bool) {
    if vice {
        std::panic::resume_unwind(Box::new("a vice"));
    }
}
