//! Which call point speaks, and the MQTT topics it speaks on: `sos/v1/{site}/{device}/{leaf}`.

use std::fmt;
use std::str::FromStr;

/// First levels of every topic.
pub const TOPIC_ROOT: &str = "sos/v1";

/// Longest site or device id, in bytes.
pub const ID_BYTES_MAX: usize = 64;

/// A site or device id: `[a-z0-9][a-z0-9._-]{0,63}`, so never a wildcard and never a separator.
#[must_use]
pub fn is_id(text: &str) -> bool {
    let mut bytes = text.bytes();
    let first = bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    first
        && text.len() <= ID_BYTES_MAX
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-'))
}

/// A call point: a device within its site.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallPoint {
    site: String,
    device: String,
}

/// Why a text names no call point or no topic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// Not below `sos/v1`, or not three levels below it.
    #[error("topic: not of the form sos/v1/{{site}}/{{device}}/{{leaf}}")]
    Shape,
    /// No site and device.
    #[error("not of the form {{site}}/{{device}}")]
    Name,
    /// The site level is no id.
    #[error("topic: site {0:?} does not match [a-z0-9][a-z0-9._-]{{0,63}}")]
    Site(String),
    /// The device level is no id.
    #[error("topic: device {0:?} does not match [a-z0-9][a-z0-9._-]{{0,63}}")]
    Device(String),
    /// The last level is none that the contract knows.
    #[error("topic: unknown last level {0:?}")]
    Leaf(String),
}

impl CallPoint {
    /// A call point by its two ids.
    ///
    /// # Errors
    /// If one of them is no id.
    pub fn new(site: &str, device: &str) -> Result<Self, TopicError> {
        if !is_id(site) {
            return Err(TopicError::Site(clip(site)));
        }
        if !is_id(device) {
            return Err(TopicError::Device(clip(device)));
        }
        Ok(Self { site: site.to_owned(), device: device.to_owned() })
    }

    /// The site id.
    #[must_use]
    pub fn site(&self) -> &str {
        &self.site
    }

    /// The device id within the site.
    #[must_use]
    pub fn device(&self) -> &str {
        &self.device
    }

    /// Whether this text, `site/device`, is its name.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        name.split_once('/') == Some((&self.site, &self.device))
    }

    /// The full topic of one leaf.
    #[must_use]
    pub fn topic(&self, leaf: Leaf) -> String {
        format!("{TOPIC_ROOT}/{}/{}/{leaf}", self.site, self.device)
    }

    /// Takes a topic apart.
    ///
    /// # Errors
    /// If it is outside the scheme; the error names the level.
    pub fn parse_topic(topic: &str) -> Result<(Self, Leaf), TopicError> {
        let below = topic.strip_prefix(TOPIC_ROOT).and_then(|t| t.strip_prefix('/'));
        let mut levels = below.ok_or(TopicError::Shape)?.split('/');
        let (Some(site), Some(device), Some(leaf), None) =
            (levels.next(), levels.next(), levels.next(), levels.next())
        else {
            return Err(TopicError::Shape);
        };
        let call_point = Self::new(site, device)?;
        let leaf = Leaf::parse(leaf).ok_or_else(|| TopicError::Leaf(clip(leaf)))?;
        Ok((call_point, leaf))
    }
}

impl FromStr for CallPoint {
    type Err = TopicError;

    /// `site/device`.
    fn from_str(text: &str) -> Result<Self, TopicError> {
        let (site, device) = text.split_once('/').ok_or(TopicError::Name)?;
        Self::new(site, device)
    }
}

impl fmt::Display for CallPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.site, self.device)
    }
}

/// Last level of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Leaf {
    /// Device to gateway: `DeviceEvent`.
    Event,
    /// Device to gateway, retained: `DeviceState`.
    State,
    /// Device to gateway: `DeviceHealth`.
    Health,
    /// Gateway to device: `Receipt`.
    Receipt,
    /// Gateway to device, retained: `Feedback`.
    Feedback,
}

impl Leaf {
    /// The leaves that devices publish to.
    pub const FROM_DEVICE: [Self; 3] = [Self::Event, Self::State, Self::Health];

    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "event" => Self::Event,
            "state" => Self::State,
            "health" => Self::Health,
            "receipt" => Self::Receipt,
            "feedback" => Self::Feedback,
            _ => return None,
        })
    }

    /// Whether devices publish to it; the others are the gateway's.
    #[must_use]
    pub fn is_from_device(self) -> bool {
        Self::FROM_DEVICE.contains(&self)
    }
}

impl fmt::Display for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Event => "event",
            Self::State => "state",
            Self::Health => "health",
            Self::Receipt => "receipt",
            Self::Feedback => "feedback",
        })
    }
}

/// Keeps hostile text short in messages.
fn clip(text: &str) -> String {
    text.chars().take(ID_BYTES_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_topic_comes_back() {
        let call_point = CallPoint::new("school-12", "hall-1").unwrap();
        for leaf in [Leaf::Event, Leaf::State, Leaf::Health, Leaf::Receipt, Leaf::Feedback] {
            assert_eq!(CallPoint::parse_topic(&call_point.topic(leaf)), Ok((call_point.clone(), leaf)));
        }
    }

    #[test]
    fn the_error_names_the_level() {
        let parse = |topic| CallPoint::parse_topic(topic).unwrap_err();
        assert_eq!(parse("sos/v2/a/b/event"), TopicError::Shape);
        assert_eq!(parse("sos/v1/a/b"), TopicError::Shape);
        assert_eq!(parse("sos/v1/a/b/event/x"), TopicError::Shape);
        assert_eq!(parse("sos/v1//b/event"), TopicError::Site(String::new()));
        assert_eq!(parse("sos/v1/A/b/event"), TopicError::Site("A".into()));
        assert_eq!(parse("sos/v1/a/+/event"), TopicError::Device("+".into()));
        assert_eq!(parse("sos/v1/a/b/evnt"), TopicError::Leaf("evnt".into()));
        assert_eq!(parse(&format!("sos/v1/{}/b/event", "a".repeat(65))), TopicError::Site("a".repeat(64)));
    }

    proptest! {
        #[test]
        fn no_topic_panics(topic in "\\PC{0,200}") {
            if let Ok((call_point, leaf)) = CallPoint::parse_topic(&topic) {
                prop_assert_eq!(call_point.topic(leaf), topic);
            }
        }
    }
}
