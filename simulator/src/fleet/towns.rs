//! Where virtual call points are: sites in the towns of Kazakhstan, by population.

use sos_proto::call_point::CallPoint;
use sos_proto::device::v1::{Location, LocationSource};
use sos_proto::registry::v1::{Site, SiteKind};

/// Towns of Kazakhstan; see `data/README.md` for their licence.
const TOWNS: &str = include_str!("../../data/kz-cities.csv");

/// A town.
#[derive(Debug, Clone, serde::Deserialize)]
struct Town {
    name: String,
    cyrillic_name: String,
    latitude: f64,
    longitude: f64,
    population: u64,
}

/// A virtual call point.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Point {
    pub(crate) call_point: CallPoint,
    pub(crate) kind: SiteKind,
}

/// All sites and their call points.
#[derive(Debug)]
pub(crate) struct Country {
    pub(crate) sites: Vec<Site>,
    /// In order of sites.
    pub(crate) points: Vec<Point>,
}

/// So many call points, so many at each site. The same numbers give the same country.
pub(crate) fn country(devices: usize, per_site: usize) -> Country {
    let towns = towns();
    let population: u64 = towns.iter().map(|town| town.population).sum();
    let sites_wanted = devices.div_ceil(per_site.max(1));
    let (mut sites, mut points) = (Vec::new(), Vec::new());
    let (mut people, mut placed) = (0, 0);
    for town in &towns {
        people += town.population;
        // As many sites as its people are of all, rounded so that all sites are placed in the end.
        let until = sites_wanted as u64 * people / population.max(1);
        for number in placed + 1..=until {
            let site = site(town, number);
            for device in 1..=per_site.min(devices - points.len()) {
                let call_point = CallPoint::new(&site.site_id, &format!("point-{device}"));
                points.extend(call_point.map(|call_point| Point { call_point, kind: site.kind() }));
            }
            sites.push(site);
        }
        placed = until;
    }
    Country { sites, points }
}

fn towns() -> Vec<Town> {
    let mut reader = csv::Reader::from_reader(TOWNS.as_bytes());
    // A row that says nothing is no town.
    reader.deserialize().filter_map(Result::ok).collect()
}

/// The site with this number in the country. Of ten sites seven are schools, one is a hospital and two are squares.
fn site(town: &Town, number: u64) -> Site {
    let (kind, word, name) = match number % 10 {
        0 => (SiteKind::Hospital, "hospital", "Больница"),
        3 | 7 => (SiteKind::PublicPlace, "square", "Площадь"),
        _ => (SiteKind::School, "school", "Школа"),
    };
    // Around the middle of the town, a little apart from each other.
    let (step, angle) = (0.002 * (number as f64).sqrt(), number as f64 * 2.4);
    let location = Location {
        latitude: town.latitude + step * angle.sin(),
        longitude: town.longitude + step * angle.cos(),
        accuracy_m: 0.0,
        source: LocationSource::Surveyed.into(),
    };
    Site {
        site_id: format!("{}-{word}-{number}", slug(&town.name)),
        name: format!("{name} № {number}, {}", town.cyrillic_name),
        kind: kind.into(),
        location: Some(location),
        region: town.name.clone(),
        ..Site::default()
    }
}

/// A name as a part of an id.
fn slug(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    name.chars().map(plain).take(32).collect::<String>().trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_country_has_as_many_call_points_as_wanted() {
        for (devices, per_site) in [(1, 1), (10, 3), (1_000, 20), (100_000, 20)] {
            let country = country(devices, per_site);
            assert_eq!(country.points.len(), devices);
            let names: HashSet<_> = country.points.iter().map(|point| point.call_point.to_string()).collect();
            assert_eq!(names.len(), devices);
            assert_eq!(country.sites.len(), devices.div_ceil(per_site));
        }
    }

    #[test]
    fn large_towns_have_more_sites() {
        let country = country(20_000, 20);
        let of = |town: &str| country.sites.iter().filter(|site| site.region == town).count();
        assert!(of("Almaty") > of("Astana") && of("Astana") > of("Shymkent"), "{}", of("Almaty"));
        let schools = country.sites.iter().filter(|site| site.kind() == SiteKind::School).count();
        assert!((600..800).contains(&schools), "{schools}");
    }
}
