//! A target as it judges its replies, for rehearsals.

use std::sync::Arc;

use fanfare_sdk::{
    ApiTarget, Attempt, Call, Classification, Mapper, Profile, Reply, SendError, async_trait,
};

/// A plugin whose replies mean what the rules of its target make of them.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) api: Arc<dyn ApiTarget>,
    pub(super) mapper: Arc<dyn Mapper>,
}

#[async_trait]
impl ApiTarget for Judged {
    fn profile(&self) -> Profile {
        self.api.profile()
    }

    async fn send(&self, attempt: Attempt) -> Result<Reply, SendError> {
        self.api.send(attempt).await
    }

    fn classify(&self, call: &Call, reply: &Reply) -> Classification {
        let by_kind = self.api.classify(call, reply);
        let judged = self.mapper.judge(call, reply, by_kind);
        judged.map_or(by_kind, |judgement| judgement.classification)
    }
}
