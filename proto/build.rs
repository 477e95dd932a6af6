//! Compiles the `.proto` files with `protox`, so that no `protoc` is needed.

use std::path::PathBuf;

use prost::Message as _;

const FILES: [&str; 8] = [
    "sos/device/v1/device.proto",
    "sos/registry/v1/registry.proto",
    "sos/registry/v1/registry_service.proto",
    "sos/event/v1/event.proto",
    "sos/alert/v1/alert.proto",
    "sos/alert/v1/alert_service.proto",
    "sos/session/v1/session_service.proto",
    "sos/log/v1/log_service.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let descriptors = protox::compile(FILES, ["."])?;
    let encoded = descriptors.encode_to_vec();

    tonic_prost_build::configure()
        .compile_well_known_types(true)
        .extern_path(".google.protobuf", "crate::time")
        .bytes(".sos.event.v1.Quarantined.payload")
        .bytes(".sos.event.v1.Personal.payload")
        .bytes(".sos.log.v1.ReadEventsResponse.record")
        .build_transport(false)
        .compile_fds(descriptors)?;
    // Unknown fields are ignored: newer firmware must not be turned away by an older gateway.
    pbjson_build::Builder::new().register_descriptors(&encoded)?.ignore_unknown_fields().build(&[".sos"])?;
    std::fs::write(out.join("descriptors.bin"), encoded)?;

    println!("cargo:rerun-if-changed=sos");
    Ok(())
}
