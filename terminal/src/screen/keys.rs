//! Keys: where each leads.

use sos_proto::alert::v1::{Alert, AlertState};

use super::listing::Step;
use super::prompt::{Answer, Ask, Form, Prompt};
use super::rows::List;
use super::{Detail, Effect, FRAME_ROWS, MUTE_TIME, Screen, Tone, View};
use crate::clock::Moment;
use crate::key::{Key, latin};
use crate::order::Command;

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
                return if is_open { vec![self.lists_closed()] } else { Vec::new() };
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
        if matches!(key, Key::Esc | Key::Enter | Key::Char('q')) {
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
        if let Key::Char(key) = key
            && !self.allows(*key)
        {
            return self.warn("your role does not allow this", now);
        }
        let form = match (key, alert.state()) {
            (Key::Char('a'), _) => return self.send(&alert, Command::Acknowledge, now),
            (Key::Char('s'), _) if alert.shelving.is_some() => {
                return self.send(&alert, Command::Unshelve, now);
            }
            (Key::Char('n'), _) => Form::text(Ask::Note, ""),
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
        self.ask(Box::new(alert), form);
        Vec::new()
    }

    /// Asks, with what was written before to answer the same.
    fn ask(&mut self, alert: Box<Alert>, mut form: Form) {
        if let Form::Text { ask, .. } = &form {
            form = Form::text(ask.clone(), self.drafts.text(&alert.alert_id, ask));
        }
        self.prompt = Some(Prompt { alert: Some(alert), form });
    }

    fn prompt_key(&mut self, mut prompt: Prompt, key: &Key, now: Moment) -> Vec<Effect> {
        let server_now = self.clock.at(now);
        let was_menu = matches!(prompt.form, Form::Menu { .. });
        match prompt.key(key, server_now) {
            Answer::Asking => {
                if let Form::Text { ask: Ask::Filter, input } = &prompt.form {
                    self.listing.look_for(&input.text());
                }
                match prompt {
                    Prompt { alert: Some(alert), form } if was_menu => self.ask(alert, form),
                    prompt => self.prompt = Some(prompt),
                }
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
        Key::Home => Step::Home,
        Key::End => Step::End,
        _ => return None,
    })
}
