//! Sites and call points in columns, for people.

use sos_proto::device::v1::Location;
use sos_proto::registry::v1::{Device, Site, Window};

use crate::output::{moment, plain, short};

/// The columns' names of sites.
pub const SITES: &str =
    "SITE                              KIND          REGION                LOCATION              NAME";

/// The columns' names of call points.
pub const DEVICES: &str = "CALL POINT                                STATE         CLASS  LAST SEEN (UTC)      LOCATION              PLACE";

/// One site in one line.
pub fn site(site: &Site) -> String {
    let kind = short(site.kind().as_str_name(), "SITE_KIND_");
    let address = if site.address.is_empty() { String::new() } else { format!(", {}", plain(&site.address)) };
    format!(
        "{:<32}  {kind:<12}  {:<20}  {:<20}  {}{address}{}",
        site.site_id,
        plain(&site.region),
        location(site.location.as_ref()),
        plain(&site.name),
        during(site.window.as_ref()),
    )
    .trim_end()
    .to_owned()
}

/// One call point in one line.
pub fn device(device: &Device) -> String {
    let state = match device {
        Device { retired: true, .. } => "RETIRED",
        Device { unverified: true, online: true, .. } => "UNVERIFIED",
        Device { online: true, .. } => "online",
        Device { last_seen_at: None, .. } => "never seen",
        _ => "OFFLINE",
    };
    let place = device.place.iter().flat_map(|place| [&place.building, &place.floor, &place.room]);
    let place: Vec<_> = place.filter(|word| !word.is_empty()).map(|word| plain(word)).collect();
    format!(
        "{:<40}  {state:<12}  {:<5}  {:<19}  {:<20}  {}{}",
        format!("{}/{}", device.site_id, device.device_id),
        short(device.supervision_class().as_str_name(), "SUPERVISION_CLASS_").replace("unspecified", "d"),
        moment(device.last_seen_at.as_ref()),
        location(device.location.as_ref()),
        place.join(", "),
        during(device.window.as_ref()),
    )
    .trim_end()
    .to_owned()
}

/// A window in one line.
pub fn window(window: &Window) -> String {
    let kind = short(window.kind().as_str_name(), "WINDOW_KIND_").to_uppercase();
    let (until, author) = (moment(window.ends_at.as_ref()), plain(&window.author));
    format!("{kind} until {until} (UTC), {author}: {}", plain(&window.reason))
}

fn during(in_force: Option<&Window>) -> String {
    in_force.map(|w| format!("  [{}]", window(w))).unwrap_or_default()
}

fn location(location: Option<&Location>) -> String {
    location.map_or_else(|| "-".to_owned(), |l| format!("{:.5} {:.5}", l.latitude, l.longitude))
}
