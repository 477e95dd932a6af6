//! What is on the screen, and what has to be done about it. Reads no clock and does no I/O: what happens comes in as
//! values with the time, and what is to be done goes out as effects.
//!
//! Invariant: it shows only what the server said, and says when it does not know whether that is still true (P5).

mod detail;
mod drafts;
mod input;
mod keys;
mod listing;
mod orders;
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

pub use detail::{Detail, Line};
pub use input::Input;
pub use listing::Listing;
pub use prompt::{Ask, Form, Prompt};
pub use pulse::{Loss, Pulse, STALE_AFTER, Standing};
pub use rows::{CLOSED_MAX, List};

use crate::clock::{Clock, Moment};
use crate::order::Order;
use crate::session::Session;
use crate::words;
use drafts::Drafts;
use rows::Rows;

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
    /// Ask for closed alerts.
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
    /// When it goes by itself. Nothing: it stays until a key is pressed.
    until: Option<Moment>,
}

/// The screen.
#[derive(Debug)]
pub struct Screen {
    /// Nothing until the server was heard.
    session: Option<Session>,
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
    drafts: Drafts,
    /// What request ids begin with, and how many were given.
    request_ids: String,
    requests: u64,
    /// Closed alerts were asked for.
    is_listing: bool,
}

impl Screen {
    /// An empty screen, and what it begins with.
    pub fn new(request_ids: &str, zone: TimeZone, now: Moment) -> (Self, Vec<Effect>) {
        let screen = Self {
            session: None,
            clock: Clock::new(zone),
            listing: Listing::new(),
            view: View::List,
            has_help: false,
            prompt: None,
            notice: None,
            size: SIZE_MIN,
            pulse: Pulse::new(0, now),
            is_whole: false,
            sending: BTreeMap::new(),
            muted_until: None,
            rung_at: None,
            drafts: Drafts::default(),
            request_ids: request_ids.to_owned(),
            requests: 0,
            is_listing: false,
        };
        (screen, vec![Effect::Connect { after_position: 0 }])
    }

