//! One message at a time, on a log in memory, without a broker.

use std::sync::Mutex as StdMutex;

use futures::FutureExt as _;
use futures::future::{self, BoxFuture};
use sos_eventlog::LocalLog;
use sos_eventlog::store::MemoryStore;
use sos_proto::event::v1::{DeviceOffline, OfflineReason, RecordedEvent};
use tokio::task::JoinSet;

use super::*;
use crate::devices::Wanted;
use crate::downlink::Outgoing;
use crate::{Config, Gateway};

/// A gateway without brokers.
struct Bench {
    log: LocalLog<MemoryStore>,
    ingest: Ingest,
    device: Device,
    _fold: JoinSet<Result<(), crate::Error>>,
}

/// Keeps what a device would hear.
#[derive(Default)]
struct Device(StdMutex<Vec<Outgoing>>);

impl Downlink for Device {
    fn answer(&self, message: Outgoing) -> BoxFuture<'_, ()> {
        self.0.lock().unwrap().push(message);
        future::ready(()).boxed()
    }

    fn show(&self, _: Wanted) -> BoxFuture<'_, ()> {
        future::ready(()).boxed()
    }
}

/// A session whose client has, or has not, a newer one.
struct Superseded(bool);

impl Session for Superseded {
    fn is_superseded(&self) -> BoxFuture<'_, bool> {
        future::ready(self.0).boxed()
    }
}

impl Bench {
    async fn new() -> Self {
        let log = LocalLog::in_memory();
        let gateway = Gateway::start(Config::default(), Arc::new(log.clone())).await.unwrap();
        let mut fold = JoinSet::new();
        fold.spawn(gateway.fold.show(Vec::new(), tokio::sync::mpsc::channel(1).0));
        Self { log, ingest: gateway.ingest, device: Device::default(), _fold: fold }
    }

    async fn take(&self, leaf: &str, payload: &str) -> Result<(), Refusal> {
        self.take_as(leaf, payload, |incoming| incoming).await
    }

    async fn take_as(
        &self,
        leaf: &str,
        payload: &str,
        change: impl for<'a> FnOnce(Incoming<'a>) -> Incoming<'a>,
    ) -> Result<(), Refusal> {
        let topic = format!("sos/v1/s/d/{leaf}");
        let incoming = Incoming {
            topic: &topic,
            address: CallPoint::parse_topic(&topic),
            payload: Bytes::copy_from_slice(payload.as_bytes()),
            content_type: None,
            traceparent: None,
            retained: false,
            last_will_of: None,
        };
        self.ingest.ingest(&change(incoming), &self.device).await
    }

    async fn log(&self) -> Vec<RecordedEvent> {
        let batches = self.log.read(1, usize::MAX).await.unwrap();
        batches.iter().flat_map(|b| b.recorded().collect::<Vec<_>>()).collect()
    }

    async fn bodies(&self) -> Vec<Body> {
        self.log().await.into_iter().filter_map(|r| r.event?.body).collect()
    }

    fn receipts(&self) -> Vec<Receipt> {
        let heard = self.device.0.lock().unwrap();
        heard.iter().map(|m| serde_json::from_slice(&m.payload).unwrap()).collect()
    }
}

const ONLINE: &str = r#"{"online":true,"bootId":"boot"}"#;
const OFFLINE: &str = r#"{"online":false,"bootId":"boot"}"#;

// P9: the will of a connection that was taken over says nothing; that of one that is gone does.
#[tokio::test]
async fn only_the_will_of_the_newest_session_counts() {
    let bench = Bench::new().await;
    bench.take("state", ONLINE).await.unwrap();
    bench
        .take_as("state", OFFLINE, |i| Incoming { last_will_of: Some(&Superseded(true)), ..i })
        .await
        .unwrap();
    assert!(matches!(bench.bodies().await[..], [Body::DeviceOnline(_)]));
    bench
        .take_as("state", OFFLINE, |i| Incoming { last_will_of: Some(&Superseded(false)), ..i })
        .await
        .unwrap();
    assert!(matches!(bench.bodies().await[..], [Body::DeviceOnline(_), Body::DeviceOffline(_)]));
}

