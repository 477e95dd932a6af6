//! What the browser console needs to know that this process cannot, and what is wrong with it.

use serde::{Deserialize, Serialize};
use sos_auth::origin;

/// The browser console.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Console {
    /// Where a browser reaches `grpc.listen`, `scheme://host[:port]`. Empty: at its own address, or on the host that the
    /// page came from.
    pub grpc_url: String,
    /// Address of a map's pictures, with `{z}`, `{x}` and `{y}`. Empty: the map has borders and towns only.
    pub tile_url: String,
    /// Whom they are from, as their licence wants it said.
    pub tile_attribution: String,
}

impl Console {
    /// Everything that is wrong with it, by key.
    pub fn faults(&self) -> Vec<String> {
        let grpc_url = Some(&self.grpc_url).filter(|url| !url.is_empty());
        let wrong = grpc_url.and_then(|url| origin::parse(url).err());
        let mut faults: Vec<_> =
            wrong.map(|fault| format!("console.grpc_url: {fault}")).into_iter().collect();
        let url = &self.tile_url;
        let is_plain = url.bytes().all(|byte| byte.is_ascii_graphic() && !b"'\";,".contains(&byte));
        let is_web = url.starts_with("http://") || url.starts_with("https://");
        let is_template = ["{z}", "{x}", "{y}"].iter().all(|part| url.contains(part));
        let is_sound = url.is_empty() || is_plain && is_web && is_template;
        if !is_sound {
            faults.push(format!("console.tile_url: {url:?} is no http[s]://… with {{z}}, {{x}} and {{y}}"));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_of_the_web() {
        let console = |grpc_url: &str, tile_url: &str| Console {
            grpc_url: grpc_url.to_owned(),
            tile_url: tile_url.to_owned(),
            ..Console::default()
        };
        assert!(console("", "").faults().is_empty());
        assert!(
            console("https://sos.example.kz:50051", "https://t.example/{z}/{x}/{y}.png").faults().is_empty()
        );
        assert!(console("sos.example.kz", "").faults().concat().starts_with("console.grpc_url: "));
        assert!(
            console("https://sos.example.kz/grpc", "").faults().concat().starts_with("console.grpc_url: ")
        );
        assert!(console("https://x; script-src *", "").faults().concat().starts_with("console.grpc_url: "));
        assert!(console("", "https://t.example/").faults().concat().starts_with("console.tile_url: "));
    }
}
