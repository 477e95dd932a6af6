//! Who asks, where nobody is authenticated: whom they say, and nobody where they say nothing.

use sos_proto::session::v1::session_service_client::SessionServiceClient;
use sos_proto::session::v1::{GetSessionRequest, GetSessionResponse};
use tonic::metadata::MetadataValue;
use tonic::{Code, Request};

use super::support::{Town, by};

#[tokio::test]
async fn a_name_is_believed_and_one_that_is_none_is_refused() {
    let town = Town::new().await;
    let mut client = SessionServiceClient::new(town.channel().await);
    let nobody = client.get_session(GetSessionRequest {}).await.unwrap().into_inner();
    let asel = client.get_session(by("asel", GetSessionRequest {})).await.unwrap().into_inner();
    assert_eq!((nobody.name.as_str(), asel.name.as_str()), ("", "asel"));
    let GetSessionResponse { role, methods, expires_at, regions, site_ids, authenticated, .. } = asel;
    assert_eq!((role.as_str(), expires_at, authenticated), ("", None, false));
    assert!(regions.is_empty() && site_ids.is_empty());
    for method in ["alert.v1.AlertService/ResolveAlert", "alert.v1.AlertService/EraseAlert"] {
        assert!(methods.contains(&format!("sos.{method}")), "{method} in {methods:?}");
    }
    assert!(!methods.contains(&"sos.log.v1.EventLogService/AppendEvents".to_owned()), "nobody may");
    assert_eq!(methods, nobody.methods);

    // Bytes that are no UTF-8, and more characters than a name may have.
    for name in [&b"\xd3\xd3"[..], "ы".repeat(65).as_bytes(), b""] {
        let mut request = Request::new(GetSessionRequest {});
        request.metadata_mut().insert("sos-operator", MetadataValue::try_from(name).unwrap());
        let refused = client.get_session(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
        assert!(refused.message().contains("sos-operator"), "{refused}");
    }
    town.stop().await.unwrap();
}
