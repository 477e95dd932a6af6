//! P5: a console that is cut off at random and returns ends with the same view as one that never left.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use sos_eventlog::Append;
use sos_proto::alert::v1::watch_alerts_response::Event as Step;
use sos_proto::alert::v1::{Alert, AlertFilter, AlertState, WatchAlertsResponse};
use sos_proto::device::v1::Press;
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{AlertAcknowledged, AlertResolved, Disposition, Event};
use tonic::Streaming;

use super::support::{Client, Town, acknowledge, happening, list, resolve, watch};

/// What happens next.
#[derive(Debug, Clone)]
enum Turn {
    Press(u8),
    Acknowledge(u8),
    Resolve(u8),
    /// The console reads some messages.
    Read(u8),
    /// The console loses its connection, and resumes.
    Cut,
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let turn = prop_oneof![
        3 => (0..4_u8).prop_map(Turn::Press),
        3 => (0..4_u8).prop_map(Turn::Acknowledge),
        2 => (0..4_u8).prop_map(Turn::Resolve),
        2 => (1..5_u8).prop_map(Turn::Read),
        3 => Just(Turn::Cut),
    ];
    proptest::collection::vec(turn, 1..60)
}

/// A console as the contract advises to build one: it drops what no longer fits, and without a filter it
/// shows what is open.
struct Console {
    filter: Option<AlertFilter>,
    shown_states: Vec<i32>,
    stream: Streaming<WatchAlertsResponse>,
    position: u64,
    screen: BTreeMap<String, Alert>,
}

impl Console {
    async fn new(client: &mut Client, filter: Option<AlertFilter>) -> Self {
        let stream = watch(client, filter.clone(), 0).await.unwrap();
        Self {
            shown_states: shown_states(filter.as_ref()),
            filter,
            stream,
            position: 0,
            screen: BTreeMap::new(),
        }
    }

    async fn resume(&mut self, client: &mut Client) {
        // Cut off within the snapshot, it starts anew.
        if self.position == 0 {
            self.screen.clear();
        }
        self.stream = watch(client, self.filter.clone(), self.position).await.unwrap();
    }

    async fn read(&mut self) {
        let message = self.stream.message().await.unwrap().expect("a watch never ends by itself");
        assert!(message.position >= self.position);
        self.position = message.position;
        match message.event.unwrap() {
            Step::Snapshot(alert) => self.show(alert),
            Step::Changed(alert) => {
                let shown = self.screen.get(&alert.alert_id);
                assert!(
                    shown.is_none_or(|shown| shown.position <= alert.position),
                    "older than what is shown"
                );
                self.show(alert);
            }
            Step::SnapshotEnd(_) | Step::Heartbeat(_) => {}
        }
    }

    fn show(&mut self, alert: Alert) {
        if self.shown_states.contains(&alert.state) {
            self.screen.insert(alert.alert_id.clone(), alert);
        } else {
            self.screen.remove(&alert.alert_id);
        }
    }

    async fn read_to(&mut self, head: u64) {
        let reading = async {
            while self.position < head {
                self.read().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), reading).await.expect("the console catches up");
    }
}

fn shown_states(filter: Option<&AlertFilter>) -> Vec<i32> {
    let open = [AlertState::Raised, AlertState::Acknowledged].map(i32::from);
    filter.map_or_else(|| open.to_vec(), |filter| filter.states.clone())
}

