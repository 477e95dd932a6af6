//! Which role may call which method: one table, and nothing else decides it.

use crate::caller::{Caller, Scope};
use crate::role::Role;

/// A method and, by their initials, the roles that may call it: **V**iewer, **O**perator, **S**upervisor,
/// **A**uditor, **T**ester, ad**M**in.
#[rustfmt::skip]
const TABLE: &[(&str, &str)] = &[
    ("sos.alert.v1.AlertService/ListAlerts",            "VOSATM"),
    ("sos.alert.v1.AlertService/GetAlert",              "VOSATM"),
    ("sos.alert.v1.AlertService/WatchAlerts",           "VOSATM"),
    ("sos.alert.v1.AlertService/ListIncidents",         "VOSATM"),
    ("sos.alert.v1.AlertService/AcknowledgeAlert",      ".OS..."),
    ("sos.alert.v1.AlertService/DispatchUnit",          ".OS..."),
    ("sos.alert.v1.AlertService/UpdateResponse",        ".OS..."),
    ("sos.alert.v1.AlertService/AddNote",               ".OS..."),
    ("sos.alert.v1.AlertService/EscalateAlert",         ".OS..."),
    ("sos.alert.v1.AlertService/TransferAlert",         ".OS..."),
    ("sos.alert.v1.AlertService/ResolveAlert",          ".OS..."),
    ("sos.alert.v1.AlertService/ReopenAlert",           ".OS..."),
    ("sos.alert.v1.AlertService/DeclareActual",         ".OS..."),
    ("sos.alert.v1.AlertService/ShelveAlert",           ".OS..."),
    ("sos.alert.v1.AlertService/UnshelveAlert",         ".OS..."),
    ("sos.alert.v1.AlertService/EraseAlert",            ".....M"),
    ("sos.registry.v1.RegistryService/GetDevice",       "VOSATM"),
    ("sos.registry.v1.RegistryService/ListDevices",     "VOSATM"),
    ("sos.registry.v1.RegistryService/ListSites",       "VOSATM"),
    ("sos.registry.v1.RegistryService/WatchDevices",    "VOSATM"),
    ("sos.registry.v1.RegistryService/StartWindow",     "..S.TM"),
    ("sos.registry.v1.RegistryService/EndWindow",       "..S.TM"),
    ("sos.registry.v1.RegistryService/PutSite",         ".....M"),
    ("sos.registry.v1.RegistryService/PutDevice",       ".....M"),
    ("sos.registry.v1.RegistryService/RetireDevice",    ".....M"),
    ("sos.registry.v1.RegistryService/SetDeviceAccess", ".....M"),
    ("sos.session.v1.SessionService/GetSession",        "VOSATM"),
    ("sos.log.v1.EventLogService/GetHead",              "...ATM"),
    ("sos.log.v1.EventLogService/ReadEvents",           "...ATM"),
    ("sos.log.v1.EventLogService/SubscribeEvents",      "...ATM"),
    ("sos.log.v1.EventLogService/AppendEvents",         "......"),
];

/// Services that show the whole log or change what is everybody's: not for who may see only a part.
const WHOLE: [&str; 1] = ["sos.log.v1.EventLogService/"];

/// Services that anybody may ask whether the server is well.
const PUBLIC: [&str; 1] = ["grpc.health.v1.Health/"];

/// Services that anybody may ask who may ask anything.
const KNOWN: [&str; 2] =
    ["grpc.reflection.v1.ServerReflection/", "grpc.reflection.v1alpha.ServerReflection/"];

/// What a method wants of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// Nothing.
    Nothing,
    /// Any role.
    AnyRole,
    /// One of the roles of a row, and the right to see everything if `whole`.
    Row {
        /// The initials.
        roles: &'static str,
        /// Only for who may see everything.
        whole: bool,
    },
    /// Something that nobody has: there is no such method.
    Impossible,
}

impl Wants {
    /// What the method at a path (`/package.Service/Method`) wants.
    #[must_use]
    pub fn of(path: &str) -> Self {
        let method = path.strip_prefix('/').unwrap_or(path);
        let among = |services: &[&str]| services.iter().any(|service| method.starts_with(service));
        match TABLE.iter().find(|(name, _)| *name == method) {
            Some((_, roles)) => Self::Row { roles, whole: among(&WHOLE) },
            None if among(&PUBLIC) => Self::Nothing,
            None if among(&KNOWN) => Self::AnyRole,
            None => Self::Impossible,
        }
    }

    /// Whether a role will do.
    #[must_use]
    pub fn allows(self, role: Role) -> bool {
        let initial = match role {
            Role::Viewer => 'V',
            Role::Operator => 'O',
            Role::Supervisor => 'S',
            Role::Auditor => 'A',
            Role::Tester => 'T',
            Role::Admin => 'M',
        };
        match self {
            Self::Nothing | Self::AnyRole => true,
            Self::Row { roles, .. } => roles.contains(initial),
            Self::Impossible => false,
        }
    }

