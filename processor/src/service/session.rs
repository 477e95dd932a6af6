//! `sos.session.v1.SessionService`: tells who asks what the guard found out about them. It asks neither the log nor
//! live state, and so answers while they catch up, too.

use sos_auth::policy;
use sos_proto::session::v1::session_service_server::SessionService;
use sos_proto::session::v1::{GetSessionRequest, GetSessionResponse};
use sos_proto::time::Timestamp;
use tonic::{Request, Response, Status};

use super::asker::Asker;

/// Answers whoever asks who they are.
pub(crate) struct SessionApi;

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
        }))
    }
}
