//! Web origins: which pages may speak to a port. A browser says in the header `Origin` whose page asks, and a page
//! cannot make it lie; other programs do not send it.

use std::net::Ipv6Addr;

/// An origin as browsers send it: in lower case, and without the port where it is the one of the scheme.
///
/// # Errors
/// If it is none that a page of the web can have.
pub fn parse(text: &str) -> Result<String, String> {
    let wrong = || format!("{text:?} is no http://host[:port] or https://host[:port]");
    let lower = text.to_ascii_lowercase();
    let (scheme, authority) = lower.split_once("://").ok_or_else(wrong)?;
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = match address.map(str::parse::<Ipv6Addr>) {
        Some(address) => format!("[{}]", address.map_err(|_| wrong())?),
        None if is_name(host) => host.to_owned(),
        None => return Err(wrong()),
    };
    let port = match port.map(str::parse::<u16>) {
        Some(port) => Some(port.map_err(|_| wrong())?),
        None => None,
    };
    match (scheme, port) {
        ("http", None | Some(80)) | ("https", None | Some(443)) => Ok(format!("{scheme}://{host}")),
        ("http" | "https", Some(port)) => Ok(format!("{scheme}://{host}:{port}")),
        _ => Err(wrong()),
    }
}

fn is_name(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_read_as_browsers_send_it() {
        for (text, origin) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("https://SOS.example.kz", "https://sos.example.kz"),
            ("https://sos.example.kz:443", "https://sos.example.kz"),
            ("http://localhost:80", "http://localhost"),
            ("https://localhost:80", "https://localhost:80"),
            ("http://[::0:1]:8080", "http://[::1]:8080"),
            ("http://[::1]", "http://[::1]"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(origin));
        }
    }

    #[test]
    fn what_no_page_can_have_is_none() {
        for text in [
            "",
            "*",
            "null",
            "localhost:8080",
            "http://",
            "http://:80",
            "http://*",
            "http://localhost/",
            "http://localhost:8080/console",
            "http://localhost:99999",
            "http://localhost:",
            "http://a@localhost",
            "http://[localhost]",
            "http://::1",
            "file:///console",
            "ws://localhost",
            "https://a, https://b",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
