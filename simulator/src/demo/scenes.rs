//! What happens in the demo town, as tables: how it opens, and the scenes that follow each other for ever.
//!
//! Invariant: what goes wrong is well again within the same scene, so that the town stays as it is.

use sos_proto::device::v1::Category::{Fire, Medical, Police, Unspecified as General};
use sos_proto::device::v1::FaultKind::{Audio, Tamper};
use sos_proto::device::v1::{Category, FaultKind};

use Act::{Back, Battery, Broken, Cancel, Gone, Press, Repaired, Silent};

/// What a call point does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Act {
    /// Somebody asks for this kind of help, and says so much.
    Press(Category, &'static str),
    /// The same where nothing may sound.
    Silent(Category, &'static str),
    /// Somebody says that no help is needed.
    Cancel(&'static str),
    /// Its connection is lost.
    Gone,
    /// It is there again.
    Back,
    /// It reports so much charge, in percent.
    Battery(u32),
    /// Something is broken.
    Broken(FaultKind),
    /// That is repaired.
    Repaired(FaultKind),
}

/// Milliseconds since the scene began, `site/device`, and what it does.
pub(super) type Step = (u64, &'static str, Act);

/// Steps that belong together.
pub(super) type Scene = &'static [Step];

/// The first seconds: what the colleague takes at once, then what waits for the newcomer, then what does not work.
pub(super) const OPENING: Scene = &[
    (300, "clinic-3/desk", Press(Medical, "Женщине стало плохо в очереди.")),
    (600, "railway-station/platform-1", Press(Police, "Драка на платформе.")),
    (900, "park/fountain", Press(General, "")),
    (1_200, "railway-station/tickets", Press(General, "Потерялся ребёнок.")),
    (1_500, "hospital/ward-3", Silent(Police, "Посетитель угрожает персоналу.")),
    (1_800, "bus-station/stand-4", Press(Medical, "Пожилой мужчина упал, не встаёт.")),
    (2_100, "market/gate-north", Press(Police, "")),
    (2_400, "kindergarten-5/kitchen", Press(Fire, "Ас үйден түтін шығып жатыр.")),
    (2_700, "school-7/hall", Press(General, "")),
    (3_000, "school-7/gym", Press(Medical, "Ученик без сознания.")),
    (3_300, "school-7/gym", Press(Medical, "")),
    (3_600, "school-7/room-21", Press(Medical, "Помогите в спортзале!")),
    (3_900, "market/parking", Gone),
    (4_200, "park/gate", Battery(12)),
    (240_000, "market/parking", Back),
    (200_000, "park/gate", Battery(96)),
];

/// Each of these, then each again in another order.
pub(super) const SCENES: &[Scene] = &[
    &[(0, "school-7/canteen", Press(Medical, "Ребёнок подавился."))],
    &[(0, "lyceum-2/lab", Press(Fire, "Реактив жанып жатыр.")), (6_000, "lyceum-2/room-14", Press(Fire, ""))],
    &[
        (0, "kindergarten-5/entrance", Press(General, "")),
        (12_000, "kindergarten-5/entrance", Cancel("Бала басып қойды.")),
    ],
    &[(0, "hospital/reception", Press(Police, "Пациент ведёт себя агрессивно."))],
    &[(0, "hospital/intensive", Silent(Police, ""))],
    &[(0, "hospital/parking", Press(General, "Перекрыт въезд скорой."))],
    &[(0, "clinic-3/room-212", Press(Medical, "Нужна каталка и врач."))],
    &[
        (0, "railway-station/hall", Press(Police, "Оставлена сумка без хозяина.")),
        (4_000, "railway-station/tickets", Press(Police, "")),
        (7_000, "railway-station/platform-1", Press(Police, "Люди бегут к выходу.")),
    ],
    &[(0, "railway-station/platform-1", Press(Medical, "Человек упал на пути."))],
    &[(0, "bus-station/hall", Press(Police, "Кража.")), (5_000, "bus-station/hall", Press(Police, ""))],
    &[(0, "bus-station/stand-4", Press(General, ""))],
    &[(0, "market/pavilion-2", Press(Fire, "Искрит проводка."))],
    &[(0, "market/gate-north", Press(Medical, "Тепловой удар, женщина лежит."))],
    &[(0, "market/pavilion-2", Silent(Police, ""))],
    &[(0, "park/playground", Press(Medical, "Бала әткеншектен құлады."))],
    &[(0, "park/gate", Press(Police, "")), (15_000, "park/gate", Cancel("Кетіп қалды."))],
    &[(0, "park/fountain", Press(General, "Ит қауып алды."))],
    &[(0, "school-7/room-34", Press(General, "")), (9_000, "school-7/room-34", Cancel("Нажали случайно."))],
    &[(0, "lyceum-2/yard", Press(Police, "Аулада бөгде адам жүр."))],
    &[(0, "lyceum-2/hall", Gone), (150_000, "lyceum-2/hall", Back)],
    &[(0, "clinic-3/desk", Battery(15)), (170_000, "clinic-3/desk", Battery(98))],
    &[(0, "market/gate-north", Broken(Tamper)), (140_000, "market/gate-north", Repaired(Tamper))],
    &[(0, "hospital/ward-3", Broken(Audio)), (160_000, "hospital/ward-3", Repaired(Audio))],
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::places::SPOTS;
    use super::*;

    #[test]
    fn only_call_points_of_the_town_act() {
        let devices = SPOTS.iter().flat_map(|spot| spot.devices());
        let names: HashSet<_> = devices.map(|d| format!("{}/{}", d.site_id, d.device_id)).collect();
        for (_, point, _) in SCENES.iter().chain([&OPENING]).copied().flatten() {
            assert!(names.contains(*point), "{point}");
        }
    }

    #[test]
    fn who_is_gone_says_nothing() {
        let steps = || SCENES.iter().chain([&OPENING]).copied().flatten();
        for (_, gone, _) in steps().filter(|step| step.2 == Gone) {
            let acts: Vec<_> = steps().filter(|(_, point, _)| point == gone).map(|step| step.2).collect();
            assert_eq!(acts, [Gone, Back], "{gone}");
        }
    }

    #[test]
    fn a_scene_leaves_nothing_broken() {
        for scene in SCENES.iter().chain([&OPENING]) {
            let ends = |begun: &Step| {
                scene.iter().any(|(at, point, act)| {
                    let ended = match (begun.2, *act) {
                        (Gone, Back) => true,
                        (Battery(low), Battery(charge)) => low <= 20 && charge > 20,
                        (Broken(kind), Repaired(same)) => kind == same,
                        _ => false,
                    };
                    ended && *at > begun.0 && *point == begun.1
                })
            };
            let begun =
                |act| matches!(act, Gone | Broken(_)) || matches!(act, Battery(charge) if charge <= 20);
            for step in scene.iter().filter(|step| begun(step.2)) {
                assert!(ends(step), "{step:?}");
            }
        }
    }
}
