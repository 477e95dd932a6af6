//! Wire types of the SOS gateway, generated from the `.proto` files beside this crate, and what follows
//! from them alone. No I/O, no clock, no task.

pub mod call_point;
mod health;
pub mod link;
pub mod time;
pub mod trace;
pub mod urgency;
pub mod window;

/// The compiled `.proto` files, for gRPC server reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// Package `sos.device.v1`: what call points say and hear over MQTT.
pub mod device {
    /// Version 1.
    #[allow(clippy::all, clippy::allow_attributes, missing_docs, unused_qualifications, reason = "generated")]
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/sos.device.v1.rs"));
        include!(concat!(env!("OUT_DIR"), "/sos.device.v1.serde.rs"));
    }
}

/// Package `sos.event.v1`: what the log holds.
pub mod event {
    /// Version 1.
    #[allow(clippy::all, clippy::allow_attributes, missing_docs, unused_qualifications, reason = "generated")]
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/sos.event.v1.rs"));
        include!(concat!(env!("OUT_DIR"), "/sos.event.v1.serde.rs"));
    }
}

/// Package `sos.alert.v1`: the operator contract.
pub mod alert {
    /// Version 1.
    #[allow(clippy::all, clippy::allow_attributes, missing_docs, unused_qualifications, reason = "generated")]
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/sos.alert.v1.rs"));
        include!(concat!(env!("OUT_DIR"), "/sos.alert.v1.serde.rs"));
    }
}

/// Package `sos.registry.v1`: sites and call points.
pub mod registry {
    /// Version 1.
    #[allow(clippy::all, clippy::allow_attributes, missing_docs, unused_qualifications, reason = "generated")]
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/sos.registry.v1.rs"));
        include!(concat!(env!("OUT_DIR"), "/sos.registry.v1.serde.rs"));
    }
}

/// Package `sos.session.v1`: who asks, and what they may do.
pub mod session {
    /// Version 1.
    #[allow(clippy::all, clippy::allow_attributes, missing_docs, unused_qualifications, reason = "generated")]
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/sos.session.v1.rs"));
        include!(concat!(env!("OUT_DIR"), "/sos.session.v1.serde.rs"));
    }
}

/// Package `sos.log.v1`: the event log over the network.
pub mod log {
    /// Version 1.
    #[allow(clippy::all, clippy::allow_attributes, missing_docs, unused_qualifications, reason = "generated")]
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/sos.log.v1.rs"));
        include!(concat!(env!("OUT_DIR"), "/sos.log.v1.serde.rs"));
    }
}