    /// The terminal has another size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.size = (columns, rows);
        self.listing.resize(usize::from(rows.saturating_sub(FRAME_ROWS)));
    }

    /// The watch that was asked for begins, for whom the server takes the operator to be.
    pub fn opened(&mut self, session: Session, now: Moment) -> Vec<Effect> {
        let is_another = self.session.as_ref().is_some_and(|known| !known.sees_as(&session));
        self.session = Some(session);
        if is_another {
            self.pulse.restart(now);
            self.forget();
            return vec![Effect::Connect { after_position: 0 }];
        }
        self.pulse.opened(now);
        if self.pulse.position() == 0 {
            self.forget();
        }
        let failed = match &self.view {
            View::Detail(detail) if detail.has_failed() => detail.alert_id.clone(),
            _ => return Vec::new(),
        };
        self.looks_again(&failed).into_iter().collect()
    }

    /// What is known is of another log, or not for the eyes of this operator. Only the selection stays: it must not
    /// fall on another alert unseen.
    fn forget(&mut self) {
        self.is_whole = false;
        self.is_listing = false;
        self.listing.rows = Rows::default();
        self.view = View::List;
        self.prompt = None;
        self.drafts = Drafts::default();
    }

    /// One step of the watch.
    pub fn apply(&mut self, step: WatchAlertsResponse, now: Moment) -> Vec<Effect> {
        let mut head = None;
        let mut effects = Vec::new();
        match step.event {
            Some(Event::Snapshot(alert)) => drop(self.put(alert)),
            Some(Event::SnapshotEnd(_)) => effects = self.is_complete(now),
            Some(Event::Changed(alert)) => effects = self.news(alert, now),
            Some(Event::Heartbeat(heartbeat)) => {
                self.clock.hear(heartbeat.server_time.as_ref(), now);
                head = Some(heartbeat.head_position);
            }
            None => {}
        }
        self.pulse.heard(step.position, head, now);
        effects
    }

    fn is_complete(&mut self, now: Moment) -> Vec<Effect> {
        self.is_whole = true;
        self.listing.select_first();
        let ring = if self.listing.rows.counts().raised > 0 { self.ring(now) } else { None };
        let is_closed = self.listing.list() == List::Closed;
        let list = is_closed.then(|| self.lists_closed());
        ring.into_iter().chain(list).collect()
    }

    /// The watch is lost. `is_other_log`: the log of the server ends before the position.
    pub fn lost(&mut self, loss: Loss, is_other_log: bool, now: Moment) {
        if is_other_log {
            self.pulse.start_over();
        }
        self.pulse.lost(loss, now);
    }

    /// An alert has changed. Watch and answers come on their own ways: what is older than what is known is no news.
    fn news(&mut self, alert: Alert, now: Moment) -> Vec<Effect> {
        let alert_id = alert.alert_id.clone();
        let is_shelved = alert.shelving.is_some();
        let (state, level, presses) = (alert.state(), alert.escalation_level, alert.press_count);
        let attention = alert.attention;
        let known = self.listing.rows.get(&alert_id);
        if known.is_some_and(|row| alert.revision < row.alert.revision) {
            return Vec::new();
        }
        let before = self.put(alert);
        if self.is_whole {
            self.listing.select_first();
        }
        let was = before.as_ref();
        let is_raised =
            state == AlertState::Raised && was.is_none_or(|was| was.state() != AlertState::Raised);
        let is_higher = was.is_some_and(|was| level > was.escalation_level);
        let is_again = attention && was.is_none_or(|was| !was.attention || presses > was.press_count);
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

    /// The alert that was asked for.
    pub fn looked(&mut self, alert_id: &str, answer: Result<GetAlertResponse, String>) -> Vec<Effect> {
        let asks_again = self.looking_at(alert_id).is_some_and(|detail| detail.answered(answer));
        if asks_again { vec![Effect::Look(alert_id.to_owned())] } else { Vec::new() }
    }

    fn lists_closed(&mut self) -> Effect {
        self.is_listing = true;
        Effect::ListClosed
    }

    /// Closed alerts. What the watch said of them is as new.
    pub fn listed_closed(&mut self, answer: Result<Vec<Alert>, String>, now: Moment) {
        if !std::mem::take(&mut self.is_listing) {
            return;
        }
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
        if self.notice.as_ref().and_then(|notice| notice.until).is_some_and(|until| now >= until) {
            self.notice = None;
        }
        if self.pulse.connects(now) {
            return vec![Effect::Connect { after_position: self.pulse.position() }];
        }
        Vec::new()
    }

    fn say(&mut self, tone: Tone, text: String, now: Moment) {
        self.notice = Some(match self.notice.take() {
            // What stays until a key is pressed is seen beside what is new.
            Some(Notice { text: old, until: None, .. }) => {
                Notice { text: format!("{text} — {old}"), tone: Tone::Warning, until: None }
            }
            _ => Notice { text, tone, until: Some(now + NOTICE_TIME) },
        });
    }

    fn warn(&mut self, text: &str, now: Moment) -> Vec<Effect> {
        self.say(Tone::Warning, text.to_owned(), now);
        Vec::new()
    }

    /// Says what must not go unseen.
    fn insist(&mut self, text: String) {
        let old = self.notice.take().filter(|notice| notice.until.is_none());
        let text = old.map_or_else(|| text.clone(), |old| format!("{text} — {}", old.text));
        self.notice = Some(Notice { text, tone: Tone::Warning, until: None });
    }

    /// Who commands; empty until the server has said who that is.
    pub fn operator(&self) -> &str {
        self.session.as_ref().map_or("", |session| &session.name)
    }

    /// Whether the server lets the operator do what a key is for.
    pub fn allows(&self, key: char) -> bool {
        self.session.as_ref().is_none_or(|session| session.allows(key))
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
