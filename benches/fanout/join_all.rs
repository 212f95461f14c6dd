//! The rival in Rust: what a good engineer would write by hand.

use std::{error::Error, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::join_all;
use reqwest::{Client, Url};
use serde_json::Value;

use super::{batch::Sender, stage::Stage, tls::tls};

/// One shared client with a timeout, and addresses that were checked once.
#[derive(Clone, Debug)]
pub(crate) struct JoinAll {
    client: Client,
    urls: Arc<[Url]>,
    payload: Arc<Value>,
}

impl JoinAll {
    /// With the transport's own TLS and limits.
    pub(crate) fn new(stage: &Stage<'_>) -> Result<Self, Box<dyn Error>> {
        let urls: Result<Arc<[Url]>, _> = stage.urls().iter().map(|url| url.parse()).collect();
        let client = Client::builder()
            .tls_backend_preconfigured(tls()?)
            .timeout(Duration::from_secs(10))
            .build()?;
        Ok(Self { client, urls: urls?, payload: stage.payload.clone() })
    }

    async fn post(&self, url: &Url) -> reqwest::Result<Bytes> {
        let request = self.client.post(url.clone()).json(&*self.payload);
        request.send().await?.error_for_status()?.bytes().await
    }
}

impl Sender for JoinAll {
    async fn broadcast(&self) {
        for reply in join_all(self.urls.iter().map(|url| self.post(url))).await {
            reply.expect("the server answers");
        }
    }
}
