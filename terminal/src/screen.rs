//! What is on the screen, and what has to be done about it. Reads no clock and does no I/O: what happens comes in as
//! values with the time, and what is to be done goes out as effects.
//!
//! Invariant: it shows only what the server said, and says when it does not know whether that is still true (P5).

mod detail;
mod input;
mod keys;
mod listing;
mod prompt;
mod pulse;
mod rows;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use sos_proto::alert::v1::watch_alerts_response::Event;
use sos_proto::alert::v1::{Alert, AlertState, GetAlertResponse, WatchAlertsResponse};
use sos_proto::time;

pub use detail::{Detail, Line};
pub use input::Input;
pub use listing::Listing;
pub use prompt::{Ask, Form, Prompt};
pub use pulse::{Loss, Pulse, Standing};
pub use rows::{CLOSED_MAX, List};

use crate::clock::{Clock, Moment, length};
use crate::order::{Command, Order, Outcome, Refusal};
use crate::words;

/// How long a message stays, if no key is pressed.
const NOTICE_TIME: Duration = Duration::from_secs(10);

/// How long the bell is silent after `m`.
const MUTE_TIME: Duration = Duration::from_secs(60);

/// Shortest time between two bells.
const RING_INTERVAL: Duration = Duration::from_secs(1);

/// The smallest terminal that everything fits on.
pub const SIZE_MIN: (u16, u16) = (80, 24);

/// Rows of the screen that are not the list's: header, column names, message, keys.
pub const FRAME_ROWS: u16 = 4;

/// Something to be done outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Quit,
    Ring,
    /// Watch from here, instead of what was watched before.
    Connect {
        after_position: u64,
    },
    Send(Order),
    /// Ask for an alert with its timeline.
    Look(String),
    /// Ask for the alerts that were closed last.
    ListClosed,
}

/// What fills the screen.
#[derive(Debug)]
pub enum View {
    List,
    Detail(Box<Detail>),
}

/// How important a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Calm,
    Warning,
}

/// A message to the operator.
#[derive(Debug)]
pub struct Notice {
    pub text: String,
    pub tone: Tone,
    since: Moment,
}

/// The screen.
#[derive(Debug)]
pub struct Screen {
    /// Who commands; empty where only the server knows.
    pub operator: String,
    pub clock: Clock,
    pub listing: Listing,
    pub view: View,
    /// The keys are explained, in front of everything else.
    pub has_help: bool,
    pub prompt: Option<Prompt>,
    pub notice: Option<Notice>,
    pub size: (u16, u16),
    pulse: Pulse,
    /// The snapshot is complete: the first row is the most urgent one.
    is_whole: bool,
    /// Orders that wait for their answer, by alert: one at a time.
    sending: BTreeMap<String, Order>,
    muted_until: Option<Moment>,
    rung_at: Option<Moment>,
    /// What was written for an order that was refused: nobody should have to write it again.
    draft: Option<Order>,
}

impl Screen {
    /// An empty screen, and what it begins with.
    pub fn new(operator: &str, zone: TimeZone, now: Moment) -> (Self, Vec<Effect>) {
        let screen = Self {
            operator: operator.to_owned(),
            clock: Clock::new(zone),
            listing: Listing::new(),
            view: View::List,
            has_help: false,
            prompt: None,
            notice: None,
            size: SIZE_MIN,
            pulse: Pulse::new(now),
            is_whole: false,
            sending: BTreeMap::new(),
            muted_until: None,
            rung_at: None,
            draft: None,
        };
        (screen, vec![Effect::Connect { after_position: 0 }])
    }

