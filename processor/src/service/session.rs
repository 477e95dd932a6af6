//! `sos.session.v1.SessionService`: tells who asks what the guard found out about them, and which log this is. It does
//! not ask live state, and so answers while that catches up, too.

use std::sync::{Arc, OnceLock};

use sos_auth::policy;
use sos_eventlog::EventLog;
use sos_proto::session::v1::session_service_server::SessionService;
use sos_proto::session::v1::{GetSessionRequest, GetSessionResponse};
use sos_proto::time::Timestamp;
use tonic::{Request, Response, Status};

use super::asker::Asker;

/// Answers whoever asks who they are.
pub(crate) struct SessionApi {
    log: Arc<dyn EventLog>,
    log_id: OnceLock<String>,
}

impl SessionApi {
    /// Answers for this log.
    pub(crate) fn new(log: Arc<dyn EventLog>) -> Self {
        Self { log, log_id: OnceLock::new() }
    }

    /// What tells this log from another one; empty while it has no first event that can be read.
    async fn log_id(&self) -> String {
        if let Some(known) = self.log_id.get() {
            return known.clone();
        }
        let batches = self.log.read(1, 1).await.unwrap_or_default();
        let first = batches.first().and_then(|batch| Some(batch.events().next()?.1.event_id.clone()));
        first.map(|first| self.log_id.get_or_init(|| first).clone()).unwrap_or_default()
    }
}

#[tonic::async_trait]
impl SessionService for SessionApi {
    async fn get_session(
        &self,
        request: Request<GetSessionRequest>,
    ) -> Result<Response<GetSessionResponse>, Status> {
        let (asker, GetSessionRequest {}) = Asker::of(request);
        let caller = asker.caller();
        let scope = asker.scope();
        let expires_at = caller.and_then(|caller| i64::try_from(caller.expires_at?).ok());
        Ok(Response::new(GetSessionResponse {
            name: asker.given_name()?.unwrap_or_default(),
            role: caller.map(|caller| caller.role.to_string()).unwrap_or_default(),
            methods: policy::open_to(caller).map(str::to_owned).collect(),
            expires_at: expires_at.map(|seconds| Timestamp { seconds, nanos: 0 }),
            regions: scope.regions.into_iter().collect(),
            site_ids: scope.sites.into_iter().collect(),
            authenticated: caller.is_some(),
            log_id: self.log_id().await,
        }))
    }
}
