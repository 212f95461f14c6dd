//! The rival: what a good engineer would write by hand. One shared client, a small retry loop, and `join_all`.

use std::{
    error::Error,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use fanfare_sdk::async_trait;
use futures_util::future::join_all;
use reqwest::{Client, Url};

use super::{
    ill::Ill,
    load::{Load, SOON, Sent, Tasks},
    ours::now,
    server::{HEALTHY, Server},
    tls::tls,
};

/// Attempts at each target, and the pause between two of them.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);

/// One shared client with a timeout.
#[derive(Debug)]
pub(crate) struct Rival {
    client: Client,
    urls: Arc<[Url]>,
    tasks: Tasks,
}

impl Rival {
    pub(crate) fn start(server: &Server, ill: Ill) -> Result<Self, Box<dyn Error>> {
        let urls: Result<Arc<[Url]>, _> = server.urls(ill).iter().map(|url| url.parse()).collect();
        let client = Client::builder()
            .tls_backend_preconfigured(tls()?)
            .timeout(Duration::from_secs(10))
            .build()?;
        Ok(Self { client, urls: urls?, tasks: Tasks::default() })
    }
}

async fn post(client: &Client, url: &Url) -> bool {
    for attempt in 1..=ATTEMPTS {
        let request = client.post(url.clone()).body("{\"hello\":\"world\"}").send().await;
        let answer = request.and_then(reqwest::Response::error_for_status);
        if let Ok(answer) = answer
            && answer.bytes().await.is_ok()
        {
            return true;
        }
        if attempt < ATTEMPTS {
            tokio::time::sleep(PAUSE * attempt).await;
        }
    }
    false
}

#[async_trait]
impl Load for Rival {
    async fn send(&self) -> Sent {
        let (client, urls) = (self.client.clone(), self.urls.clone());
        let took = Arc::new(Mutex::new(Vec::new()));
        let (healthy, nine) = (took.clone(), Arc::new(tokio::sync::Notify::new()));
        let (told, answered) = (nine.clone(), tokio::sync::oneshot::channel());
        let begun = now();
        self.tasks.lock().await.spawn(async move {
            let (client, healthy, told) = (&client, &healthy, &told);
            join_all(urls.iter().enumerate().map(|(place, url)| async move {
                let delivered = post(client, url).await;
                if place < HEALTHY {
                    let mut took = healthy.lock().unwrap_or_else(PoisonError::into_inner);
                    took.push(delivered.then(|| begun.elapsed()));
                    if took.len() == HEALTHY {
                        told.notify_one();
                    }
                }
            }))
            .await;
            // Only now does its caller know of any of them.
            // Whoever has stopped waiting is not told.
            answered.0.send(()).ok();
        });
        nine.notified().await;
        let left = SOON.saturating_sub(begun.elapsed());
        let known_soon = tokio::time::timeout(left, answered.1).await.is_ok();
        let took = took.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let lost = took.iter().filter(|took| took.is_none()).count();
        Sent { healthy: took.into_iter().flatten().collect(), lost, known_soon }
    }

    async fn end(self: Box<Self>) {
        self.tasks.lock().await.shutdown().await;
    }
}
