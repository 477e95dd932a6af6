//! `sos up --demo`: a simulated town beside the system, over its ports like any client.

use anyhow::Context as _;
use sos_simulator::demo;

use super::{House, near};
use crate::cli::AccessArgs;
use crate::config::{Config, GrpcAuth, MqttAuth};
use crate::{output, remote};

/// Whether its simulated people can come in: they have neither certificates nor passwords.
///
/// # Errors
/// If they cannot; names the key that is in the way.
pub(super) fn check(config: &Config) -> anyhow::Result<()> {
    let obstacles = [
        ("mqtt.embedded = false", !config.mqtt.embedded),
        ("mqtt.auth", config.mqtt.auth != MqttAuth::None),
        ("mqtt.tls", config.mqtt.tls.files().is_some()),
        ("grpc.auth", config.grpc.auth != GrpcAuth::None),
        ("grpc.tls", config.grpc.tls.files().is_some()),
    ];
    match obstacles.iter().find(|(_, is_there)| *is_there) {
        Some((key, _)) => anyhow::bail!(
            "--demo does not work with {key}: its town presses on the embedded broker, and its colleague works over \
             gRPC, both without authentication and TLS; leave one of the two out"
        ),
        None => Ok(()),
    }
}

impl House {
    /// Adds the town, which waits until everything is ready.
    pub(super) fn add_demo(&mut self) {
        let (Some(mqtt), Some(grpc)) = (self.ports.mqtt.map(near), self.ports.grpc.map(near)) else { return };
        self.has_demo = true;
        // A run of its own, so that its presses are new whatever the log holds.
        let run = format!("{:x}", sos_eventlog::clock::now());
        let (shutdown, parts) = (self.shutdown.clone(), self.parts.clone());
        self.tasks.spawn(async move {
            for mut part in parts {
                if shutdown.run_until_cancelled(part.ready.wait_for(|ready| *ready)).await.is_none() {
                    return Ok(());
                }
            }
            let link =
                remote::connect(&grpc.to_string(), &AccessArgs::default()).await.context("the demo")?;
            demo::run(mqtt.to_string(), link, run, shutdown).await.context("the demo")
        });
    }
}

/// Tells who else is there.
pub(super) fn announce() {
    output::announce(&format!(
        "demo: presses in a simulated town; a simulated colleague, {}, takes those that you leave",
        demo::COLLEAGUE
    ));
}
