//! The registry as its users see it: what is put is kept, what is wrong is named, and consoles follow.

use std::time::Duration;

use sos_eventlog::{Append, clock};
use sos_proto::alert::v1::{AlertStatus, DeclareActualRequest, ListIncidentsRequest, ReopenAlertRequest};
use sos_proto::device::v1::{DeviceHealth, Fault, FaultKind, Location, Press, SelfTest};
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{DeviceConditionChanged, DeviceOffline, DeviceOnline, DeviceOrigin, Event};
use sos_proto::registry::v1::registry_service_client::RegistryServiceClient;
use sos_proto::registry::v1::watch_devices_response::Event as Step;
use sos_proto::registry::v1::{
    Device, EndWindowRequest, GetDeviceRequest, ListDevicesRequest, ListSitesRequest, Place,
    PutDeviceRequest, PutSiteRequest, RetireDeviceRequest, Site, SiteKind, StartWindowRequest,
    SupervisionClass, WatchDevicesRequest, WatchDevicesResponse, WindowKind,
};
use sos_proto::time;
use tonic::transport::Channel;
use tonic::{Code, Streaming};

use super::inputs::field;
use super::support::{Town, acknowledge, by, config, happening, list, resolve};

type Client = RegistryServiceClient<Channel>;

async fn registry(town: &Town) -> Client {
    Client::new(town.channel().await)
}

fn site(site_id: &str, name: &str) -> Site {
    Site { site_id: site_id.into(), name: name.into(), kind: SiteKind::School.into(), ..Site::default() }
}

fn device(site_id: &str, device_id: &str, room: &str) -> Device {
    let place = Some(Place { room: room.into(), ..Place::default() });
    Device { site_id: site_id.into(), device_id: device_id.into(), place, ..Device::default() }
}

fn put_site(request_id: &str, site: Site) -> PutSiteRequest {
    PutSiteRequest { request_id: request_id.into(), site: Some(site) }
}

fn put_device(request_id: &str, device: Device) -> PutDeviceRequest {
    PutDeviceRequest { request_id: request_id.into(), device: Some(device) }
}

fn window(request_id: &str, device_id: &str, kind: WindowKind, seconds: i64) -> StartWindowRequest {
    StartWindowRequest {
        request_id: request_id.into(),
        site_id: "hall".into(),
        device_id: device_id.into(),
        kind: kind.into(),
        reason: "drill".into(),
        ends_at: Some(time::timestamp(clock::now() + seconds * 1_000_000)),
    }
}

#[tokio::test]
async fn what_is_registered_is_there_and_alerts_know_it() {
    let town = Town::new().await;
    let (mut registry, mut client) = (registry(&town).await, town.client().await);
    town.press("door").await;
    let put = put_site("s", site("hall", "School 12"));
    let answer = registry.put_site(by("asel", put.clone())).await.unwrap().into_inner().site.unwrap();
    assert_eq!(answer, site("hall", "School 12"));
    let put_door = put_device(
        "d",
        Device { supervision_class: SupervisionClass::B.into(), ..device("hall", "door", "204") },
    );
    let door = registry.put_device(by("asel", put_door.clone())).await.unwrap().into_inner().device.unwrap();
    assert_eq!((door.place.as_ref().unwrap().room.as_str(), door.unverified), ("204", false));
    assert_eq!(door.supervision_class(), SupervisionClass::B);
    let alert = list(&mut client, None).await.remove(0);
    assert_eq!((alert.site_name.as_str(), alert.unverified), ("School 12", false));
    assert_eq!(alert.place.unwrap().room, "204");

    // P6: a repeat has no effect and gets the first answer, whatever happened since.
    registry.put_site(by("asel", put_site("s2", site("hall", "Lyceum 12")))).await.unwrap();
    let events = town.events().await.len();
    let again = registry.put_site(by("asel", put)).await.unwrap().into_inner().site.unwrap();
    assert_eq!((again, town.events().await.len()), (answer, events));
    assert_eq!(list(&mut client, None).await[0].site_name, "Lyceum 12");
    for told in [
        registry.put_site(by("bolat", put_site("s", site("hall", "x")))).await.unwrap_err(),
        registry.put_site(by("asel", put_site("s", site("elsewhere", "x")))).await.unwrap_err(),
        registry.put_site(by("asel", put_site("d", site("hall", "x")))).await.unwrap_err(),
        registry.put_device(by("asel", put_device("s2", device("hall", "door", "")))).await.unwrap_err(),
    ] {
        assert_eq!(field(&told), "request_id");
    }
    // What is in the log is there after a restart.
    let restarted = Town::on(town.log.clone(), config()).await;
    let mut registry = self::registry(&restarted).await;
    let asked = GetDeviceRequest { site_id: "hall".into(), device_id: "door".into() };
    let found = registry.get_device(asked).await.unwrap().into_inner().device.unwrap();
    assert_eq!(found.place, door.place);
    let again = registry.put_device(by("asel", put_door)).await.unwrap().into_inner().device.unwrap();
    assert_eq!(again, door);
    town.stop().await.unwrap();
    restarted.stop().await.unwrap();
}

