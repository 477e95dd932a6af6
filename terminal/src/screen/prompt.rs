//! What the screen asks before a command can be sent: a text, or one of several.

use std::time::Duration;

use sos_proto::alert::v1::Alert;
use sos_proto::event::v1::{Disposition, ResponseStatus};
use sos_proto::time;

use super::input::{Input, NAME_MAX, TEXT_MAX};
use crate::key::Key;
use crate::order::Command;
use crate::words;

/// What a text is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    Filter,
    Dispatch,
    Note,
    Transfer,
    Escalate,
    Resolve(Disposition),
    Reopen,
    DeclareActual,
    Shelve(Duration),
}

/// One of several.
#[derive(Debug, Clone, PartialEq)]
pub enum Pick {
    Unit(String),
    Progress(String, ResponseStatus),
    Disposition(Disposition),
    Shelve(Duration),
}

/// What is being asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    Text { ask: Ask, input: Input },
    Menu { picks: Vec<Pick>, chosen: usize },
}

/// A question, and the alert that it is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// The alert as the operator saw it. Nothing for a filter.
    pub alert: Option<Box<Alert>>,
    pub form: Form,
}

/// What a key did to a prompt.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Not finished.
    Asking,
    /// Nothing is to be done.
    Cancelled,
    /// The text that is looked for.
    Filter(String),
    /// A command to the alert.
    Send(Command),
}

/// What an alert can turn out to be, the most frequent first.
const DISPOSITIONS: [Disposition; 7] = [
    Disposition::Genuine,
    Disposition::Accidental,
    Disposition::NobodyFound,
    Disposition::Malicious,
    Disposition::Test,
    Disposition::Technical,
    Disposition::Duplicate,
];

const PROGRESS: [ResponseStatus; 4] =
    [ResponseStatus::EnRoute, ResponseStatus::OnScene, ResponseStatus::Cleared, ResponseStatus::Withdrawn];

/// For how many hours a technical alert can be put aside.
const SHELVE_HOURS: [u64; 5] = [1, 4, 12, 24, 168];

impl Form {
    /// A text, with what was typed before.
    pub fn text(ask: Ask, text: &str) -> Self {
        let limit = if matches!(ask, Ask::Dispatch | Ask::Transfer) { NAME_MAX } else { TEXT_MAX };
        Self::Text { ask, input: Input::new(text, limit) }
    }

    fn menu(picks: Vec<Pick>) -> Self {
        Self::Menu { picks, chosen: 0 }
    }

    /// What it turned out to be.
    pub fn dispositions() -> Self {
        Self::menu(DISPOSITIONS.map(Pick::Disposition).to_vec())
    }

    /// For how long.
    pub fn shelving() -> Self {
        Self::menu(SHELVE_HOURS.map(|hours| Pick::Shelve(Duration::from_secs(hours * 3_600))).to_vec())
    }

    /// Which unit, or where the only one is; nothing if there is none.
    pub fn units(alert: &Alert) -> Option<Self> {
        let is_over = |status| matches!(status, ResponseStatus::Cleared | ResponseStatus::Withdrawn);
        let busy = alert.responses.iter().filter(|response| !is_over(response.status()));
        let units: Vec<_> = busy.map(|response| response.unit_id.clone()).collect();
        match &*units {
            [] => None,
            [unit_id] => Some(Self::progress(unit_id)),
            _ => Some(Self::menu(units.into_iter().map(Pick::Unit).collect())),
        }
    }

    fn progress(unit_id: &str) -> Self {
        Self::menu(PROGRESS.map(|status| Pick::Progress(unit_id.to_owned(), status)).to_vec())
    }

    /// What is asked, in words.
    pub fn title(&self) -> String {
        match self {
            Self::Text { ask, .. } => match ask {
                Ask::Filter => "Show only what holds".to_owned(),
                Ask::Dispatch => "Send which unit".to_owned(),
                Ask::Note => "Note".to_owned(),
                Ask::Transfer => "Hand over to which operator".to_owned(),
                Ask::Escalate => "Ask for more help: why".to_owned(),
                Ask::Resolve(disposition) => format!("Resolve as {}: note", disposition_name(*disposition)),
                Ask::Reopen => "Open again: why".to_owned(),
                Ask::DeclareActual => "Declare actual: why".to_owned(),
                Ask::Shelve(time) => format!("Shelve for {} h: why", time.as_secs() / 3_600),
            },
            Self::Menu { picks, .. } => match picks.first() {
                Some(Pick::Unit(_)) => "Which unit".to_owned(),
                Some(Pick::Progress(unit_id, _)) => format!("Where is {}", words::plain(unit_id)),
                Some(Pick::Shelve(_)) => "Shelve for how long".to_owned(),
                Some(Pick::Disposition(_)) | None => "What did it turn out to be".to_owned(),
            },
        }
    }
}

