//! Sites, call points and windows as they were sent: every field is checked here, once.

use sos_proto::call_point::is_id;
use sos_proto::device::v1::Location;
use sos_proto::registry::v1::{Device, Place, Site, SiteKind, SupervisionClass, Window, WindowKind};
use sos_proto::time::{self, Timestamp};

use super::parse::{self, invalid, known};
use super::status::InvalidField;

/// Longest window, in microseconds (24 hours).
const WINDOW_MAX: i64 = 24 * 60 * 60 * 1_000_000;

/// A site and a call point of it.
pub(super) fn call_point(site_id: &str, device_id: &str) -> Result<(String, String), InvalidField> {
    Ok((id("site_id", site_id)?, id("device_id", device_id)?))
}

/// A site, and a call point of it or nothing for all of it.
pub(super) fn scope(site_id: &str, device_id: &str) -> Result<(String, String), InvalidField> {
    let device_id = if device_id.is_empty() { String::new() } else { id("device_id", device_id)? };
    Ok((id("site_id", site_id)?, device_id))
}

/// A site that shall be registered.
pub(super) fn site(site: Option<Site>) -> Result<Site, InvalidField> {
    let site = site.ok_or_else(|| missing("site"))?;
    let kind: SiteKind = known("site.kind", site.kind)?;
    Ok(Site {
        site_id: id("site.site_id", &site.site_id)?,
        name: text("site.name", site.name, 1, 200)?,
        kind: kind.into(),
        address: text("site.address", site.address, 0, 500)?,
        location: location("site.location", site.location)?,
        region: text("site.region", site.region, 0, 100)?,
        window: None,
    })
}

/// A call point that shall be registered, without what is output only.
pub(super) fn device(device: Option<Device>) -> Result<Device, InvalidField> {
    let device = device.ok_or_else(|| missing("device"))?;
    let class: SupervisionClass = known("device.supervision_class", device.supervision_class)?;
    let place = device.place.map(|place| {
        Ok(Place {
            building: text("device.place.building", place.building, 0, 100)?,
            floor: text("device.place.floor", place.floor, 0, 100)?,
            room: text("device.place.room", place.room, 0, 100)?,
        })
    });
    Ok(Device {
        device_id: id("device.device_id", &device.device_id)?,
        site_id: id("device.site_id", &device.site_id)?,
        place: place.transpose()?,
        location: location("device.location", device.location)?,
        supervision_class: class.into(),
        ..Device::default()
    })
}

/// An exercise or a test that begins now; its author is filled in where that is known.
pub(super) fn window(
    kind: i32,
    reason: String,
    ends_at: Option<&Timestamp>,
    now: i64,
) -> Result<Window, InvalidField> {
    let kind: WindowKind = known("kind", kind)?;
    if kind == WindowKind::Unspecified {
        return Err(invalid("kind", "must be EXERCISE or TEST"));
    }
    Ok(Window {
        kind: kind.into(),
        reason: text("reason", reason, 1, 2_000)?,
        author: String::new(),
        starts_at: Some(time::timestamp(now)),
        ends_at: Some(time::timestamp(parse::until("ends_at", ends_at, now, WINDOW_MAX)?)),
    })
}

/// The hash of a password, if there is one; who may not connect has none.
pub(super) fn password_hash(hash: String, revoked: bool) -> Result<String, InvalidField> {
    let field = "password_hash";
    if revoked && !hash.is_empty() {
        return Err(invalid(field, "must be empty, since the access is revoked"));
    }
    if !hash.is_empty() && !sos_auth::password::is_hash(&hash) {
        return Err(invalid(field, "is no Argon2id hash (PHC string)"));
    }
    Ok(hash)
}

fn id(field: &'static str, text: &str) -> Result<String, InvalidField> {
    if is_id(text) {
        Ok(text.to_owned())
    } else {
        Err(invalid(field, "must match [a-z0-9][a-z0-9._-]{0,63}"))
    }
}

fn text(field: &'static str, text: String, least: usize, most: usize) -> Result<String, InvalidField> {
    let chars = text.chars().count();
    if (least..=most).contains(&chars) {
        return Ok(text);
    }
    Err(InvalidField { field, reason: format!("has {chars} characters, {least} to {most} are allowed") })
}

fn location(field: &'static str, location: Option<Location>) -> Result<Option<Location>, InvalidField> {
    let Some(location) = location else { return Ok(None) };
    let Location { latitude, longitude, accuracy_m, .. } = &location;
    let on_earth = (-90.0..=90.0).contains(latitude) && (-180.0..=180.0).contains(longitude);
    if !on_earth || !accuracy_m.is_finite() || *accuracy_m < 0.0 {
        return Err(invalid(
            field,
            "must have a latitude of ±90, a longitude of ±180 and no negative accuracy",
        ));
    }
    Ok(Some(location))
}

fn missing(field: &'static str) -> InvalidField {
    invalid(field, "must be set")
}