    /// Whether what it shows is within a scope, or can be cut down to it.
    #[must_use]
    pub fn fits(self, scope: &Scope) -> bool {
        !matches!(self, Self::Row { whole: true, .. }) || scope.is_everything()
    }
}

/// The methods that somebody may call, as `package.Service/Method`; where nobody is recognised, all that anybody may.
pub fn open_to(caller: Option<&Caller>) -> impl Iterator<Item = &'static str> {
    let may = move |wants: Wants| match caller {
        Some(caller) => wants.allows(caller.role) && wants.fits(&caller.scope),
        None => Role::ALL.into_iter().any(|role| wants.allows(role)),
    };
    TABLE.iter().map(|(method, _)| *method).filter(move |method| may(Wants::of(method)))
}

/// Every method of the table, as a path.
pub fn methods() -> impl Iterator<Item = String> {
    TABLE.iter().map(|(method, _)| format!("/{method}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    use super::*;

    #[test]
    fn the_table_has_every_method_and_no_other() {
        let files = FileDescriptorSet::decode(sos_proto::FILE_DESCRIPTOR_SET).unwrap().file;
        let served: BTreeSet<_> = files
            .iter()
            .flat_map(|file| file.service.iter().map(|service| (file.package(), service)))
            .flat_map(|(package, service)| {
                service.method.iter().map(move |m| format!("/{package}.{}/{}", service.name(), m.name()))
            })
            .collect();
        let ruled: BTreeSet<_> = methods().collect();
        assert_eq!(ruled, served);
        assert_eq!(ruled.len(), TABLE.len(), "each once");
    }

    #[test]
    fn initials_are_in_their_columns() {
        for (method, roles) in TABLE {
            let columns = roles.chars().zip("VOSATM".chars()).all(|(is, of)| is == of || is == '.');
            assert!(columns && roles.len() == 6, "{method}");
        }
    }

    #[test]
    fn what_nobody_knows_nobody_may() {
        assert_eq!(Wants::of("/sos.alert.v1.AlertService/DeleteAlert"), Wants::Impossible);
        assert!(Role::ALL.into_iter().all(|role| !Wants::of("/x").allows(role)));
        assert_eq!(Wants::of("/grpc.health.v1.Health/Check"), Wants::Nothing);
        assert_eq!(Wants::of("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"), Wants::AnyRole);
    }

    const READ_EVENTS: &str = "/sos.log.v1.EventLogService/ReadEvents";

    #[test]
    fn a_method_is_for_the_roles_of_its_row() {
        use Role::{Admin, Auditor, Operator, Supervisor, Tester};
        let all = Role::ALL.as_slice();
        let rows: [(&str, &[Role]); 8] = [
            ("/grpc.health.v1.Health/Check", all),
            ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", all),
            ("/sos.alert.v1.AlertService/ListAlerts", all),
            ("/sos.alert.v1.AlertService/AcknowledgeAlert", &[Operator, Supervisor]),
            ("/sos.alert.v1.AlertService/EraseAlert", &[Admin]),
            ("/sos.registry.v1.RegistryService/StartWindow", &[Supervisor, Tester, Admin]),
            (READ_EVENTS, &[Auditor, Tester, Admin]),
            ("/sos.log.v1.EventLogService/AppendEvents", &[]),
        ];
        for (path, roles) in rows {
            let may: Vec<_> = Role::ALL.into_iter().filter(|role| Wants::of(path).allows(*role)).collect();
            assert_eq!(may, roles, "{path}");
        }
    }

    fn of_almaty() -> Scope {
        Scope { regions: ["almaty".into()].into(), ..Scope::default() }
    }

    #[test]
    fn who_may_see_a_part_is_not_shown_the_whole_log() {
        let alerts = Wants::of("/sos.alert.v1.AlertService/ListAlerts");
        for (wants, scope, fits) in [
            (Wants::of(READ_EVENTS), Scope::default(), true),
            (Wants::of(READ_EVENTS), of_almaty(), false),
            (alerts, Scope::default(), true),
            (alerts, of_almaty(), true),
        ] {
            assert_eq!(wants.fits(&scope), fits, "{wants:?} in {scope:?}");
        }
    }

    #[test]
    fn what_is_open_to_somebody_is_what_role_and_scope_allow() {
        let open = |role, scope| {
            let caller = Caller { name: "dana".into(), role, scope, expires_at: None };
            open_to(Some(&caller)).collect::<BTreeSet<_>>()
        };
        let auditor = open(Role::Auditor, Scope::default());
        let of_a_part = open(Role::Auditor, of_almaty());
        let gone: Vec<_> = auditor.difference(&of_a_part).map(|method| method.rsplit_once('/')).collect();
        let log = "sos.log.v1.EventLogService";
        assert_eq!(gone, ["GetHead", "ReadEvents", "SubscribeEvents"].map(|method| Some((log, method))));
        assert_eq!(of_a_part, open(Role::Viewer, of_almaty()));
        let nobody_in_particular: BTreeSet<_> = open_to(None).collect();
        let all: BTreeSet<_> = Role::ALL.into_iter().flat_map(|role| open(role, Scope::default())).collect();
        assert_eq!(nobody_in_particular, all);
    }
}