impl Pick {
    /// What is chosen, in words.
    pub fn title(&self) -> String {
        match self {
            Self::Unit(unit_id) => words::plain(unit_id),
            Self::Progress(_, status) => words::short(status.as_str_name(), "RESPONSE_STATUS_"),
            Self::Disposition(disposition) => disposition_name(*disposition),
            Self::Shelve(time) if time.as_secs() >= 172_800 => format!("{} days", time.as_secs() / 86_400),
            Self::Shelve(time) => format!("{} h", time.as_secs() / 3_600),
        }
    }
}

impl Prompt {
    /// Takes a key. `server_now`: the server's clock in microseconds, if it was heard.
    pub fn key(&mut self, key: &Key, server_now: Option<i64>) -> Answer {
        match (&mut self.form, key) {
            (_, Key::Esc) => Answer::Cancelled,
            (Form::Text { ask, input }, Key::Enter) => finished(ask, &input.text(), server_now),
            (Form::Text { input, .. }, key) => {
                input.key(key);
                Answer::Asking
            }
            (Form::Menu { picks, chosen }, key) => {
                let picked = picked_by(key, picks, chosen);
                picked.map_or(Answer::Asking, |pick| self.picked(pick))
            }
        }
    }

    fn picked(&mut self, pick: Pick) -> Answer {
        self.form = match pick {
            Pick::Unit(unit_id) => Form::progress(&unit_id),
            Pick::Disposition(disposition) => Form::text(Ask::Resolve(disposition), ""),
            Pick::Shelve(time) => Form::text(Ask::Shelve(time), ""),
            Pick::Progress(unit_id, status) => return Answer::Send(Command::Progress { unit_id, status }),
        };
        Answer::Asking
    }
}

/// Takes a key of a menu: what it picks, if it does.
fn picked_by(key: &Key, picks: &[Pick], chosen: &mut usize) -> Option<Pick> {
    let last = picks.len().saturating_sub(1);
    match key {
        Key::Up | Key::Char('k') => *chosen = chosen.checked_sub(1).unwrap_or(last),
        Key::Down | Key::Char('j') => *chosen = if *chosen < last { *chosen + 1 } else { 0 },
        Key::Enter => return picks.get(*chosen).cloned(),
        Key::Char(digit) => {
            let number = usize::try_from(digit.to_digit(10)?).ok()?.checked_sub(1)?;
            return picks.get(number).cloned();
        }
        _ => {}
    }
    None
}

/// The command that a text completes; asks on where it must not be empty.
fn finished(ask: &Ask, text: &str, server_now: Option<i64>) -> Answer {
    let text = text.trim().to_owned();
    let may_be_empty =
        matches!(ask, Ask::Filter | Ask::Escalate | Ask::Resolve(_) | Ask::Reopen | Ask::DeclareActual);
    if text.is_empty() && !may_be_empty {
        return Answer::Asking;
    }
    Answer::Send(match ask {
        Ask::Filter => return Answer::Filter(text),
        Ask::Dispatch => Command::Dispatch { unit_id: text },
        Ask::Note => Command::Note { note: text },
        Ask::Transfer => Command::Transfer { to_operator: text },
        Ask::Escalate => Command::Escalate { reason: text },
        Ask::Resolve(disposition) => Command::Resolve { disposition: *disposition, note: text },
        Ask::Reopen => Command::Reopen { note: text },
        Ask::DeclareActual => Command::DeclareActual { reason: text },
        Ask::Shelve(length) => {
            let Some(now) = server_now else { return Answer::Asking };
            let until = now.saturating_add(i64::try_from(length.as_micros()).unwrap_or(0));
            Command::Shelve { reason: text, length: *length, until: time::timestamp(until) }
        }
    })
}

fn disposition_name(disposition: Disposition) -> String {
    words::short(disposition.as_str_name(), "DISPOSITION_")
}