    /// The terminal has another size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.size = (columns, rows);
        self.listing.resize(usize::from(rows.saturating_sub(FRAME_ROWS)));
    }

    /// The watch that was asked for begins.
    pub fn opened(&mut self, now: Moment) -> Vec<Effect> {
        self.pulse.opened(now);
        if self.pulse.position() == 0 {
            self.is_whole = false;
            self.listing.rows.begin_snapshot();
        }
        let failed = match &self.view {
            View::Detail(detail) if detail.has_failed() => detail.alert_id.clone(),
            _ => return Vec::new(),
        };
        self.looks_again(&failed).into_iter().collect()
    }

    /// One step of the watch.
    pub fn apply(&mut self, step: WatchAlertsResponse, now: Moment) -> Vec<Effect> {
        let mut head = None;
        let mut effects = Vec::new();
        match step.event {
            Some(Event::Snapshot(alert)) => drop(self.put(alert)),
            Some(Event::SnapshotEnd(_)) => {
                self.is_whole = true;
                self.listing.rows.end_snapshot();
                self.listing.select_first();
                if self.listing.rows.counts().raised > 0 {
                    effects.extend(self.ring(now));
                }
            }
            Some(Event::Changed(alert)) => effects = self.changed(alert, now),
            Some(Event::Heartbeat(heartbeat)) => {
                self.clock.hear(heartbeat.server_time.as_ref(), now);
                head = Some(heartbeat.head_position);
            }
            None => {}
        }
        self.pulse.heard(step.position, head, now);
        effects
    }

    /// The watch is lost. `is_other_log`: the log of the server ends before the position.
    pub fn lost(&mut self, loss: Loss, is_other_log: bool, now: Moment) {
        if is_other_log {
            self.pulse.start_over();
        }
        self.pulse.lost(loss, now);
    }

    fn changed(&mut self, alert: Alert, now: Moment) -> Vec<Effect> {
        let alert_id = alert.alert_id.clone();
        let is_shelved = alert.shelving.is_some();
        let (state, level, attention) = (alert.state(), alert.escalation_level, alert.attention);
        let before = self.put(alert);
        if self.is_whole {
            self.listing.select_first();
        }
        let was = before.as_ref();
        let is_raised =
            state == AlertState::Raised && was.is_none_or(|was| was.state() != AlertState::Raised);
        let is_higher = was.is_some_and(|was| level > was.escalation_level);
        let is_again = attention && was.is_none_or(|was| !was.attention);
        let rings = state != AlertState::Resolved && !is_shelved && (is_raised || is_higher || is_again);
        let look = self.looks_again(&alert_id);
        let ring = if rings { self.ring(now) } else { None };
        look.into_iter().chain(ring).collect()
    }

    fn put(&mut self, alert: Alert) -> Option<Alert> {
        let alert_id = alert.alert_id.clone();
        let before = self.listing.rows.put(alert);
        self.listing.follow(&alert_id);
        before
    }

    fn looks_again(&mut self, alert_id: &str) -> Option<Effect> {
        let asks = self.looking_at(alert_id)?.changed();
        asks.then(|| Effect::Look(alert_id.to_owned()))
    }

    fn looking_at(&mut self, alert_id: &str) -> Option<&mut Detail> {
        match &mut self.view {
            View::Detail(detail) if detail.alert_id == alert_id => Some(detail),
            _ => None,
        }
    }

    fn ring(&mut self, now: Moment) -> Option<Effect> {
        let has_rung = self.rung_at.is_some_and(|rung_at| now < rung_at + RING_INTERVAL);
        if has_rung || self.muted_for(now).is_some() {
            return None;
        }
        self.rung_at = Some(now);
        Some(Effect::Ring)
    }

    /// What became of an order.
    pub fn answered(&mut self, alert_id: &str, outcome: Outcome, now: Moment) -> Vec<Effect> {
        let Some(order) = self.sending.remove(alert_id) else { return Vec::new() };
        let name = self.listing.rows.get(alert_id).map(|row| words::name(&row.alert)).unwrap_or_default();
        match outcome {
            Outcome::Done(alert) => {
                if matches!(order.command, Command::Acknowledge | Command::Reopen { .. }) {
                    self.operator.clone_from(&alert.owner);
                }
                self.draft = None;
                let known = self.listing.rows.get(alert_id).map_or(0, |row| row.alert.revision);
                // The answer to a repeat is the first one, and may be old.
                if alert.revision >= known {
                    self.put(*alert);
                }
                self.say(Tone::Calm, format!("{name}: {}", order.command.done()), now);
                self.looks_again(alert_id).into_iter().collect()
            }
            Outcome::Refused(refusal) => {
                self.draft = Some(order);
                let text = format!("{name}: {}", self.refused(&refusal, now));
                self.say(Tone::Warning, text, now);
                Vec::new()
            }
            Outcome::Unknown(reason) => {
                self.draft = Some(order);
                let text = format!("{name}: no answer ({reason}); whether it took effect is not known");
                self.say(Tone::Warning, text, now);
                Vec::new()
            }
        }
    }

    /// P6: who comes second is told who has the alert, and since when.
    fn refused(&self, refusal: &Refusal, now: Moment) -> String {
        let since = |standing: &crate::order::Standing| {
            let since = standing.since.as_ref();
            let age =
                self.clock.age(since, now).map_or_else(String::new, |age| format!(" ({} ago)", length(age)));
            format!("{}{age}", self.clock.time(since.and_then(time::micros)))
        };
        match &refusal.standing {
            Some(standing) if standing.state == AlertState::Acknowledged && !standing.owner.is_empty() => {
                let why = if refusal.is_stale { "it has changed, look again; it" } else { "refused: it" };
                format!("{why} is {}'s since {}", words::plain(&standing.owner), since(standing))
            }
            _ if refusal.is_stale => "it has changed: look again".to_owned(),
            _ => format!("refused: {}", words::plain(&refusal.reason)),
        }
    }

    /// The alert that was asked for.
    pub fn looked(&mut self, alert_id: &str, answer: Result<GetAlertResponse, String>) -> Vec<Effect> {
        let asks_again = self.looking_at(alert_id).is_some_and(|detail| detail.answered(answer));
        if asks_again { vec![Effect::Look(alert_id.to_owned())] } else { Vec::new() }
    }

    /// The alerts that were closed last. What the watch said of them is as new.
    pub fn listed_closed(&mut self, answer: Result<Vec<Alert>, String>, now: Moment) {
        let alerts = answer.unwrap_or_else(|problem| {
            self.say(Tone::Warning, format!("older ones are not known: {}", words::plain(&problem)), now);
            Vec::new()
        });
        for alert in alerts {
            if self.listing.rows.get(&alert.alert_id).is_none_or(|row| row.alert.revision < alert.revision) {
                self.put(alert);
            }
        }
        self.listing.select_first();
    }

    /// Time passes.
    pub fn tick(&mut self, now: Moment) -> Vec<Effect> {
        if self.notice.as_ref().is_some_and(|notice| now >= notice.since + NOTICE_TIME) {
            self.notice = None;
        }
        if self.pulse.connects(now) {
            return vec![Effect::Connect { after_position: self.pulse.position() }];
        }
        Vec::new()
    }

    fn say(&mut self, tone: Tone, text: String, now: Moment) {
        self.notice = Some(Notice { text, tone, since: now });
    }

    /// How the screen stands to the log.
    pub fn standing(&self, now: Moment) -> Standing {
        self.pulse.standing(now)
    }

    /// How long the bell is still silent.
    pub fn muted_for(&self, now: Moment) -> Option<Duration> {
        self.muted_until?.checked_sub(now).filter(|left| !left.is_zero())
    }

    /// Whether an order to an alert waits for its answer.
    pub fn is_sending(&self, alert_id: &str) -> bool {
        self.sending.contains_key(alert_id)
    }

    /// The newest state of the alert that is looked at.
    pub fn detailed<'a>(&'a self, detail: &'a Detail) -> Option<&'a Alert> {
        self.listing.rows.get(&detail.alert_id).map(|row| &row.alert).or_else(|| detail.alert())
    }

    /// What the window of the terminal is called.
    pub fn title(&self, now: Moment) -> String {
        match self.standing(now) {
            Standing::Stale { .. } => "SOS: STALE".to_owned(),
            _ => format!("SOS: {} raised", self.listing.rows.counts().raised),
        }
    }
}
