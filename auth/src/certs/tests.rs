//! What is issued can be used, listed and renewed, and secrets are the owner's only.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[test]
fn what_is_issued_is_listed_and_renewed() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::init(dir.path()).unwrap();
    assert!(matches!(Authority::init(dir.path()), Err(CertsError::Exists(_))));
    let device = Subject::Device("school-1/room-7".parse().unwrap());
    let operator = Subject::Operator("Әсел".into(), Role::Supervisor);
    let server = Subject::Server(vec!["sos.example".into(), "127.0.0.1".into()]);
    let prefix = |name: &str| dir.path().join(name);
    for (subject, name) in [(&device, "device"), (&operator, "operator"), (&server, "server")] {
        authority.issue(subject, 30, &prefix(name)).unwrap();
        let chain = tls::read_certificates(&prefix(&format!("{name}.crt"))).unwrap();
        assert_eq!(tls::subject_of(&chain[0]).as_ref(), Some(subject));
    }
    let again = Authority::open(dir.path()).unwrap();
    let renewed = again.renew(60, &prefix("operator")).unwrap();
    let listed = again.list().unwrap();
    assert_eq!(listed.len(), 4);
    assert_eq!(listed.last(), Some(&renewed));
    assert_eq!(renewed.subject, "Әсел (supervisor)");
    let other = tempfile::tempdir().unwrap();
    let other = Authority::init(other.path()).unwrap();
    let error = other.renew(60, &prefix("device")).unwrap_err().to_string();
    assert!(error.ends_with("it was not issued here"), "{error}");
}

#[test]
fn secrets_are_their_owners() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::init(dir.path()).unwrap();
    authority.issue(&Subject::Server(vec!["localhost".into()]), 1, &dir.path().join("server")).unwrap();
    for name in ["ca.key", "token.key", "server.key"] {
        let mode = fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}
