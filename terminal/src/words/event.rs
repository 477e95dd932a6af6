//! What an event says, in words.

use sos_proto::event::v1::Event;
use sos_proto::event::v1::event::Body;
use sos_proto::time::Timestamp;

use super::{plain, short};

/// What happened, in words, with the text that belongs to it; `moment` writes points in time.
#[must_use]
pub fn what(event: &Event, moment: impl Fn(Option<&Timestamp>) -> String) -> String {
    let (words, text) = match &event.body {
        None => ("unknown event", String::new()),
        Some(Body::Press(p)) => ("press", p.note.clone()),
        Some(Body::Cancel(c)) => ("cancel requested", c.reason.clone()),
        Some(Body::Call(c)) => ("call", short(c.phase().as_str_name(), "CALL_PHASE_")),
        Some(Body::Fault(f)) => {
            (if f.active { "fault" } else { "fault repaired" }, short(f.kind().as_str_name(), "FAULT_KIND_"))
        }
        Some(Body::SelfTest(t)) => {
            (if t.passed { "self-test passed" } else { "self-test failed" }, t.detail.clone())
        }
        Some(Body::Located(_)) => ("located", String::new()),
        Some(Body::DeviceOnline(d)) => ("online", d.firmware.clone()),
        Some(Body::DeviceOffline(d)) => ("offline", short(d.reason().as_str_name(), "OFFLINE_REASON_")),
        Some(Body::DeviceConditionChanged(d)) => {
            ("condition", short(d.condition().as_str_name(), "DEVICE_CONDITION_"))
        }
        Some(Body::Quarantined(q)) => ("quarantined", q.reason.clone()),
        Some(Body::BrokerLost(b)) => ("broker lost", format!("{} {}", b.broker, b.reason)),
        Some(Body::BrokerRestored(b)) => ("broker restored", b.broker.clone()),
        Some(Body::SiteRegistered(_)) => ("site registered", String::new()),
        Some(Body::DeviceRegistered(_)) => ("call point registered", String::new()),
        Some(Body::DeviceRetired(d)) => ("call point retired", d.reason.clone()),
        Some(Body::AlertErased(e)) => ("personal data erased", e.reason.clone()),
        Some(Body::DeviceAccessChanged(a)) if a.revoked => ("access revoked", a.reason.clone()),
        Some(Body::DeviceAccessChanged(a)) => ("access given", a.reason.clone()),
        Some(Body::WindowStarted(w)) => {
            let window = w.window.clone().unwrap_or_default();
            let kind = short(window.kind().as_str_name(), "WINDOW_KIND_");
            (
                "window started:",
                format!("{kind} until {}: {}", moment(window.ends_at.as_ref()), window.reason),
            )
        }
        Some(Body::WindowEnded(w)) => ("window ended", w.reason.clone()),
        Some(Body::AlertAcknowledged(_)) => ("acknowledged", String::new()),
        Some(Body::AlertAckExpired(a)) => ("acknowledgement expired", a.owner.clone()),
        Some(Body::UnitDispatched(u)) => ("unit dispatched", u.unit_id.clone()),
        Some(Body::ResponseUpdated(r)) => {
            let status = short(r.status().as_str_name(), "RESPONSE_STATUS_");
            ("unit", format!("{} {status}", r.unit_id))
        }
        Some(Body::AlertNoted(n)) => ("note", n.note.clone()),
        Some(Body::AlertEscalated(e)) => ("escalated to level", format!("{} {}", e.level, e.reason)),
        Some(Body::AlertTransferred(t)) => ("transferred to", t.to_operator.clone()),
        Some(Body::AlertResolved(r)) => {
            let disposition = short(r.disposition().as_str_name(), "DISPOSITION_");
            ("resolved", format!("{disposition} {}", r.note))
        }
        Some(Body::AlertReopened(r)) => ("reopened", r.note.clone()),
        Some(Body::AlertDeclaredActual(a)) => ("declared actual", a.reason.clone()),
        Some(Body::AlertShelved(a)) => {
            ("shelved until", format!("{}: {}", moment(a.until.as_ref()), a.reason))
        }
        Some(Body::AlertUnshelved(_)) => ("unshelved", String::new()),
        Some(Body::EscalationUnheard(e)) => ("nobody watched at level", e.level.to_string()),
    };
    format!("{words} {}", plain(&text)).trim_end().to_owned()
}
