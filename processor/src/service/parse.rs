//! From what was sent to what is meant: every field is checked here, once. An error names the field.

use sos_auth::caller::check_name;
use sos_eventlog::clock;
use sos_proto::alert::v1::{AlertFilter, AlertKind, AlertOrder, AlertState};
use sos_proto::device::v1::Category;
use sos_proto::event::v1::{Disposition, ResponseStatus};
use sos_proto::time::{self, Timestamp};

use super::status::InvalidField;
use crate::config::{ID_BYTES_MAX, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX};
use crate::core::Filter;
use crate::core::commands::{Action, NOTE_CHARS_MAX};

/// Longest shelving, in microseconds (7 days).
const SHELVING_MAX: i64 = 7 * 24 * 60 * 60 * 1_000_000;

/// An id: 1 to [`ID_BYTES_MAX`] bytes.
pub(super) fn id(field: &'static str, text: String) -> Result<String, InvalidField> {
    if text.is_empty() {
        return Err(invalid(field, "must not be empty"));
    }
    if text.len() > ID_BYTES_MAX {
        return Err(InvalidField { field, reason: format!("must have at most {ID_BYTES_MAX} bytes") });
    }
    Ok(text)
}

/// A text that may be empty: at most [`NOTE_CHARS_MAX`] characters.
pub(super) fn optional_text(field: &'static str, text: String) -> Result<String, InvalidField> {
    if text.chars().count() > NOTE_CHARS_MAX {
        let reason = format!("must have at most {NOTE_CHARS_MAX} characters");
        return Err(InvalidField { field, reason });
    }
    Ok(text)
}

/// A text of 1 to [`NOTE_CHARS_MAX`] characters.
pub(super) fn note(text: String) -> Result<String, InvalidField> {
    if text.is_empty() {
        return Err(invalid("note", "must not be empty"));
    }
    optional_text("note", text)
}

/// What an alert turned out to be; it must be said.
pub(super) fn disposition(value: i32) -> Result<Disposition, InvalidField> {
    let disposition = known("disposition", value)?;
    if disposition == Disposition::Unspecified {
        return Err(invalid("disposition", "must be set"));
    }
    Ok(disposition)
}

/// Where a unit is that was sent.
pub(super) fn progress(value: i32) -> Result<ResponseStatus, InvalidField> {
    let status = known("status", value)?;
    if matches!(status, ResponseStatus::Unspecified | ResponseStatus::Dispatched) {
        return Err(invalid("status", "must be EN_ROUTE, ON_SCENE, CLEARED or WITHDRAWN"));
    }
    Ok(status)
}

/// A time that is still to come, in microseconds, and at most so much later.
pub(super) fn until(
    field: &'static str,
    value: Option<&Timestamp>,
    now: i64,
    most: i64,
) -> Result<i64, InvalidField> {
    let value = value.ok_or_else(|| invalid(field, "must be set"))?;
    let until = time::micros(value).ok_or_else(|| invalid(field, "is no point in time"))?;
    if until <= now {
        return Err(invalid(field, "must be later than now"));
    }
    if until - now > most {
        let hours = most / 3_600_000_000;
        return Err(InvalidField { field, reason: format!("must be at most {hours} hours from now") });
    }
    Ok(until)
}

/// Why something is done that must have a reason.
pub(super) fn reason(reason: String) -> Result<String, InvalidField> {
    if reason.is_empty() {
        return Err(invalid("reason", "must not be empty"));
    }
    optional_text("reason", reason)
}

/// Why an alert is put aside, and until when.
pub(super) fn shelving(reason: String, until: Option<&Timestamp>) -> Result<Action, InvalidField> {
    let reason = self::reason(reason)?;
    let until = self::until("until", until, clock::now(), SHELVING_MAX)?;
    Ok(Action::Shelve { reason, until })
}

/// The operator who is to own an alert.
pub(super) fn to_operator(name: String) -> Result<String, InvalidField> {
    check_name(&name).map_err(|reason| InvalidField { field: "to_operator", reason })?;
    Ok(name)
}

/// How many alerts a page may hold.
pub(super) fn page_size(value: i32) -> Result<usize, InvalidField> {
    match usize::try_from(value) {
        Ok(0) => Ok(PAGE_SIZE_DEFAULT),
        Ok(size) => Ok(size.min(PAGE_SIZE_MAX)),
        Err(_) => Err(invalid("page_size", "must not be negative")),
    }
}

/// In which order alerts are listed.
pub(super) fn order(value: i32) -> Result<AlertOrder, InvalidField> {
    known("order", value)
}

/// A filter; absent means that everything fits.
pub(super) fn filter(wire: Option<AlertFilter>) -> Result<Filter, InvalidField> {
    let wire = wire.unwrap_or_default();
    let states = all_known("filter.states", &wire.states)?;
    if states.contains(&AlertState::Unspecified) {
        return Err(invalid("filter.states", "must not hold ALERT_STATE_UNSPECIFIED"));
    }
    let kinds = all_known("filter.kinds", &wire.kinds)?;
    if kinds.contains(&AlertKind::Unspecified) {
        return Err(invalid("filter.kinds", "must not hold ALERT_KIND_UNSPECIFIED"));
    }
    // Category 0 is a general call for help, so it can be asked for.
    let categories: Vec<Category> = all_known("filter.categories", &wire.categories)?;
    let site_ids =
        wire.site_ids.into_iter().map(|site| id("filter.site_ids", site)).collect::<Result<_, _>>()?;
    let owner = Some(wire.owner).filter(|owner| !owner.is_empty());
    let owner = owner.map(|owner| id("filter.owner", owner)).transpose()?;
    let incident_id = Some(wire.incident_id).filter(|incident| !incident.is_empty());
    let incident_id = incident_id.map(|incident| id("filter.incident_id", incident)).transpose()?;
    Ok(Filter { states, site_ids, categories, kinds, owner, incident_id, ..Filter::default() })
}

fn all_known<T: TryFrom<i32>>(field: &'static str, values: &[i32]) -> Result<Vec<T>, InvalidField> {
    values.iter().map(|value| known(field, *value)).collect()
}

/// A value of an enum that this version knows.
pub(super) fn known<T: TryFrom<i32>>(field: &'static str, value: i32) -> Result<T, InvalidField> {
    T::try_from(value).map_err(|_| InvalidField { field, reason: format!("unknown value {value}") })
}

/// A field, and what is wrong with it.
pub(super) fn invalid(field: &'static str, reason: &str) -> InvalidField {
    InvalidField { field, reason: reason.to_owned() }
}
