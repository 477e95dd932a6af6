//! Silence, measured from a moment of our own.

use sos_eventlog::LocalLog;
use sos_eventlog::store::MemoryStore;
use sos_proto::event::v1::{DeviceOnline, DeviceOrigin, DeviceRegistered, DeviceRetired};
use sos_proto::registry::v1::Device;

use super::*;

/// A gateway's view of its call points, beside the log that it is a fold of.
struct Post {
    log: LocalLog<MemoryStore>,
    devices: Arc<RwLock<Devices>>,
    heard: Arc<Heard>,
    start: Instant,
}

impl Post {
    fn new() -> Self {
        let devices = Arc::new(RwLock::new(Devices::default()));
        Self { log: LocalLog::in_memory(), devices, heard: Arc::default(), start: Instant::now() }
    }

    fn supervision(&self, broker: Option<(String, watch::Receiver<bool>)>) -> Supervision {
        let log = Arc::new(self.log.clone());
        Supervision::new(log, Arc::clone(&self.devices), Arc::clone(&self.heard), broker)
    }

    async fn tell(&self, device: &str, body: Body) {
        let origin = DeviceOrigin { boot_id: "boot".into(), ..DeviceOrigin::default() };
        let event = Event {
            origin: Some(origin),
            ..about(&CallPoint::new("hall", device).unwrap(), clock::now(), body)
        };
        self.log.append(Append::one(event)).await.unwrap();
        self.fold().await;
    }

    /// Folds the whole log anew.
    async fn fold(&self) {
        let mut devices = Devices::default();
        for (position, event) in self.events().await {
            devices.evolve(position, 0, &event);
        }
        *self.devices.write().unwrap() = devices;
    }

    async fn events(&self) -> Vec<(u64, Event)> {
        let batches = self.log.read(1, 64).await.unwrap();
        let events = batches.iter().flat_map(|batch| batch.recorded());
        events.map(|recorded| (recorded.position, recorded.event.unwrap())).collect()
    }

    /// Who was told to be silent.
    async fn silent(&self) -> Vec<String> {
        let is_silence = |event: &Event| match &event.body {
            Some(Body::DeviceOffline(gone)) => gone.reason() == OfflineReason::Silence,
            _ => false,
        };
        let events = self.events().await.into_iter().filter(|(_, event)| is_silence(event));
        events.map(|(_, event)| event.device_id).collect()
    }

    fn heard_at(&self, device: &str, seconds: u64) {
        let call_point = CallPoint::new("hall", device).unwrap();
        self.heard.0.lock().unwrap().insert(call_point, self.start + Duration::from_secs(seconds));
    }

    async fn look(&self, supervision: &Supervision, seconds: u64) {
        let reach = Reach { within: true, since: self.start };
        supervision.look(&reach, self.start + Duration::from_secs(seconds)).await.unwrap();
        self.fold().await;
    }
}

async fn registered(post: &Post, device: &str, class: SupervisionClass) {
    let registered = Device { supervision_class: class.into(), ..Device::default() };
    post.tell(device, Body::DeviceRegistered(DeviceRegistered { device: Some(registered) })).await;
    post.tell(device, Body::DeviceOnline(DeviceOnline::default())).await;
    post.heard_at(device, 1_000);
}

// P9: within the deadline of its class, and once.
#[tokio::test]
async fn silence_is_noticed_within_the_deadline_of_the_class() {
    let post = Post::new();
    let supervision = post.supervision(None);
    registered(&post, "a", SupervisionClass::A).await;
    registered(&post, "b", SupervisionClass::B).await;
    registered(&post, "c", SupervisionClass::C).await;
    registered(&post, "d", SupervisionClass::D).await;
    post.tell("never-born", Body::Press(sos_proto::device::v1::Press::default())).await;
    let mut gone = Vec::new();
    for (device, deadline) in [("a", 90), ("b", 180), ("c", 1_800), ("d", 90_000)] {
        post.look(&supervision, 1_000 + deadline - 5).await;
        assert_eq!(post.silent().await, gone, "before {deadline} s");
        gone.push(device.to_owned());
        post.look(&supervision, 1_000 + deadline).await;
        assert_eq!(post.silent().await, gone, "at {deadline} s");
    }
    post.look(&supervision, 1_000_000).await;
    assert_eq!(post.silent().await, gone);
}

#[tokio::test]
async fn after_a_start_call_points_have_time_to_come_back() {
    let post = Post::new();
    let supervision = post.supervision(None);
    post.tell("a", Body::DeviceOnline(DeviceOnline::default())).await;
    let class = Device { supervision_class: SupervisionClass::A.into(), ..Device::default() };
    post.tell("a", Body::DeviceRegistered(DeviceRegistered { device: Some(class) })).await;
    post.look(&supervision, 299).await;
    assert_eq!(post.silent().await, [""; 0]);
    post.look(&supervision, 300).await;
    assert_eq!(post.silent().await, ["a"]);
}

