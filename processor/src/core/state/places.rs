//! Sites and call points: what is registered, how they are, and which alerts are open there.
//!
//! Every place that an event names gets a number, so that looking it up costs one hash and no allocation. An
//! event about a whole site is about a call point without a name there; one about everything, about a call
//! point without a name at a site without a name.

use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};
use sos_proto::device::v1::Location;
use sos_proto::registry::v1::{Device, DeviceCondition, Place, Site, SupervisionClass, Window};

use super::view::Cause;

/// Number of a site.
pub(crate) type SiteNumber = u32;

/// Number of a call point.
pub(crate) type PointNumber = u32;

/// A site that the log speaks of.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct SiteEntry {
    /// Its id.
    #[prost(string, tag = "1")]
    pub site_id: String,
    /// As it was registered. Absent: it was not.
    #[prost(message, optional, boxed, tag = "2")]
    pub registered: Option<Box<Site>>,
    /// The exercise or test that all of it is or was in.
    #[prost(message, optional, boxed, tag = "3")]
    pub window: Option<Box<Window>>,
    /// Its call points, in order of appearance.
    #[prost(uint32, repeated, tag = "4")]
    pub points: Vec<PointNumber>,
    /// The newest incident here, counted from 1.
    #[prost(uint32, tag = "5")]
    pub incident: u32,
}

/// A call point that the log speaks of.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct PointEntry {
    /// Its site.
    #[prost(uint32, tag = "1")]
    pub site: SiteNumber,
    /// Its id within the site. Empty: the site itself.
    #[prost(string, tag = "2")]
    pub device_id: String,
    /// Position of its newest event; 0 for none.
    #[prost(uint64, tag = "3")]
    pub stream_position: u64,
    /// As it was registered. Absent: it was not.
    #[prost(message, optional, boxed, tag = "4")]
    pub registered: Option<Box<Registration>>,
    /// It was taken out of use.
    #[prost(bool, tag = "5")]
    pub retired: bool,
    /// It is connected.
    #[prost(bool, tag = "6")]
    pub online: bool,
    /// When it was last heard of, in microseconds; 0 for never.
    #[prost(int64, tag = "7")]
    pub last_seen_at: i64,
    /// How well it is.
    #[prost(enumeration = "DeviceCondition", tag = "8")]
    pub condition: i32,
    /// What it can do.
    #[prost(string, repeated, tag = "9")]
    pub capabilities: Vec<String>,
    /// The exercise or test that it alone is or was in.
    #[prost(message, optional, boxed, tag = "10")]
    pub window: Option<Box<Window>>,
    /// Which alert tells that it is gone.
    #[prost(enumeration = "Loss", tag = "11")]
    pub loss: i32,
    /// Of a group: how many call points are lost that its alert tells of.
    #[prost(uint64, tag = "14")]
    pub lost: u64,
    /// When its last technical alerts were opened, in microseconds.
    #[prost(int64, repeated, tag = "12")]
    pub openings: Vec<i64>,
    /// Its alerts that are not resolved, in order of opening or reopening.
    #[prost(uint32, repeated, tag = "13")]
    pub open: Vec<u32>,
}

/// What the registry says of a call point beyond its name: a [`Device`] without what is output only, which
/// would be two thirds of it.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Registration {
    /// Where in the site it hangs.
    #[prost(message, optional, tag = "3")]
    pub place: Option<Place>,
    /// Where it is.
    #[prost(message, optional, tag = "4")]
    pub location: Option<Location>,
    /// How soon its silence is noticed.
    #[prost(enumeration = "SupervisionClass", tag = "10")]
    pub supervision_class: i32,
}

impl From<&Device> for Registration {
    fn from(device: &Device) -> Self {
        let Device { place, location, supervision_class, .. } = device;
        Self { place: place.clone(), location: *location, supervision_class: *supervision_class }
    }
}

/// Which alert tells that a call point is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum Loss {
    /// It is not lost.
    None = 0,
    /// One of its own.
    Own = 1,
    /// The one of its site.
    Site = 2,
    /// The one of all sites.
    Everything = 3,
}

