//! A connection to a server, with the token of who asks.

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

/// A channel whose requests carry a token, if there is one.
pub type Link = InterceptedService<Channel, Bearer>;

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
