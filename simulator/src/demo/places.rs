//! The sites of the demo town and their call points, as a table. The town is real and its place is (GeoNames); what is in
//! it is invented.
//!
//! Invariant: ids are sound, and none is one that the documents use for a site of one's own.

use sos_proto::device::v1::{Location, LocationSource};
use sos_proto::registry::v1::{Device, Place, Site, SiteKind, SupervisionClass};

use SiteKind::{Hospital, PublicPlace, School};
use SupervisionClass::{A, B, C};

/// The town.
const TOWN: &str = "Тараз";

/// Its middle, degrees north and east.
const MIDDLE: (f64, f64) = (42.897_99, 71.373_34);

/// A site.
pub(super) struct Spot {
    pub(super) site_id: &'static str,
    name: &'static str,
    kind: SiteKind,
    address: &'static str,
    /// How far it is from the middle, in thousandths of a degree north and east.
    off: (f64, f64),
    class: SupervisionClass,
    /// Device id, building, floor, room.
    points: &'static [(&'static str, &'static str, &'static str, &'static str)],
}

pub(super) const SPOTS: &[Spot] = &[
    Spot {
        site_id: "school-7",
        name: "Школа № 7",
        kind: School,
        address: "ул. Школьная, 14",
        off: (6.1, -9.4),
        class: B,
        points: &[
            ("hall", "Главный корпус", "1 этаж", "Холл"),
            ("canteen", "Главный корпус", "1 этаж", "Столовая"),
            ("room-21", "Главный корпус", "2 этаж", "Кабинет 21"),
            ("room-34", "Главный корпус", "3 этаж", "Кабинет 34"),
            ("gym", "Спортивный корпус", "1 этаж", "Спортзал"),
        ],
    },
    Spot {
        site_id: "lyceum-2",
        name: "№ 2 лицей",
        kind: School,
        address: "Достық көшесі, 40",
        off: (-5.2, 7.7),
        class: B,
        points: &[
            ("hall", "Негізгі ғимарат", "1-қабат", "Холл"),
            ("room-14", "Негізгі ғимарат", "2-қабат", "14-бөлме"),
            ("lab", "Негізгі ғимарат", "3-қабат", "Химия кабинеті"),
            ("yard", "", "", "Аула"),
        ],
    },
    Spot {
        site_id: "kindergarten-5",
        name: "Балабақша № 5",
        kind: School,
        address: "мкр. Жайлау, 8",
        off: (14.8, 4.3),
        class: B,
        points: &[("entrance", "", "1-қабат", "Кіреберіс"), ("kitchen", "", "1-қабат", "Ас үй")],
    },
    Spot {
        site_id: "hospital",
        name: "Городская больница",
        kind: Hospital,
        address: "ул. Больничная, 3",
        off: (-11.5, -6.2),
        class: A,
        points: &[
            ("reception", "Корпус А", "1 этаж", "Приёмный покой"),
            ("ward-3", "Корпус А", "3 этаж", "Пост хирургии"),
            ("intensive", "Корпус Б", "2 этаж", "Реанимация"),
            ("parking", "", "", "Парковка скорой"),
        ],
    },
    Spot {
        site_id: "clinic-3",
        name: "Поликлиника № 3",
        kind: Hospital,
        address: "ул. Садовая, 21",
        off: (2.4, 15.9),
        class: B,
        points: &[("desk", "", "1 этаж", "Регистратура"), ("room-212", "", "2 этаж", "Кабинет 212")],
    },
    Spot {
        site_id: "railway-station",
        name: "Железнодорожный вокзал",
        kind: PublicPlace,
        address: "ул. Вокзальная, 1",
        off: (-27.3, 18.6),
        class: A,
        points: &[
            ("hall", "Вокзал", "1 этаж", "Зал ожидания"),
            ("tickets", "Вокзал", "1 этаж", "Кассы"),
            ("platform-1", "", "", "Платформа 1"),
        ],
    },
    Spot {
        site_id: "bus-station",
        name: "Автовокзал",
        kind: PublicPlace,
        address: "ул. Дорожная, 2",
        off: (19.6, -17.1),
        class: B,
        points: &[("hall", "", "1 этаж", "Зал"), ("stand-4", "", "", "Перрон 4")],
    },
    Spot {
        site_id: "market",
        name: "Центральный рынок",
        kind: PublicPlace,
        address: "ул. Рыночная, 5",
        off: (3.3, 1.8),
        class: C,
        points: &[
            ("gate-north", "", "", "Северные ворота"),
            ("pavilion-2", "Павильон 2", "1 этаж", "Мясной ряд"),
            ("parking", "", "", "Парковка"),
        ],
    },
    Spot {
        site_id: "park",
        name: "Достық саябағы",
        kind: PublicPlace,
        address: "Саябақ көшесі, 1",
        off: (-3.9, -2.5),
        class: C,
        points: &[
            ("gate", "", "", "Басты қақпа"),
            ("fountain", "", "", "Субұрқақ"),
            ("playground", "", "", "Балалар алаңы"),
        ],
    },
];

impl Spot {
    pub(super) fn site(&self) -> Site {
        Site {
            site_id: self.site_id.to_owned(),
            name: self.name.to_owned(),
            kind: self.kind.into(),
            address: format!("{TOWN}, {}", self.address),
            location: Some(self.location(0)),
            region: TOWN.to_owned(),
            window: None,
        }
    }

    pub(super) fn devices(&self) -> impl Iterator<Item = Device> {
        (1..).zip(self.points).map(|(number, (device_id, building, floor, room))| Device {
            site_id: self.site_id.to_owned(),
            device_id: (*device_id).to_owned(),
            place: Some(Place {
                building: (*building).to_owned(),
                floor: (*floor).to_owned(),
                room: (*room).to_owned(),
            }),
            location: Some(self.location(number)),
            supervision_class: self.class.into(),
            ..Device::default()
        })
    }

    /// The site's place, or that of a call point some steps away from it.
    fn location(&self, number: u32) -> Location {
        let (north, east) = (self.off.0 / 1_000.0, self.off.1 / 1_000.0);
        let step = 0.000_2 * f64::from(number);
        Location {
            latitude: MIDDLE.0 + north + step,
            longitude: MIDDLE.1 + east - step,
            accuracy_m: 0.0,
            source: LocationSource::Surveyed.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use sos_proto::call_point::CallPoint;

    use super::*;

    #[test]
    fn every_place_has_a_name_of_its_own() {
        let mut names = HashSet::new();
        for spot in SPOTS {
            assert!(names.insert(spot.site_id.to_owned()), "{}", spot.site_id);
            assert_ne!(spot.site_id, "school-12", "that is the reader's");
            for device in spot.devices() {
                let call_point = CallPoint::new(&device.site_id, &device.device_id).unwrap();
                assert!(names.insert(call_point.to_string()), "{call_point}");
            }
        }
    }
}