// Presses and cancels are answered; other events where they ask for it.
#[tokio::test]
async fn receipts_go_to_whom_they_are_due() {
    let bench = Bench::new().await;
    for (number, event) in ["press", "cancel", "located", "selfTest"].iter().enumerate() {
        let event = format!(r#"{{"bootId":"b","sequence":{},"{event}":{{}}}}"#, number + 1);
        bench.take("event", &event).await.unwrap();
    }
    bench.take("event", r#"{"bootId":"b","sequence":5,"wantReceipt":true,"located":{}}"#).await.unwrap();
    let sequences: Vec<_> = bench.receipts().iter().map(|r| r.sequence).collect();
    assert_eq!(sequences, [1, 2, 5]);
    assert!(
        bench.receipts().iter().all(|r| r.status() == ReceiptStatus::Recorded && r.position == r.sequence)
    );
}

// P3: a message of unknown age that cannot be told from a new one is shown to an operator, not acted on.
#[tokio::test]
async fn a_retained_event_must_be_numbered() {
    let bench = Bench::new().await;
    for event in [r#"{"press":{}}"#, r#"{"bootId":"b","press":{}}"#, r#"{"sequence":1,"press":{}}"#] {
        bench.take_as("event", event, |i| Incoming { retained: true, ..i }).await.unwrap();
    }
    let numbered = r#"{"bootId":"b","sequence":1,"press":{}}"#;
    bench.take_as("event", numbered, |i| Incoming { retained: true, ..i }).await.unwrap();
    use Body::{Press, Quarantined};
    let bodies = bench.bodies().await;
    assert!(matches!(bodies[..], [Quarantined(_), Quarantined(_), Quarantined(_), Press(_)]), "{bodies:?}");
    assert!(
        bench.receipts()[..3]
            .iter()
            .all(|r| r.status() == ReceiptStatus::Quarantined && !r.reason.is_empty())
    );
}

// P2: what is numbered is recorded once, also where the rest cannot be read; the device knows its answer by
// the number.
#[tokio::test]
async fn a_numbered_message_is_quarantined_once() {
    let bench = Bench::new().await;
    for _ in 0..2 {
        bench.take("event", r#"{"bootId":"b","sequence":"4","pulse":{}}"#).await.unwrap();
    }
    assert!(matches!(bench.bodies().await[..], [Body::Quarantined(_)]));
    let receipts = bench.receipts();
    assert_eq!(receipts.iter().map(|r| (&*r.boot_id, r.sequence)).collect::<Vec<_>>(), [("b", 4), ("b", 4)]);
    assert_eq!(receipts[0].event_id, receipts[1].event_id);
}

// P1: what the log did not take is not acknowledged.
#[tokio::test]
async fn a_closed_log_refuses() {
    let bench = Bench::new().await;
    bench.log.close().await;
    for leaf in ["event", "state"] {
        let refused = bench.take(leaf, r#"{"online":true,"press":{}}"#).await;
        assert!(matches!(refused, Err(Refusal::Unavailable(_))), "{leaf}: {refused:?}");
    }
    assert_eq!(bench.receipts(), []);
}

#[tokio::test]
async fn the_trace_of_the_sender_goes_on() {
    let bench = Bench::new().await;
    let context = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    bench
        .take_as("event", r#"{"press":{}}"#, |i| Incoming { traceparent: Some(context), ..i })
        .await
        .unwrap();
    bench.take_as("event", r#"{"press":{}}"#, |i| Incoming { traceparent: Some("x"), ..i }).await.unwrap();
    let contexts: Vec<_> = bench.log().await.into_iter().map(|r| r.event.unwrap().traceparent).collect();
    assert_eq!(contexts, [context, ""]);
}

#[tokio::test]
async fn an_unchanged_state_is_no_event() {
    let bench = Bench::new().await;
    for state in [OFFLINE, ONLINE, ONLINE, r#"{"online":false,"bootId":"older"}"#, ""] {
        bench.take("state", state).await.unwrap();
    }
    assert!(matches!(bench.bodies().await[..], [Body::DeviceOnline(_)]));
}

#[tokio::test]
async fn only_a_change_of_condition_is_an_event() {
    let bench = Bench::new().await;
    let report = |battery: u8, mains: bool| format!(r#"{{"batteryPercent":{battery},"mains":{mains}}}"#);
    for (battery, mains) in [
        (80, true),
        (79, true),
        (80, false),
        (70, false),
        (20, false),
        (19, false),
        (4, false),
        (90, true),
        (91, true),
    ] {
        bench.take("health", &report(battery, mains)).await.unwrap();
    }
    bench.take_as("health", &report(1, false), |i| Incoming { retained: true, ..i }).await.unwrap();
    let told = bench.bodies().await.into_iter().map(|body| match body {
        Body::DeviceConditionChanged(changed) => {
            (changed.condition(), changed.health.unwrap().battery_percent)
        }
        body => panic!("{body:?}"),
    });
    use sos_proto::registry::v1::DeviceCondition::{Degraded, Failed, Good};
    let expected = [(Good, 80), (Degraded, 80), (Degraded, 20), (Failed, 4), (Good, 90)];
    assert_eq!(told.collect::<Vec<_>>(), expected.map(|(condition, battery)| (condition, Some(battery))));
}

// P9: who was lost for his silence is back with whatever he says next; a will says nothing of that kind.
#[tokio::test]
async fn a_silent_call_point_is_back_with_its_next_message() {
    let bench = Bench::new().await;
    bench.take("state", ONLINE).await.unwrap();
    let call_point = CallPoint::new("s", "d").unwrap();
    let gone = DeviceOffline { reason: OfflineReason::Silence.into() };
    let silence = about(&call_point, clock::now(), Body::DeviceOffline(gone));
    bench.log.append(Append::one(silence)).await.unwrap();
    let mut folded = bench.ingest.folded.clone();
    folded.wait_for(|folded| *folded >= 2).await.unwrap();
    bench
        .take_as("state", OFFLINE, |i| Incoming { last_will_of: Some(&Superseded(false)), ..i })
        .await
        .unwrap();
    assert_eq!(bench.log().await.len(), 2);
    bench.take("event", r#"{"press":{}}"#).await.unwrap();
    bench.take("event", r#"{"press":{}}"#).await.unwrap();
    let events = bench.log().await;
    let last: Vec<_> = events[2..].iter().map(|recorded| recorded.event.clone().unwrap()).collect();
    assert!(matches!(last[0].body, Some(Body::Press(_))), "the press comes first");
    assert!(
        matches!(last[1].body, Some(Body::DeviceOnline(_))) && matches!(last[2].body, Some(Body::Press(_)))
    );
    assert_eq!((last[1].origin.as_ref().unwrap().boot_id.as_str(), last.len()), ("boot", 3));
}
