//! The trace that a press leaves from MQTT to the console, as W3C trace context defines it.

use crate::event::v1::Event;

/// Whether a text is a W3C `traceparent` of version 00: `00-{32 hex}-{16 hex}-{2 hex}`, lower case.
#[must_use]
pub fn is_traceparent(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut hex = |len: usize| {
        parts.next().is_some_and(|p| {
            p.len() == len && p.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        })
    };
    let shape = hex(2) && hex(32) && hex(16) && hex(2);
    shape && parts.next().is_none() && text.starts_with("00-") && !text.starts_with(INVALID_TRACE)
}

/// An all-zero trace id is none.
const INVALID_TRACE: &str = "00-00000000000000000000000000000000";

/// The trace that an event belongs to: 32 hex digits, from its trace context, else its own id.
#[must_use]
pub fn trace_id(event: &Event) -> String {
    match event.traceparent.split('-').nth(1) {
        Some(trace_id) => trace_id.to_owned(),
        None => event.event_id.replace('-', ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trace_is_the_one_handed_in_or_the_events_own() {
        let context = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert!(is_traceparent(context));
        let event_id = "018f0000-0000-7000-8000-000000000001".to_owned();
        let mut event = Event { event_id, traceparent: context.to_owned(), ..Event::default() };
        assert_eq!(trace_id(&event), "4bf92f3577b34da6a3ce929d0e0e4736");
        event.traceparent.clear();
        assert_eq!(trace_id(&event), "018f0000000070008000000000000001");
    }

    #[test]
    fn what_is_no_trace_context_is_not_taken_for_one() {
        for text in [
            "",
            "00",
            "00-x-y-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        ] {
            assert!(!is_traceparent(text), "{text}");
        }
    }
}