impl Loss {
    /// What that alert says.
    pub(crate) fn cause(self) -> Cause {
        match self {
            Self::None | Self::Own => Cause::Lost,
            Self::Site => Cause::SiteLost,
            Self::Everything => Cause::EverythingLost,
        }
    }
}

/// All places.
#[derive(Debug, Default)]
pub(super) struct Places {
    sites: Vec<SiteEntry>,
    points: Vec<PointEntry>,
    site_numbers: HashTable<SiteNumber>,
    point_numbers: HashTable<PointNumber>,
    hasher: DefaultHashBuilder,
}

impl Places {
    pub(super) fn site(&self, number: SiteNumber) -> Option<&SiteEntry> {
        self.sites.get(number as usize)
    }

    pub(super) fn site_mut(&mut self, number: SiteNumber) -> Option<&mut SiteEntry> {
        self.sites.get_mut(number as usize)
    }

    pub(super) fn point(&self, number: PointNumber) -> Option<&PointEntry> {
        self.points.get(number as usize)
    }

    pub(super) fn point_mut(&mut self, number: PointNumber) -> Option<&mut PointEntry> {
        self.points.get_mut(number as usize)
    }

    pub(super) fn sites(&self) -> &[SiteEntry] {
        &self.sites
    }

    pub(super) fn points(&self) -> &[PointEntry] {
        &self.points
    }

    pub(super) fn find_site(&self, site_id: &str) -> Option<SiteNumber> {
        let same = |number: &SiteNumber| self.site(*number).is_some_and(|site| site.site_id == site_id);
        self.site_numbers.find(self.hasher.hash_one(site_id), same).copied()
    }

    pub(super) fn find_point(&self, site_id: &str, device_id: &str) -> Option<PointNumber> {
        let hash = self.hasher.hash_one((site_id, device_id));
        self.point_numbers.find(hash, |number| self.is_at(*number, site_id, device_id)).copied()
    }

    /// The number of a call point, which gets one if it has none.
    pub(super) fn intern(&mut self, site_id: &str, device_id: &str) -> PointNumber {
        if let Some(number) = self.find_point(site_id, device_id) {
            return number;
        }
        let site = self.find_site(site_id).unwrap_or_else(|| {
            self.insert_site(SiteEntry { site_id: site_id.to_owned(), ..SiteEntry::default() })
        });
        let number =
            self.insert_point(PointEntry { site, device_id: device_id.to_owned(), ..PointEntry::default() });
        if let Some(site) = self.site_mut(site) {
            site.points.push(number);
        }
        number
    }

    pub(super) fn insert_site(&mut self, site: SiteEntry) -> SiteNumber {
        let number = self.sites.len().try_into().unwrap_or(SiteNumber::MAX);
        let hash = self.hasher.hash_one(site.site_id.as_str());
        self.sites.push(site);
        let (sites, hasher) = (&self.sites, &self.hasher);
        self.site_numbers.insert_unique(hash, number, |other| {
            hasher.hash_one(sites.get(*other as usize).map_or("", |site| site.site_id.as_str()))
        });
        number
    }

    pub(super) fn insert_point(&mut self, point: PointEntry) -> PointNumber {
        let number = self.points.len().try_into().unwrap_or(PointNumber::MAX);
        self.points.push(point);
        let (sites, points, hasher) = (&self.sites, &self.points, &self.hasher);
        let hash = |number: &PointNumber| {
            let point = points.get(*number as usize);
            let site = point.and_then(|point| sites.get(point.site as usize));
            let site_id = site.map_or("", |site| site.site_id.as_str());
            hasher.hash_one((site_id, point.map_or("", |point| point.device_id.as_str())))
        };
        self.point_numbers.insert_unique(hash(&number), number, hash);
        number
    }

    fn is_at(&self, number: PointNumber, site_id: &str, device_id: &str) -> bool {
        let Some(point) = self.point(number) else { return false };
        point.device_id == device_id && self.site(point.site).is_some_and(|site| site.site_id == site_id)
    }
}
