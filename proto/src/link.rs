//! A connection to a server, with the token of who asks.

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

/// A channel whose requests carry a token, if there is one.
pub type Link = InterceptedService<Channel, Bearer>;

/// A name that cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot be sent as a name")]
pub struct NoName(String);

/// A request in an operator's name, which may be in any script. Where operators are authenticated, the name that they
/// prove counts instead.
///
/// # Errors
/// If the name has characters that cannot be sent.
pub fn signed<T>(operator: &str, message: T) -> Result<Request<T>, NoName> {
    let mut request = Request::new(message);
    let name = MetadataValue::try_from(operator.as_bytes()).map_err(|_| NoName(operator.to_owned()))?;
    request.metadata_mut().insert("sos-operator", name);
    Ok(request)
}

/// Adds a token to every request.
#[derive(Debug, Clone, Default)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

/// A text that cannot be sent as a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no token")]
pub struct NoToken;

impl Bearer {
    /// Adds this token.
    ///
    /// # Errors
    /// If it has characters that cannot be sent.
    pub fn new(token: &str) -> Result<Self, NoToken> {
        let mut value = MetadataValue::try_from(format!("Bearer {token}")).map_err(|_| NoToken)?;
        value.set_sensitive(true);
        Ok(Self(Some(value)))
    }

    /// A link over a channel.
    #[must_use]
    pub fn over(self, channel: Channel) -> Link {
        InterceptedService::new(channel, self)
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request.metadata_mut().insert("authorization", value.clone());
        }
        Ok(request)
    }
}
