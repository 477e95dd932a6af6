//! Nobody connects, publishes, listens or leaves a will as somebody else.

use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{DeviceAccessChanged, Event};

use super::*;

fn event(revoked: bool, password_hash: &str) -> Event {
    let access = DeviceAccessChanged { revoked, password_hash: password_hash.into(), reason: String::new() };
    Event {
        site_id: "hall".into(),
        device_id: "door".into(),
        body: Some(Body::DeviceAccessChanged(access)),
        ..Event::default()
    }
}

fn access(auth: Auth) -> Access {
    Access::new(auth, Arc::default())
}

fn learn(access: &Access, event: &Event) {
    access.devices.write().unwrap().evolve(1, 0, event);
}

fn presented<'a>() -> Presented<'a> {
    Presented {
        client_id: "hall/door",
        username: Some("hall/door"),
        password: None,
        common_name: Some("hall/door"),
        will: Some("sos/v1/hall/door/state"),
    }
}

#[tokio::test]
async fn a_certificate_names_the_call_point() {
    let access = access(Auth::Certificate);
    assert_eq!(access.admit(presented()).await, Ok(()));
    let door: CallPoint = "hall/door".parse().unwrap();
    // A user name is worth nothing without the certificate.
    let bare = Presented { common_name: None, ..presented() };
    assert_eq!(access.admit(bare).await, Err(Denied::CommonName));
    let other = Presented { common_name: Some("hall/gate"), ..presented() };
    assert_eq!(access.admit(other).await, Err(Denied::CommonName));
    for name in ["hall", "hall/+", "hall/door/x", "#", "Hall/door", ""] {
        let wrong =
            Presented { common_name: Some(name), username: Some(name), client_id: name, ..presented() };
        assert_eq!(access.admit(wrong).await, Err(Denied::CommonName), "{name}");
    }
    let takes_over = Presented { client_id: "hall/gate", ..presented() };
    assert_eq!(access.admit(takes_over).await, Err(Denied::ClientId(door.clone())));
    for will in ["sos/v1/hall/gate/state", "sos/v1/hall/door/event", "sos/v1/hall/door/feedback"] {
        let wrong = Presented { will: Some(will), ..presented() };
        assert_eq!(access.admit(wrong).await, Err(Denied::Will(door.clone())), "{will}");
    }
    learn(&access, &event(true, ""));
    assert_eq!(access.admit(presented()).await, Err(Denied::Revoked(door)));
    learn(&access, &event(false, ""));
    assert_eq!(access.admit(presented()).await, Ok(()));
}

#[tokio::test]
async fn a_password_is_the_one_that_was_set_last() {
    let access = access(Auth::Password);
    let (password, hash) = sos_auth::password::generate().unwrap();
    let with = |password: &'static str| Presented { password: Some(password.as_bytes()), ..presented() };
    assert_eq!(access.admit(with("")).await, Err(Denied::Password), "none was set");
    learn(&access, &event(false, &hash));
    let right = Presented { password: Some(password.as_bytes()), ..presented() };
    assert_eq!(access.admit(right).await, Ok(()));
    assert_eq!(access.admit(with("guess")).await, Err(Denied::Password));
    let (_, new) = sos_auth::password::generate().unwrap();
    learn(&access, &event(false, &new));
    assert_eq!(access.admit(right).await, Err(Denied::Password), "the old one is worth nothing");
}

#[test]
fn a_topic_is_its_call_points() {
    let access = access(Auth::Certificate);
    let (door, call_point) = (Some("hall/door"), CallPoint::new("hall", "door").unwrap());
    assert!(access.may_publish(door, &call_point));
    for other in ["hall/d", "hall/gate", "hall/door/", "hall/door/x", "hall", "door", "/", ""] {
        assert!(!access.may_publish(Some(other), &call_point), "{other}");
    }
    assert!(!access.may_publish(None, &call_point));
    let others =
        ["sos/v1/hall/gate/event", "sos/v1/hall/door", "sos/v1/hall/door/a/b", "hall/door/event", ""];
    for topic in others {
        assert!(!access.may_subscribe(door, topic), "{topic}");
    }
    for filter in ["sos/v1/hall/door/receipt", "sos/v1/hall/door/+", "sos/v1/hall/door/#"] {
        assert!(access.may_subscribe(door, filter), "{filter}");
    }
    for filter in
        ["#", "+/#", "sos/v1/+/+/event", "sos/v1/hall/+/receipt", "$share/g/sos/v1/hall/door/receipt"]
    {
        assert!(!access.may_subscribe(door, filter), "{filter}");
    }
    learn(&access, &event(true, ""));
    assert!(!access.may_publish(door, &call_point));
}

// What changes while a password is checked counts.
#[tokio::test]
async fn a_login_that_was_overtaken_fails() {
    for revoked in [true, false] {
        let access = Arc::new(access(Auth::Password));
        let (password, hash) = sos_auth::password::generate().unwrap();
        learn(&access, &event(false, &hash));
        let turns = access.checks.acquire_many(u32::try_from(access.checks.available_permits()).unwrap());
        let turns = turns.await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        let waiting = Arc::clone(&access);
        tasks.spawn(async move {
            let right = Presented { password: Some(password.as_bytes()), ..presented() };
            waiting.admit(right).await
        });
        tokio::task::yield_now().await;
        let (_, new) = sos_auth::password::generate().unwrap();
        learn(&access, &if revoked { event(true, "") } else { event(false, &new) });
        drop(turns);
        assert!(tasks.join_next().await.unwrap().unwrap().is_err());
        assert!(!revoked || !access.may_subscribe(Some("hall/door"), "sos/v1/hall/door/receipt"));
    }
}
