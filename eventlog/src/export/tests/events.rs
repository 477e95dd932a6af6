//! Events of every kind, with what is hard to write down: odd numbers, odd text, bytes, nothing at all.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use sos_proto::event::v1::event::Body;
use sos_proto::event::v1::{self as event, Event};
use sos_proto::{device::v1 as device, registry::v1 as registry, time};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[a-z0-9./-]{0,12}", Just("\u{0}\u{1f}\"\\\u{2028}🆘".to_owned())]
}

fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![
        -180.0..180.0f64,
        any::<f64>().prop_filter("JSON has no other", |n| n.is_finite()),
        Just(-0.0),
        Just(5e-324),
    ]
}

prop_compose! {
    fn location()(
        latitude in finite(),
        longitude in finite(),
        accuracy_m in 0.0..1e6f32,
        source in 0..5,
    ) -> device::Location {
        device::Location { latitude, longitude, accuracy_m, source }
    }
}

prop_compose! {
    fn timestamp()(
        micros in -62_135_596_800_000_000..253_402_207_200_000_000i64,
        nanos in 0..1_000,
    ) -> time::Timestamp {
        let timestamp = time::timestamp(micros);
        time::Timestamp { nanos: timestamp.nanos + nanos, ..timestamp }
    }
}

fn from_devices() -> impl Strategy<Value = Body> {
    let health =
        (option::of(any::<u32>()), option::of(any::<bool>()), option::of(any::<i32>()), any::<u64>());
    let health = health.prop_map(|(battery_percent, mains, rssi_dbm, uptime_s)| device::DeviceHealth {
        battery_percent,
        mains,
        rssi_dbm,
        uptime_s,
    });
    prop_oneof![
        (0..4, any::<bool>(), text()).prop_map(|(category, silent, note)| Body::Press(device::Press {
            category,
            silent,
            note
        })),
        text().prop_map(|reason| Body::Cancel(device::Cancel { reason })),
        (text(), 0..5, text()).prop_map(|(call_id, phase, media_uri)| Body::Call(device::Call {
            call_id,
            phase,
            media_uri
        })),
        (0..8, any::<bool>(), text()).prop_map(|(kind, active, detail)| Body::Fault(device::Fault {
            kind,
            active,
            detail
        })),
        (any::<bool>(), text())
            .prop_map(|(passed, detail)| Body::SelfTest(device::SelfTest { passed, detail })),
        Just(Body::Located(device::Located {})),
        (text(), vec(text(), 0..4)).prop_map(|(firmware, capabilities)| Body::DeviceOnline(
            event::DeviceOnline { firmware, capabilities }
        )),
        (0..3).prop_map(|reason| Body::DeviceOffline(event::DeviceOffline { reason })),
        (0..4, option::of(health)).prop_map(|(condition, health)| {
            Body::DeviceConditionChanged(event::DeviceConditionChanged { condition, health })
        }),
        (text(), vec(any::<u8>(), 0..200), any::<u64>()).prop_map(|(topic, payload, payload_size)| {
            let (payload, reason) = (payload.into(), topic.clone());
            Body::Quarantined(event::Quarantined { topic, payload, payload_size, reason })
        }),
    ]
}

fn from_operators() -> impl Strategy<Value = Body> {
    prop_oneof![
        (text(), 0..4, option::of(location())).prop_map(|(name, kind, location)| {
            let site = registry::Site { name, kind, location, ..registry::Site::default() };
            Body::SiteRegistered(event::SiteRegistered { site: Some(site) })
        }),
        (text(), location(), timestamp()).prop_map(|(floor, location, seen)| {
            let place = Some(registry::Place { floor, ..registry::Place::default() });
            let (location, last_seen_at) = (Some(location), Some(seen));
            let device = registry::Device { place, location, last_seen_at, ..registry::Device::default() };
            Body::DeviceRegistered(event::DeviceRegistered { device: Some(device) })
        }),
        text().prop_map(|reason| Body::DeviceRetired(event::DeviceRetired { reason })),
        Just(Body::AlertAcknowledged(event::AlertAcknowledged {})),
        text().prop_map(|owner| Body::AlertAckExpired(event::AlertAckExpired { owner })),
        text().prop_map(|unit_id| Body::UnitDispatched(event::UnitDispatched { unit_id })),
        (text(), 0..6).prop_map(|(unit_id, status)| {
            Body::ResponseUpdated(event::ResponseUpdated { unit_id, status })
        }),
        text().prop_map(|note| Body::AlertNoted(event::AlertNoted { note })),
        (any::<u32>(), text())
            .prop_map(|(level, reason)| Body::AlertEscalated(event::AlertEscalated { level, reason })),
        text().prop_map(|to_operator| Body::AlertTransferred(event::AlertTransferred { to_operator })),
        (0..8, text()).prop_map(|(disposition, note)| {
            Body::AlertResolved(event::AlertResolved { disposition, note })
        }),
        text().prop_map(|note| Body::AlertReopened(event::AlertReopened { note })),
    ]
}

prop_compose! {
    fn origin()(
        boot_id in text(),
        sequence: u64,
        encoding in 0..3,
        flags in vec(0..8, 0..4),
        location in option::of(location()),
    ) -> event::DeviceOrigin {
        event::DeviceOrigin { boot_id, sequence, encoding, flags, location }
    }
}

prop_compose! {
    /// Any event that the log may hold.
    pub(super) fn any_event()(
        ids in (text(), text(), text()),
        occurred_at in option::of(timestamp()),
        schema: u32,
        origin in option::of(origin()),
        body in option::of(prop_oneof![from_devices(), from_operators()]),
    ) -> Event {
        let (event_id, site_id, traceparent) = ids;
        Event { event_id, site_id, traceparent, occurred_at, schema, origin, body, ..Event::default() }
    }
}