async fn play(turns: &[Turn], states: &[AlertState]) {
    let town = Town::new().await;
    let mut client = town.client().await;
    let states: Vec<_> = states.iter().map(|state| i32::from(*state)).collect();
    let filter = (!states.is_empty()).then(|| AlertFilter { states, ..AlertFilter::default() });
    let mut stays = Console::new(&mut client, filter.clone()).await;
    let mut comes_and_goes = Console::new(&mut client, filter.clone()).await;
    let mut newest = BTreeMap::new();
    for (turn, number) in turns.iter().zip(0..) {
        let request_id = format!("r{number}");
        match turn {
            Turn::Press(device) => {
                let pressed = town.press(&format!("door-{device}")).await;
                newest.entry(device).or_insert_with(Vec::new).push(pressed);
            }
            // Refused where the state does not allow it, or where the press had joined another alert.
            Turn::Acknowledge(device) => {
                for alert_id in newest.get(device).into_iter().flatten() {
                    let _refused =
                        acknowledge(&mut client, "asel", alert_id, &format!("{request_id}-{alert_id}"))
                            .await
                            .is_err();
                }
            }
            Turn::Resolve(device) => {
                for alert_id in newest.get(device).into_iter().flatten() {
                    let _refused =
                        resolve(&mut client, "asel", alert_id, &format!("{request_id}-{alert_id}"))
                            .await
                            .is_err();
                }
            }
            Turn::Read(messages) => {
                for _ in 0..*messages {
                    comes_and_goes.read().await;
                }
            }
            Turn::Cut => comes_and_goes.resume(&mut client).await,
        }
    }
    let head = town.log.head().await.unwrap().position;
    stays.read_to(head).await;
    comes_and_goes.read_to(head).await;
    assert_eq!(comes_and_goes.screen, stays.screen);
    let shown = AlertFilter { states: shown_states(filter.as_ref()), ..AlertFilter::default() };
    let listed = list(&mut client, Some(shown)).await;
    assert_eq!(stays.screen, listed.into_iter().map(|alert| (alert.alert_id.clone(), alert)).collect());
    town.stop().await.unwrap();
}

/// Presses at 39 call points, and what becomes of the alerts that they open.
fn changes() -> Vec<Event> {
    let mut open: BTreeMap<String, (String, u32)> = BTreeMap::new();
    let mut changes = Vec::new();
    for number in 0..10_000_u32 {
        let device = format!("door-{}", number * 7 % 39);
        let mut event = happening("hall", &device, Body::Press(Press::default()));
        let (alert_id, step) = open.entry(device).or_insert_with(|| (event.event_id.clone(), 0));
        *step += 1;
        let body = match *step % 5 {
            3 => Body::AlertAcknowledged(AlertAcknowledged {}),
            0 => Body::AlertResolved(AlertResolved {
                disposition: Disposition::Genuine.into(),
                ..AlertResolved::default()
            }),
            _ => Body::Press(Press::default()),
        };
        if !matches!(body, Body::Press(_)) {
            (event.alert_id, event.actor) = (alert_id.clone(), "asel".to_owned());
        }
        if *step == 5 {
            let device = event.device_id.clone();
            open.remove(&device);
        }
        event.body = Some(body);
        changes.push(event);
    }
    changes
}

// P5: killed and resumed 100 times during 10,000 changes, a console ends with what one has that never left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_times_killed() {
    let town = Town::new().await;
    let mut client = town.client().await;
    let mut stays = Console::new(&mut client, None).await;
    let mut killed = Console::new(&mut client, None).await;
    let changes = changes();
    for (kills, some) in changes.chunks(100).enumerate() {
        for few in some.chunks(50) {
            town.log.append(Append { events: few.to_vec(), expected: Vec::new() }).await.unwrap();
        }
        // It dies in the middle of what it is told, a little further each time.
        for _ in 0..=kills % 17 {
            killed.read().await;
        }
        killed.resume(&mut client).await;
    }
    let head = town.log.head().await.unwrap().position;
    assert_eq!(head, 10_000);
    stays.read_to(head).await;
    killed.read_to(head).await;
    assert_eq!(killed.screen, stays.screen);
    assert!(!stays.screen.is_empty());
    town.stop().await.unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn who_comes_and_goes_sees_what_who_stays_sees(
        turns in turns(),
        states in proptest::sample::subsequence(
            vec![AlertState::Raised, AlertState::Acknowledged, AlertState::Resolved], 0..=2),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(play(&turns, &states));
    }
}