#[tokio::test]
async fn sites_and_devices_are_listed_by_name() {
    let town = Town::new().await;
    let mut registry = registry(&town).await;
    for (number, name) in ["b", "c", "a"].into_iter().enumerate() {
        registry.put_site(by("asel", put_site(&format!("s{number}"), site(name, "x")))).await.unwrap();
    }
    // One that is only heard of is listed, too.
    town.happens("b", "door-9", Body::Press(Press::default())).await;
    for (number, (site, name)) in [("b", "door-2"), ("a", "door-1"), ("b", "door-1")].into_iter().enumerate()
    {
        registry
            .put_device(by("asel", put_device(&format!("d{number}"), device(site, name, ""))))
            .await
            .unwrap();
    }
    town.settle(&mut town.client().await).await;
    let mut found = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListDevicesRequest { site_id: String::new(), page_size: 3, page_token };
        let page = registry.list_devices(request).await.unwrap().into_inner();
        found.extend(
            page.devices.into_iter().map(|d| (format!("{}/{}", d.site_id, d.device_id), d.unverified)),
        );
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let expected = [("a/door-1", false), ("b/door-1", false), ("b/door-2", false), ("b/door-9", true)];
    assert_eq!(found, expected.map(|(name, unverified)| (name.to_owned(), unverified)));
    let request = ListDevicesRequest { site_id: "a".into(), ..ListDevicesRequest::default() };
    assert_eq!(registry.list_devices(request).await.unwrap().into_inner().devices.len(), 1);
    let sites = registry.list_sites(ListSitesRequest::default()).await.unwrap().into_inner().sites;
    assert_eq!(sites.iter().map(|site| site.site_id.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    town.stop().await.unwrap();
}

async fn step(stream: &mut Streaming<WatchDevicesResponse>) -> (u64, Step) {
    let next = async {
        loop {
            let message = stream.message().await.unwrap().unwrap();
            match message.event.unwrap() {
                Step::Heartbeat(_) => {}
                event => return (message.position, event),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), next).await.expect("something comes")
}

// P5: consoles miss nothing of call points either.
#[tokio::test]
async fn devices_are_watched() {
    let town = Town::new().await;
    let mut registry = registry(&town).await;
    registry.put_site(by("asel", put_site("s", site("hall", "x")))).await.unwrap();
    registry.put_device(by("asel", put_device("d", device("hall", "door", "1")))).await.unwrap();
    let all = WatchDevicesRequest::default();
    let mut stream = registry.watch_devices(all).await.unwrap().into_inner();
    let (_, Step::Snapshot(door)) = step(&mut stream).await else { panic!("a snapshot") };
    assert_eq!((door.device_id.as_str(), door.online), ("door", false));
    let (position, Step::SnapshotEnd(_)) = step(&mut stream).await else { panic!("its end") };
    assert_eq!(position, 2);
    town.happens("hall", "door", Body::DeviceOnline(DeviceOnline::default())).await;
    let (3, Step::Changed(door)) = step(&mut stream).await else { panic!("it came") };
    assert!(door.online);
    // A call point that speaks was heard of, and whoever watches sees when.
    let (press, origin) = (Body::Press(Press::default()), Some(DeviceOrigin::default()));
    let press = Event { origin, ..happening("hall", "door", press) };
    town.log.append(Append::one(press)).await.unwrap();
    let (4, Step::Changed(heard)) = step(&mut stream).await else { panic!("it was heard of") };
    assert_eq!((door.last_seen_at, heard.last_seen_at.is_some()), (None, true));
    // Who was away gets each call point once, as it is.
    drop(stream);
    town.happens("hall", "door", Body::DeviceOffline(DeviceOffline::default())).await;
    town.happens("hall", "gate", Body::Press(Press::default())).await;
    town.happens("school", "gate", Body::Press(Press::default())).await;
    let (_, last) = town.happens("hall", "door", Body::DeviceOnline(DeviceOnline::default())).await;
    let resumed = WatchDevicesRequest { site_ids: vec!["hall".into()], after_position: 4 };
    town.settle(&mut town.client().await).await;
    let mut stream = registry.watch_devices(resumed).await.unwrap().into_inner();
    let (6, Step::Changed(gate)) = step(&mut stream).await else { panic!("a new one") };
    assert_eq!((gate.device_id.as_str(), gate.unverified), ("gate", true));
    let (position, Step::Changed(door)) = step(&mut stream).await else { panic!("the other one") };
    assert_eq!((position, door.online), (last, true));
    let beyond = WatchDevicesRequest { site_ids: Vec::new(), after_position: 99 };
    assert_eq!(field(&registry.watch_devices(beyond).await.unwrap_err()), "after_position");
    town.stop().await.unwrap();
}

/// The next change that a watch tells of a call point: what is broken there.
async fn broken(stream: &mut Streaming<WatchDevicesResponse>) -> Vec<FaultKind> {
    let (_, Step::Changed(device)) = step(stream).await else { panic!("a change") };
    device.faults().collect()
}

fn fault(kind: FaultKind, active: bool) -> Body {
    Body::Fault(Fault { kind: kind.into(), active, detail: String::new() })
}

#[tokio::test]
async fn what_is_broken_is_told_of_a_device() {
    use FaultKind::{BatteryLow, MainsLost, Tamper};
    let town = Town::new().await;
    let (mut registry, mut client) = (registry(&town).await, town.client().await);
    registry.put_site(by("asel", put_site("s", site("hall", "x")))).await.unwrap();
    let claimed = Device { faults: vec![Tamper.into()], ..device("hall", "door", "1") };
    let put = registry.put_device(by("asel", put_device("d", claimed))).await.unwrap().into_inner();
    assert_eq!(put.device.unwrap().faults, [0; 0]);
    let behind = WatchDevicesRequest { after_position: 2, ..WatchDevicesRequest::default() };
    let mut stream = registry.watch_devices(behind).await.unwrap().into_inner();
    let report = |battery_percent, mains| {
        let health = DeviceHealth {
            battery_percent: Some(battery_percent),
            mains: Some(mains),
            ..DeviceHealth::default()
        };
        let condition = health.condition().into();
        Body::DeviceConditionChanged(DeviceConditionChanged { condition, health: Some(health) })
    };
    for (happens, left) in [
        (report(15, true), &[BatteryLow][..]),
        (fault(Tamper, true), &[Tamper, BatteryLow]),
        (report(15, false), &[Tamper, BatteryLow, MainsLost]),
        (report(90, false), &[Tamper, MainsLost]),
        (fault(Tamper, false), &[MainsLost]),
        (report(90, true), &[]),
        (fault(Tamper, true), &[Tamper]),
    ] {
        town.happens("hall", "door", happens).await;
        assert_eq!(broken(&mut stream).await, left);
    }
    // Said again it is no news; what is not broken is none of its faults, and what opens elsewhere is not either.
    town.happens("hall", "door", fault(Tamper, true)).await;
    town.happens("hall", "door", Body::SelfTest(SelfTest::default())).await;
    town.press("door").await;
    town.happens("hall", "gate", fault(BatteryLow, true)).await;
    assert_eq!(broken(&mut stream).await, [BatteryLow]);

    let asked = GetDeviceRequest { site_id: "hall".into(), device_id: "door".into() };
    let found = registry.get_device(asked.clone()).await.unwrap().into_inner().device.unwrap();
    assert_eq!(found.faults().collect::<Vec<_>>(), [Tamper]);
    let alerts = list(&mut client, None).await;
    let alert_id = &alerts.iter().find(|alert| alert.note.starts_with("SELF_TEST")).unwrap().alert_id;
    let retire = RetireDeviceRequest {
        site_id: "hall".into(),
        device_id: "door".into(),
        ..RetireDeviceRequest::default()
    };
    let retire = RetireDeviceRequest { request_id: "out".into(), ..retire };
    let retired = registry.retire_device(by("asel", retire)).await.unwrap().into_inner().device.unwrap();
    assert_eq!((retired.retired, retired.faults), (true, found.faults));
    assert_eq!(broken(&mut stream).await, [Tamper]);
    // An operator who closes the alert takes it for repaired, and who opens it again does not.
    acknowledge(&mut client, "asel", alert_id, "a").await.unwrap();
    resolve(&mut client, "asel", alert_id, "r").await.unwrap();
    assert_eq!(broken(&mut stream).await, []);
    let again = ReopenAlertRequest {
        alert_id: alert_id.clone(),
        request_id: "o".into(),
        ..ReopenAlertRequest::default()
    };
    client.reopen_alert(by("asel", again)).await.unwrap();
    assert_eq!(broken(&mut stream).await, [Tamper]);
    let found = registry.get_device(asked).await.unwrap().into_inner().device.unwrap();
    assert_eq!(found.faults().collect::<Vec<_>>(), [Tamper]);
    town.stop().await.unwrap();
}

#[tokio::test]
async fn an_exercise_is_marked_and_becomes_real_by_one_command() {
    let town = Town::new().await;
    let (mut registry, mut client) = (registry(&town).await, town.client().await);
    registry.put_site(by("asel", put_site("s", site("hall", "x")))).await.unwrap();
    let started = registry.start_window(by("asel", window("w", "", WindowKind::Exercise, 60))).await.unwrap();
    let started = started.into_inner().window.unwrap();
    assert_eq!((started.author.as_str(), started.reason.as_str()), ("asel", "drill"));
    let alert_id = town.press("door").await;
    town.settle(&mut client).await;
    assert_eq!(list(&mut client, None).await[0].status(), AlertStatus::Exercise);
    let request = DeclareActualRequest {
        alert_id: alert_id.clone(),
        request_id: "real".into(),
        reason: "smoke".into(),
        ..DeclareActualRequest::default()
    };
    let alert = client.declare_actual(by("bolat", request)).await.unwrap().into_inner().alert.unwrap();
    assert_eq!(alert.status(), AlertStatus::Actual);

    let end = |request_id: &str| EndWindowRequest {
        request_id: request_id.into(),
        site_id: "hall".into(),
        ..EndWindowRequest::default()
    };
    registry.end_window(by("asel", end("e"))).await.unwrap();
    registry.end_window(by("asel", end("e"))).await.unwrap();
    let told = registry.end_window(by("asel", end("e2"))).await.unwrap_err();
    assert_eq!(told.code(), Code::FailedPrecondition);
    town.press("gate").await;
    town.settle(&mut client).await;
    assert_eq!(list(&mut client, None).await[0].status(), AlertStatus::Actual);
    let incidents =
        client.list_incidents(ListIncidentsRequest::default()).await.unwrap().into_inner().incidents;
    assert_eq!(incidents.iter().map(|i| (i.alert_count, i.press_count)).collect::<Vec<_>>(), [(2, 2)]);
    town.stop().await.unwrap();
}

#[tokio::test]
async fn wrong_fields_are_named() {
    let town = Town::new().await;
    let mut registry = registry(&town).await;
    let far = Some(Location { latitude: 91.0, ..Location::default() });
    let nowhere = Some(Location { latitude: f64::NAN, ..Location::default() });
    let long = "ы".repeat(501);
    for (site, name) in [
        (site("", "x"), "site.site_id"),
        (site("Hall", "x"), "site.site_id"),
        (site("hall", ""), "site.name"),
        (site("hall", &long), "site.name"),
        (Site { kind: 4, ..site("hall", "x") }, "site.kind"),
        (Site { address: long.clone(), ..site("hall", "x") }, "site.address"),
        (Site { region: long.clone(), ..site("hall", "x") }, "site.region"),
        (Site { location: far, ..site("hall", "x") }, "site.location"),
        (Site { location: nowhere, ..site("hall", "x") }, "site.location"),
    ] {
        assert_eq!(field(&registry.put_site(by("asel", put_site("r", site))).await.unwrap_err()), name);
    }
    let nothing = PutSiteRequest { request_id: "r".into(), site: None };
    assert_eq!(field(&registry.put_site(by("asel", nothing)).await.unwrap_err()), "site");
    let unnamed = put_site("", site("hall", "x"));
    assert_eq!(field(&registry.put_site(by("asel", unnamed)).await.unwrap_err()), "request_id");
    for (device, name) in [
        (device("", "door", ""), "device.site_id"),
        (device("hall", "a/b", ""), "device.device_id"),
        (device("hall", "door", &long), "device.place.room"),
        (Device { location: far, ..device("hall", "door", "") }, "device.location"),
        (Device { supervision_class: -1, ..device("hall", "door", "") }, "device.supervision_class"),
    ] {
        assert_eq!(field(&registry.put_device(by("asel", put_device("r", device))).await.unwrap_err()), name);
    }
    let windows = [
        (window("r", "", WindowKind::Unspecified, 60), "kind"),
        (window("r", "", WindowKind::Test, -1), "ends_at"),
        (window("r", "", WindowKind::Test, 25 * 3_600), "ends_at"),
        (StartWindowRequest { ends_at: None, ..window("r", "", WindowKind::Test, 60) }, "ends_at"),
        (StartWindowRequest { reason: String::new(), ..window("r", "", WindowKind::Test, 60) }, "reason"),
        (StartWindowRequest { site_id: String::new(), ..window("r", "", WindowKind::Test, 60) }, "site_id"),
        (window("r", "A", WindowKind::Test, 60), "device_id"),
    ];
    for (window, name) in windows {
        assert_eq!(field(&registry.start_window(by("asel", window)).await.unwrap_err()), name);
    }
    let page = ListDevicesRequest { page_token: "x".into(), ..ListDevicesRequest::default() };
    assert_eq!(field(&registry.list_devices(page).await.unwrap_err()), "page_token");
    // What is not there is named as what it is.
    let orphan = put_device("r", device("nowhere", "door", ""));
    let retire = RetireDeviceRequest {
        request_id: "r".into(),
        site_id: "hall".into(),
        device_id: "door".into(),
        reason: String::new(),
    };
    for told in [
        registry.put_device(by("asel", orphan)).await.unwrap_err(),
        registry.retire_device(by("asel", retire)).await.unwrap_err(),
        registry.start_window(by("asel", window("r", "", WindowKind::Test, 60))).await.unwrap_err(),
        registry.start_window(by("asel", window("r", "door", WindowKind::Test, 60))).await.unwrap_err(),
    ] {
        assert_eq!(told.code(), Code::NotFound, "{told:?}");
    }
    let anybody = tonic::Request::new(put_site("r", site("hall", "x")));
    assert_eq!(registry.put_site(anybody).await.unwrap_err().code(), Code::Unauthenticated);
    assert_eq!(town.events().await.len(), 0);
    town.stop().await.unwrap();
}
