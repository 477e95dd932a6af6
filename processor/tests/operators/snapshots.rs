//! P4: what was kept of the log saves time and changes nothing.

use std::sync::Arc;
use std::time::Duration;

use sos_eventlog::LocalLog;
use sos_processor::{Config, PriorityRule, Rules};
use sos_proto::alert::v1::AlertPriority;

use super::gated::Gated;
use super::support::{Town, acknowledge, config, list, log};

fn keeping(dir: &std::path::Path) -> Config {
    Config { snapshots: Some(dir.to_owned()), ..config() }
}

#[tokio::test]
async fn a_restart_reads_only_what_came_since() {
    let kept = tempfile::tempdir().unwrap();
    let log = log();
    let town = Town::on(Arc::clone(&log), keeping(kept.path())).await;
    let mut client = town.client().await;
    let first = town.press("door").await;
    let taken = acknowledge(&mut client, "asel", &first, "take").await.unwrap();
    town.stop().await.unwrap();

    let gated = Gated::new(Arc::clone(&log), true);
    let town = Town::on(gated.clone(), keeping(kept.path())).await;
    assert_eq!(gated.followed_from(), [3]);
    let mut client = town.client().await;
    let second = town.press("gate").await;
    town.settle(&mut client).await;
    let with_snapshot = list(&mut client, None).await;
    assert_eq!(with_snapshot.iter().map(|a| a.alert_id.clone()).collect::<Vec<_>>(), [second, first.clone()]);
    // P6: commands of before are known.
    assert_eq!(acknowledge(&mut client, "asel", &first, "take").await.unwrap(), taken);
    town.stop().await.unwrap();

    let plain = Town::on(Arc::clone(&log), config()).await;
    assert_eq!(list(&mut plain.client().await, None).await, with_snapshot);
    plain.stop().await.unwrap();
}

#[tokio::test]
async fn a_snapshot_that_does_not_fit_is_as_if_there_were_none() {
    let kept = tempfile::tempdir().unwrap();
    let log = log();
    let town = Town::on(Arc::clone(&log), keeping(kept.path())).await;
    let alert_id = town.press("door").await;
    town.settle(&mut town.client().await).await;
    town.stop().await.unwrap();

    // Other rules.
    let urgent = PriorityRule { priority: AlertPriority::Critical, ..PriorityRule::default() };
    let rules = Rules { priorities: vec![urgent] };
    let gated = Gated::new(Arc::clone(&log), true);
    let town = Town::on(gated.clone(), Config { rules, ..keeping(kept.path()) }).await;
    assert_eq!(gated.followed_from(), [1]);
    assert_eq!(list(&mut town.client().await, None).await[0].priority(), AlertPriority::Critical);
    town.stop().await.unwrap();

    // Other bytes.
    let file = kept.path().join("alerts");
    let mut bytes = std::fs::read(&file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let gated = Gated::new(Arc::clone(&log), true);
    let town = Town::on(gated.clone(), keeping(kept.path())).await;
    assert_eq!(gated.followed_from(), [1]);
    assert_eq!(list(&mut town.client().await, None).await[0].alert_id, alert_id);
    town.stop().await.unwrap();

    // Another log.
    let other = Gated::new(Arc::new(LocalLog::in_memory()), true);
    let town = Town::on(other.clone(), keeping(kept.path())).await;
    assert_eq!(other.followed_from(), [1]);
    assert_eq!(list(&mut town.client().await, None).await.len(), 0);
    town.stop().await.unwrap();
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_stops_nobody() {
    let kept = tempfile::NamedTempFile::new().unwrap();
    let town = Town::on(log(), keeping(kept.path())).await;
    town.press("door").await;
    let stopped = tokio::time::timeout(Duration::from_secs(20), town.stop()).await.expect("it ends");
    stopped.unwrap();
}
