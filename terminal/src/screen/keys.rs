//! Keys: where each leads.

use sos_proto::alert::v1::{Alert, AlertState};

use super::listing::Step;
use super::prompt::{Answer, Ask, Form, Prompt};
use super::rows::List;
use super::{Detail, Effect, FRAME_ROWS, MUTE_TIME, Screen, Tone, View};
use crate::clock::Moment;
use crate::key::{Key, latin};
use crate::order::{Command, Order};

/// Most orders that wait for their answers at once.
const SENDING_MAX: usize = 32;

impl Screen {
    /// A key was pressed.
    pub fn key(&mut self, key: Key, now: Moment) -> Vec<Effect> {
        if key == Key::Ctrl('c') {
            return vec![Effect::Quit];
        }
        if let Some(prompt) = self.prompt.take() {
            return self.prompt_key(prompt, &key, now);
        }
        if std::mem::take(&mut self.has_help) {
            return Vec::new();
        }
        self.notice = None;
        let key = if let Key::Char(c) = key { Key::Char(latin(c)) } else { key };
        if let Some(effects) = self.anywhere(&key, now) {
            return effects;
        }
        match &self.view {
            View::List => self.list_key(&key, now),
            View::Detail(_) => self.detail_key(&key, now),
        }
    }

    fn anywhere(&mut self, key: &Key, now: Moment) -> Option<Vec<Effect>> {
        match key {
            Key::Char('m') => {
                let is_muted = self.muted_for(now).is_some();
                self.muted_until = (!is_muted).then_some(now + MUTE_TIME);
            }
            Key::Char('h' | '?') => self.has_help = true,
            _ => return None,
        }
        Some(Vec::new())
    }

    fn list_key(&mut self, key: &Key, now: Moment) -> Vec<Effect> {
        if let Some(step) = step(key) {
            self.listing.go(step);
            return Vec::new();
        }
        match key {
            Key::Char('q') => return vec![Effect::Quit],
            Key::Char('/') => {
                let form = Form::text(Ask::Filter, &self.listing.needle());
                self.prompt = Some(Prompt { alert: None, form });
            }
            Key::Esc => self.listing.look_for(""),
            Key::Char('c') => {
                let is_open = self.listing.list() == List::Open;
                self.listing.show(if is_open { List::Closed } else { List::Open });
                return if is_open { vec![Effect::ListClosed] } else { Vec::new() };
            }
            key => return self.selected_key(key, now),
        }
        Vec::new()
    }

    /// A key that is about the selected alert.
    fn selected_key(&mut self, key: &Key, now: Moment) -> Vec<Effect> {
        if !is_about_an_alert(key) {
            return Vec::new();
        }
        let Some(alert) = self.listing.selected().map(|row| row.alert.clone()) else {
            self.listing.go(Step::Down);
            let is_selected = self.listing.selected().is_some();
            let text =
                if is_selected { "that alert left the list: now this one is selected" } else { "no alert" };
            self.say(Tone::Warning, text.to_owned(), now);
            return Vec::new();
        };
        if *key == Key::Enter {
            self.view = View::Detail(Box::new(Detail::new(&alert.alert_id)));
            return vec![Effect::Look(alert.alert_id)];
        }
        self.command(key, alert, now)
    }

    fn detail_key(&mut self, key: &Key, now: Moment) -> Vec<Effect> {
        let lines_max = self.lines_max(now);
        let page = usize::from(self.size.1.saturating_sub(FRAME_ROWS));
        let View::Detail(detail) = &mut self.view else { return Vec::new() };
        let scroll = detail.scroll.min(lines_max.saturating_sub(page));
        if let Some(step) = step(key) {
            let scroll = match step {
                Step::Up => scroll.saturating_sub(1),
                Step::Down => scroll + 1,
                Step::PageUp => scroll.saturating_sub(page),
                Step::PageDown => scroll + page,
                Step::Home => 0,
                Step::End => lines_max,
            };
            detail.scroll = scroll.min(lines_max.saturating_sub(page));
            return Vec::new();
        }
        if matches!(key, Key::Esc | Key::Enter | Key::Backspace | Key::Left | Key::Char('q')) {
            self.view = View::List;
            return Vec::new();
        }
        let View::Detail(detail) = &self.view else { return Vec::new() };
        match self.detailed(detail).cloned() {
            Some(alert) => self.command(key, alert, now),
            None => Vec::new(),
        }
    }

    fn lines_max(&self, now: Moment) -> usize {
        let View::Detail(detail) = &self.view else { return 0 };
        let Some(alert) = self.detailed(detail) else { return 0 };
        detail.lines(alert, &self.clock, usize::from(self.size.0), now).len()
    }

