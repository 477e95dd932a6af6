//! Who is asking: the metadata key `sos-operator`, as long as there is no authentication.

use tonic::Status;
use tonic::metadata::MetadataMap;

use crate::config::OPERATOR_CHARS_MAX;

/// The metadata key that names the operator.
const OPERATOR_KEY: &str = "sos-operator";

/// The operator who sent a command. Names may be in any script: the value is read as UTF-8.
pub(super) fn operator(metadata: &MetadataMap) -> Result<String, Status> {
    let refused = |what: &str| Status::unauthenticated(format!("metadata key {OPERATOR_KEY} {what}"));
    let value = metadata.get(OPERATOR_KEY).ok_or_else(|| refused("must name the operator"))?;
    let name = str::from_utf8(value.as_bytes()).map_err(|_| refused("is not UTF-8"))?;
    check(name).map_err(|what| refused(&what))?;
    Ok(name.to_owned())
}

/// What is wrong with the name of an operator.
pub(super) fn check(name: &str) -> Result<(), String> {
    if name.is_empty() || name.chars().count() > OPERATOR_CHARS_MAX {
        return Err(format!("must have 1 to {OPERATOR_CHARS_MAX} characters"));
    }
    if name.chars().any(char::is_control) {
        return Err("must not hold control characters".to_owned());
    }
    Ok(())
}