#[tokio::test]
async fn nobody_waits_for_what_was_taken_out_of_use() {
    let post = Post::new();
    let supervision = post.supervision(None);
    registered(&post, "a", SupervisionClass::A).await;
    post.tell("a", Body::DeviceRetired(DeviceRetired::default())).await;
    post.look(&supervision, 100_000).await;
    assert_eq!(post.silent().await, [""; 0]);
}

#[tokio::test]
async fn what_is_heard_at_the_last_moment_counts() {
    let post = Post::new();
    let supervision = post.supervision(None);
    registered(&post, "a", SupervisionClass::A).await;
    let stale = post.devices.read().unwrap().get(&CallPoint::new("hall", "a").unwrap()).unwrap().clone();
    post.tell("a", Body::Press(sos_proto::device::v1::Press::default())).await;
    // Another message is in the log, and not folded here yet.
    supervision.record(&CallPoint::new("hall", "a").unwrap(), stale.position).await.unwrap();
    assert_eq!(post.silent().await, [""; 0]);
}

#[test]
fn a_broker_is_where_it_was_since_it_changed() {
    let start = Instant::now();
    let at = |seconds: u64| start + Duration::from_secs(seconds);
    let within = Reach { within: true, since: start };
    let without = within.seen(true, at(5)).seen(false, at(10));
    assert_eq!(without, Reach { within: false, since: at(10) });
    assert_eq!(without.seen(false, at(15)), without);
    assert_eq!(without.seen(true, at(20)), Reach { within: true, since: at(20) });
}

#[test]
fn the_newest_message_is_what_counts() {
    let (heard, call_point) = (Heard::default(), CallPoint::new("hall", "a").unwrap());
    assert_eq!(heard.at(&call_point), None);
    heard.note(&call_point);
    let first = heard.at(&call_point).unwrap();
    assert!(first <= Instant::now());
    let long_ago = first - Duration::from_secs(60);
    heard.0.lock().unwrap().insert(call_point.clone(), long_ago);
    heard.note(&call_point);
    assert!(heard.at(&call_point).unwrap() >= first);
}

#[tokio::test]
async fn the_first_look_is_at_once() {
    let post = Post::new();
    let lost = about_everything(Body::BrokerLost(BrokerLost::default()));
    post.log.append(Append::one(lost)).await.unwrap();
    post.fold().await;
    let supervision = post.supervision(None);
    let is_back = async {
        while !matches!(
            post.events().await.pop(),
            Some((_, Event { body: Some(Body::BrokerRestored(_)), .. }))
        ) {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = supervision.run() => panic!("it looks for ever"),
        seen = tokio::time::timeout(Duration::from_secs(30), is_back) => seen.unwrap(),
    }
}

// P9: a broker that is gone is one event, and nobody is called silent meanwhile.
#[tokio::test]
async fn a_broker_that_is_gone_is_one_event() {
    let post = Post::new();
    let (_reached, receiver) = watch::channel(false);
    let supervision = post.supervision(Some(("broker:1883".to_owned(), receiver)));
    registered(&post, "a", SupervisionClass::A).await;
    let at = |seconds: u64| post.start + Duration::from_secs(seconds);
    let gone = Reach { within: false, since: at(2_000) };
    for seconds in [2_000, 2_014, 2_015, 2_020, 9_000] {
        supervision.look(&gone, at(seconds)).await.unwrap();
        post.fold().await;
    }
    let back = Reach { within: true, since: at(9_001) };
    for seconds in [9_001, 9_005, 9_300] {
        supervision.look(&back, at(seconds)).await.unwrap();
        post.fold().await;
    }
    let told: Vec<_> = post.events().await.into_iter().skip(2).map(|(_, event)| event).collect();
    assert!(told.iter().all(|event| event.schema == normal::SCHEMA && event.received_at.is_some()));
    let told: Vec<_> = told.into_iter().filter_map(|event| event.body).collect();
    let reason = "out of reach for 15 s".to_owned();
    let broker = "broker:1883".to_owned();
    assert_eq!(
        told,
        [
            Body::BrokerLost(BrokerLost { broker: broker.clone(), reason }),
            Body::BrokerRestored(BrokerRestored { broker }),
        ]
    );
    supervision.look(&back, at(9_301)).await.unwrap();
    assert_eq!(post.silent().await, ["a"]);
}