    /// A command to an alert: at once, or after a question.
    fn command(&mut self, key: &Key, alert: Alert, now: Moment) -> Vec<Effect> {
        if !is_about_an_alert(key) {
            return Vec::new();
        }
        let form = match (key, alert.state()) {
            (Key::Char('a'), _) => return self.send(&alert, Command::Acknowledge, now),
            (Key::Char('s'), _) if alert.shelving.is_some() => {
                return self.send(&alert, Command::Unshelve, now);
            }
            (Key::Char('n'), _) => Form::text(Ask::Note, &self.draft_of(&alert)),
            (Key::Char('o'), AlertState::Resolved) => Form::text(Ask::Reopen, ""),
            (Key::Char('o'), _) => return self.warn("only a resolved alert can be opened again", now),
            (_, AlertState::Resolved) => return self.warn("it is resolved: open it again (o) first", now),
            (Key::Char('e'), _) => Form::text(Ask::Escalate, ""),
            (Key::Char('s'), _) => Form::shelving(),
            (Key::Char('!'), _) => Form::text(Ask::DeclareActual, ""),
            (Key::Char('u'), _) => match Form::units(&alert) {
                Some(form) => form,
                None => return self.warn("no unit is on its way or at work", now),
            },
            (_, AlertState::Raised) => return self.warn("nobody has it: take it (a) first", now),
            (Key::Char('d'), _) => Form::text(Ask::Dispatch, ""),
            (Key::Char('t'), _) => Form::text(Ask::Transfer, ""),
            _ => Form::dispositions(),
        };
        self.prompt = Some(Prompt { alert: Some(Box::new(alert)), form });
        Vec::new()
    }

    fn warn(&mut self, text: &str, now: Moment) -> Vec<Effect> {
        self.say(Tone::Warning, text.to_owned(), now);
        Vec::new()
    }

    fn prompt_key(&mut self, mut prompt: Prompt, key: &Key, now: Moment) -> Vec<Effect> {
        let server_now = self.clock.at(now);
        let was_menu = matches!(prompt.form, Form::Menu { .. });
        match prompt.key(key, server_now) {
            Answer::Asking => {
                if let Form::Text { ask: Ask::Filter, input } = &prompt.form {
                    self.listing.look_for(&input.text());
                }
                if let (true, Form::Text { ask, .. }, Some(alert)) = (was_menu, &prompt.form, &prompt.alert) {
                    prompt.form = Form::text(ask.clone(), &self.draft_of(alert));
                }
                self.prompt = Some(prompt);
                Vec::new()
            }
            Answer::Cancelled => {
                if prompt.alert.is_none() {
                    self.listing.look_for("");
                }
                Vec::new()
            }
            Answer::Filter(text) => {
                self.listing.look_for(&text);
                Vec::new()
            }
            Answer::Send(command) => match prompt.alert {
                Some(alert) => self.send(&alert, command, now),
                None => Vec::new(),
            },
        }
    }

    /// What was written about this alert for an order that was refused.
    fn draft_of(&self, alert: &Alert) -> String {
        let draft = self.draft.as_ref().filter(|draft| draft.alert_id == alert.alert_id);
        match draft.map(|draft| &draft.command) {
            Some(Command::Note { note } | Command::Resolve { note, .. }) => note.clone(),
            _ => String::new(),
        }
    }

    fn send(&mut self, alert: &Alert, command: Command, now: Moment) -> Vec<Effect> {
        if self.is_sending(&alert.alert_id) || self.sending.len() >= SENDING_MAX {
            return self.warn("the last command is still being sent", now);
        }
        // Who closes an alert decides on what they saw: a press that came meanwhile must not be closed unseen.
        let is_decided = matches!(command, Command::Resolve { .. });
        let expected_revision = is_decided.then_some(alert.revision);
        let order = Order { alert_id: alert.alert_id.clone(), expected_revision, command };
        self.sending.insert(alert.alert_id.clone(), order.clone());
        vec![Effect::Send(order)]
    }
}

fn is_about_an_alert(key: &Key) -> bool {
    matches!(key, Key::Enter | Key::Char('a' | 'd' | 'u' | 'n' | 't' | 'e' | 'r' | 'o' | 's' | '!'))
}

fn step(key: &Key) -> Option<Step> {
    Some(match key {
        Key::Up | Key::Char('k') => Step::Up,
        Key::Down | Key::Char('j') => Step::Down,
        Key::PageUp => Step::PageUp,
        Key::PageDown => Step::PageDown,
        Key::Home | Key::Char('g') => Step::Home,
        Key::End | Key::Char('G') => Step::End,
        _ => return None,
    })
}
