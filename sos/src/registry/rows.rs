//! Sites and call points from named texts: the columns of a file, or arguments.

use sos_proto::device::v1::{Location, LocationSource};
use sos_proto::registry::v1::{Device, Place, Site, SiteKind, SupervisionClass};

/// A text that does not mean anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadField {
    /// Which.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: String,
}

/// What has named texts.
pub trait Fields {
    /// The text with this name; empty where there is none.
    fn text(&self, name: &str) -> &str;
}

/// What can be registered.
pub trait Entry: Sized {
    /// The names of its texts; those it cannot do without come first, `REQUIRED` of them.
    const FIELDS: &'static [&'static str];
    /// How many of them it cannot do without.
    const REQUIRED: usize;

    /// Reads it from its texts.
    fn read(fields: &impl Fields) -> Result<Self, BadField>;

    /// What makes it the same as another.
    fn name(&self) -> String;
}

impl Entry for Site {
    const FIELDS: &'static [&'static str] =
        &["site_id", "name", "kind", "address", "latitude", "longitude", "region"];
    const REQUIRED: usize = 2;

    fn read(fields: &impl Fields) -> Result<Self, BadField> {
        let kind = match fields.text("kind") {
            "" => SiteKind::Unspecified,
            "school" => SiteKind::School,
            "hospital" => SiteKind::Hospital,
            "public_place" => SiteKind::PublicPlace,
            other => return Err(bad("kind", format!("{other:?} is none of school, hospital, public_place"))),
        };
        Ok(Self {
            site_id: fields.text("site_id").to_owned(),
            name: fields.text("name").to_owned(),
            kind: kind.into(),
            address: fields.text("address").to_owned(),
            location: location(fields)?,
            region: fields.text("region").to_owned(),
            window: None,
        })
    }

    fn name(&self) -> String {
        self.site_id.clone()
    }
}

impl Entry for Device {
    const FIELDS: &'static [&'static str] =
        &["site_id", "device_id", "building", "floor", "room", "latitude", "longitude", "supervision_class"];
    const REQUIRED: usize = 2;

    fn read(fields: &impl Fields) -> Result<Self, BadField> {
        let class = match fields.text("supervision_class") {
            "" => SupervisionClass::Unspecified,
            "a" | "A" => SupervisionClass::A,
            "b" | "B" => SupervisionClass::B,
            "c" | "C" => SupervisionClass::C,
            "d" | "D" => SupervisionClass::D,
            other => return Err(bad("supervision_class", format!("{other:?} is none of a, b, c, d"))),
        };
        let text = |name| fields.text(name).to_owned();
        let place = Place { building: text("building"), floor: text("floor"), room: text("room") };
        Ok(Self {
            device_id: text("device_id"),
            site_id: text("site_id"),
            place: Some(place).filter(|place| *place != Place::default()),
            location: location(fields)?,
            supervision_class: class.into(),
            ..Self::default()
        })
    }

    fn name(&self) -> String {
        format!("{}/{}", self.site_id, self.device_id)
    }
}

/// Both degrees or none.
fn location(fields: &impl Fields) -> Result<Option<Location>, BadField> {
    let degrees = |field| {
        let text: &str = fields.text(field);
        let number = || text.parse::<f64>().map_err(|_| bad(field, format!("{text:?} is no number")));
        if text.is_empty() { Ok(None) } else { number().map(Some) }
    };
    match (degrees("latitude")?, degrees("longitude")?) {
        (Some(latitude), Some(longitude)) => {
            let source = LocationSource::Surveyed.into();
            Ok(Some(Location { latitude, longitude, source, ..Location::default() }))
        }
        (None, None) => Ok(None),
        (None, Some(_)) => Err(bad("latitude", "is missing beside a longitude".to_owned())),
        (Some(_), None) => Err(bad("longitude", "is missing beside a latitude".to_owned())),
    }
}

fn bad(field: &'static str, reason: String) -> BadField {
    BadField { field, reason }
}
