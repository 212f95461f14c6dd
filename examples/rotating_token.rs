//! An authorizer of one's own: a token that another part of the program renews, also while a request is in flight.
//!
//! `cargo run --example rotating_token`

use std::{
    error::Error,
    io::{self, Write},
    time::Duration,
};

use bytes::Bytes;
use fanfare::{
    Broadcast, Engine, Target,
    sdk::{AuthError, Authorizer, Call, Learn, Learned, Ready, Secret, Stamp, async_trait},
    targets::HttpTarget,
};
use fanfare_testkit::{MockApi, Scripted};
use http::{HeaderValue, Request, header::AUTHORIZATION};
use tokio::sync::watch;

/// A token, and how many there were before it.
#[derive(Debug)]
struct Token {
    generation: u64,
    text: Secret,
}

/// Proves who we are with the newest token.
#[derive(Debug)]
struct Rotating(watch::Receiver<Token>);

#[async_trait]
impl Authorizer for Rotating {
    async fn ready(&self, _: Ready) -> Result<Stamp, AuthError> {
        Ok(Stamp(self.0.borrow().generation))
    }

    async fn authorize(
        &self,
        _: Stamp,
        _: &Call,
        request: &mut Request<Bytes>,
    ) -> Result<(), AuthError> {
        let bearer = format!("Bearer {}", self.0.borrow().text.expose());
        let unfit = |_| AuthError::permanent("unfit");
        let mut bearer = HeaderValue::try_from(bearer).map_err(unfit)?;
        bearer.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, bearer);
        Ok(())
    }

    fn learn(&self, it: &Learn<'_>) -> Learned {
        match it.head.status {
            // There is a newer token than the one that was refused.
            Some(401) if self.0.borrow().generation > it.stamp.0 => Learned::TryAgain,
            Some(401) => Learned::Hopeless,
            Some(_) | None => Learned::Nothing,
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let refused = Scripted::status(401).after(Duration::from_millis(100));
    let api = MockApi::start([refused, Scripted::status(201)]).await;
    let token = |generation, text: &str| Token { generation, text: Secret::new(text) };
    let (renew, newest) = watch::channel(token(0, "old"));
    let crm = Target::http("crm", HttpTarget::post(api.url("/contacts"))?);
    let engine = Engine::builder().target(crm.auth(Rotating(newest))).start().await?;

    let payload = serde_json::json!({ "email": "ada@example.org" });
    let renewing = async {
        api.at_least(1).await;
        renew.send(token(1, "new"))
    };
    let (report, renewed) =
        tokio::join!(engine.broadcast(Broadcast::json(&payload).to("crm")), renewing);
    renewed?;
    for attempt in &report?.deliveries[0].attempts {
        let status = attempt.ended.as_ref().and_then(|ended| ended.status);
        writeln!(io::stdout(), "{}: {status:?}", attempt.started.because)?;
    }
    engine.shutdown().await;
    Ok(())
}
