//! What the browser console needs to know that this process cannot, and what is wrong with it.

use serde::{Deserialize, Serialize};

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
        let is_plain =
            |url: &str| url.bytes().all(|byte| byte.is_ascii_graphic() && !b"'\";,".contains(&byte));
        let is_web = |url: &str| url.starts_with("http://") || url.starts_with("https://");
        let mut faults = Vec::new();
        for (key, url) in [("grpc_url", &self.grpc_url), ("tile_url", &self.tile_url)] {
            let is_sound = url.is_empty() || is_web(url) && is_plain(url);
            if !is_sound {
                faults.push(format!("console.{key}: {url:?} is no http:// or https:// address"));
            }
        }
        let is_template = ["{z}", "{x}", "{y}"].iter().all(|part| self.tile_url.contains(part));
        if !self.tile_url.is_empty() && !is_template {
            faults
                .push(format!("console.tile_url: {:?} does not hold {{z}}, {{x}} and {{y}}", self.tile_url));
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
        assert!(console("https://x; script-src *", "").faults().concat().starts_with("console.grpc_url: "));
        assert!(console("", "https://t.example/").faults().concat().starts_with("console.tile_url: "));
    }
}
