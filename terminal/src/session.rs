//! Who the operator is to the server, and what it lets them do.

use sos_proto::session::v1::GetSessionResponse;

/// Who commands, where, and by which methods.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Session {
    /// As it goes into the log. Empty: nobody.
    pub name: String,
    /// Nothing where the server does not tell: it decides then.
    methods: Option<Vec<String>>,
    regions: Vec<String>,
    site_ids: Vec<String>,
    /// Names the log: positions of another one mean nothing here.
    log_id: String,
}

impl Session {
    /// At a server that does not know the question.
    pub fn untold(operator: &str) -> Self {
        Self { name: operator.to_owned(), ..Self::default() }
    }

    /// As the server says.
    pub fn told(answer: GetSessionResponse) -> Self {
        let GetSessionResponse { name, methods, regions, site_ids, log_id, .. } = answer;
        Self { name, methods: Some(methods), regions, site_ids, log_id }
    }

    /// Whether the same alerts of the same log exist for the same operator.
    pub fn sees_as(&self, other: &Self) -> bool {
        (&self.name, &self.regions, &self.site_ids, &self.log_id)
            == (&other.name, &other.regions, &other.site_ids, &other.log_id)
    }

    /// Whether the server lets them do what a key is for.
    pub fn allows(&self, key: char) -> bool {
        let (Some(method), Some(methods)) = (method(key), &self.methods) else { return true };
        methods.iter().any(|name| name.strip_prefix(SERVICE) == Some(method))
    }
}

const SERVICE: &str = "sos.alert.v1.AlertService/";

/// The method behind a key; nothing where it commands nothing.
fn method(key: char) -> Option<&'static str> {
    Some(match key {
        'a' => "AcknowledgeAlert",
        'd' => "DispatchUnit",
        'u' => "UpdateResponse",
        'n' => "AddNote",
        't' => "TransferAlert",
        'e' => "EscalateAlert",
        'r' => "ResolveAlert",
        'o' => "ReopenAlert",
        // To take it back is for whoever may put it aside.
        's' => "ShelveAlert",
        '!' => "DeclareActual",
        _ => return None,
    })
}
