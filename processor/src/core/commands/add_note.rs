//! Write something down. Anybody may, at any time: also what is learnt after the closing belongs to the case.

use sos_proto::event::v1::AlertNoted;
use sos_proto::event::v1::event::Body;

pub(super) fn decide(note: &str) -> Body {
    Body::AlertNoted(AlertNoted { note: note.to_owned() })
}
