//! Orders: from the key that gives one to what became of it.

use sos_proto::alert::v1::{Alert, AlertState};
use sos_proto::time;

use super::{Effect, Screen, Tone};
use crate::clock::{Moment, length};
use crate::order::{Command, Order, Outcome, Refusal, Standing};
use crate::words;

/// Most orders that wait for their answers at once.
const SENDING_MAX: usize = 32;

impl Screen {
    pub(super) fn send(&mut self, alert: &Alert, command: Command, now: Moment) -> Vec<Effect> {
        if self.is_sending(&alert.alert_id) || self.sending.len() >= SENDING_MAX {
            return self.warn("the last command is still being sent", now);
        }
        // Who closes an alert decides on what they saw: a press that came meanwhile must not be closed unseen.
        let is_decided = matches!(command, Command::Resolve { .. });
        let expected_revision = is_decided.then_some(alert.revision);
        let order = match self.drafts.unanswered(&alert.alert_id, &command) {
            Some(order) => Order { is_repeat: true, expected_revision, ..order.clone() },
            None => {
                let request_id = self.request_id();
                let alert_id = alert.alert_id.clone();
                Order { alert_id, request_id, is_repeat: false, expected_revision, command }
            }
        };
        self.sending.insert(alert.alert_id.clone(), order.clone());
        vec![Effect::Send(order)]
    }

    fn request_id(&mut self) -> String {
        self.requests += 1;
        format!("{}-{}", self.request_ids, self.requests)
    }

    /// What became of an order.
    pub fn answered(&mut self, alert_id: &str, outcome: Outcome, now: Moment) -> Vec<Effect> {
        let Some(order) = self.sending.remove(alert_id) else { return Vec::new() };
        let text = self.told(&order, &outcome, now);
        match outcome {
            Outcome::Done(alert) => {
                self.drafts.forget(&order);
                self.say(Tone::Calm, text, now);
                // An alert that is not known here is told by the watch, or not for this operator's eyes any more.
                let is_known = self.listing.rows.get(alert_id).is_some();
                if is_known { self.news(*alert, now) } else { Vec::new() }
            }
            Outcome::Refused(_) => {
                self.drafts.keep(order, false);
                self.warn(&text, now)
            }
            Outcome::Unknown(_) => {
                self.drafts.keep(order, true);
                self.insist(text);
                Vec::new()
            }
        }
    }

    /// What became of an order at the end; nothing to tell where it is done.
    pub fn parting(&mut self, alert_id: &str, outcome: &Outcome, now: Moment) -> Option<String> {
        let order = self.sending.remove(alert_id)?;
        (!matches!(outcome, Outcome::Done(_))).then(|| self.told(&order, outcome, now))
    }

    /// The end has come for the answers that are not there.
    pub fn unanswered(&mut self, now: Moment) -> Vec<String> {
        let sending = std::mem::take(&mut self.sending);
        let outcome = Outcome::Unknown("not waited for any longer".to_owned());
        sending.values().map(|order| self.told(order, &outcome, now)).collect()
    }

    fn told(&self, order: &Order, outcome: &Outcome, now: Moment) -> String {
        let row = self.listing.rows.get(&order.alert_id);
        let name = row.map_or_else(|| words::plain(&order.alert_id), |row| words::name(&row.alert));
        let what = match outcome {
            Outcome::Done(_) => order.command.done(),
            Outcome::Refused(refusal) => self.refused(refusal, now),
            Outcome::Unknown(reason) => {
                format!("no answer ({}); whether it took effect is not known", words::plain(reason))
            }
        };
        format!("{name}: {what}")
    }

    /// P6: who comes second is told who has the alert, and since when.
    fn refused(&self, refusal: &Refusal, now: Moment) -> String {
        let is_others = |standing: &&Standing| {
            let is_owned = standing.state == AlertState::Acknowledged && !standing.owner.is_empty();
            is_owned && standing.owner != self.operator()
        };
        match refusal.standing.as_ref().filter(is_others) {
            Some(standing) => {
                let why = if refusal.is_stale { "it has changed, look again; it" } else { "refused: it" };
                format!("{why} is {}'s since {}", words::plain(&standing.owner), self.since(standing, now))
            }
            None if refusal.is_stale => "it has changed: look again".to_owned(),
            None => format!("refused: {}", words::plain(&refusal.reason)),
        }
    }

    fn since(&self, standing: &Standing, now: Moment) -> String {
        let since = standing.since.as_ref();
        let age = self.clock.age(since, now).map(|age| format!(" ({} ago)", length(age)));
        format!("{}{}", self.clock.time(since.and_then(time::micros)), age.unwrap_or_default())
    }
}
