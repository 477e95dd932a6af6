//! A simulated town for the demo: sites and call points ([`places`]), what happens there ([`scenes`]) and when
//! ([`agenda`]), and a colleague on duty ([`colleague`]). It knows only the wire, and nothing depends on it: it can be lost
//! at any time.
//!
//! Invariant: a second run on the same log registers nothing again, and opens only what is not open.

mod agenda;
mod buttons;
mod colleague;
mod desk;
mod places;
mod scenes;

use std::collections::HashSet;
use std::time::Duration;

use sos_proto::link::Link;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::config::{Broker, ConfigError, GIVE_UP_DEFAULT, Run};
use crate::device::Device;
use crate::retry::chance_of;
use crate::system::{Registry, SystemError};
use crate::telemetry;
use agenda::{Agenda, Errand};
use buttons::Buttons;
use desk::Desk;
use places::SPOTS;
use scenes::{Act, Step};

/// Name under which the simulated colleague works.
pub const COLLEAGUE: &str = colleague::NAME;

/// Pause before the registry is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// Names what is registered: the same request for the same table has no second effect (P6). Count it up when the table
/// changes.
const TABLE: &str = "demo-1";

/// Lives until `shutdown`. `mqtt` is `host:port`. `run` is 1 to 40 characters of `[a-z0-9._-]`: under a
/// name that the log knows already its presses are repeats and open nothing (P2), so each start needs a new
/// one.
///
/// # Errors
/// If a setting is wrong; nothing was sent then.
pub async fn run(
    mqtt: String,
    grpc: Link,
    run: String,
    shutdown: CancellationToken,
) -> Result<(), ConfigError> {
    let (broker, run) = (Broker::parse(&mqtt)?, Run::parse(&run)?);
    let client_id = format!("sos-sim-{}-demo", run.as_str());
    let device = Device::new(&broker, &client_id, GIVE_UP_DEFAULT, shutdown.clone());
    let buttons = Buttons::new(device, format!("demo-{}", run.as_str()));
    let desk = Desk::new(grpc.clone());
    let living = async {
        let pressed = settle(&Registry::new(grpc), &desk).await;
        let agenda = Agenda::new(chance_of(run.as_str()), buttons.count(), |step| is_news(step, &pressed));
        live(buttons, agenda, &shutdown).await;
    };
    tokio::select! {
        () = living => {}
        never = desk.clone().work() => match never {},
        () = stopped(&shutdown) => {}
    }
    Ok(())
}

/// Ends when there was time to stop.
async fn stopped(shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    sleep(crate::config::DISCONNECT_WAIT).await;
}

/// Registers the town, however long that takes, and answers with the call points that are pressed already.
async fn settle(registry: &Registry, desk: &Desk) -> HashSet<String> {
    loop {
        let settled = async {
            register(registry).await?;
            Ok::<_, SystemError>(desk.pressed().await?)
        };
        match settled.await {
            Ok(pressed) => return pressed,
            Err(error) => telemetry::not_settled(&error),
        }
        sleep(PAUSE).await;
    }
}

async fn register(registry: &Registry) -> Result<(), SystemError> {
    for spot in SPOTS {
        registry.put_site(spot.site(), TABLE).await?;
        for device in spot.devices() {
            registry.put_device(device, TABLE).await?;
        }
    }
    Ok(())
}

/// Whether a step of the opening is wanted: nobody presses where an alert of an earlier run is open.
fn is_news((_, point, act): &Step, pressed: &HashSet<String>) -> bool {
    let is_press = matches!(act, Act::Press(..) | Act::Silent(..));
    !is_press || !pressed.contains(*point)
}

async fn live(mut buttons: Buttons, agenda: Agenda, shutdown: &CancellationToken) {
    buttons.begin().await;
    let start = Instant::now();
    for (at, errand) in agenda {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            () = sleep_until(start + at) => {}
            never = buttons.idle() => match never {},
        }
        match errand {
            Errand::Step((_, point, act)) => buttons.act(point, act).await,
            Errand::Report(number) => buttons.report(number).await,
        }
    }
    buttons.close().await;
}
