//! Stands in front of the gRPC services: recognises the caller, and asks the table whether they may.
//!
//! A page of an origin that is not ours is refused before that: whoever sits in front of its browser did not ask.
//!
//! Invariant: a request that reaches a service with a [`Caller`] was allowed by [`policy`](crate::policy); without
//! one, nobody is authenticated here at all.

use std::future::{Ready, pending, ready};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::Either;
use http::{HeaderMap, Request, Response, header};
use tokio::time::sleep;
use tonic::Status;
use tonic::body::Body;
use tower_layer::Layer;
use tower_service::Service;

use crate::caller::Caller;
use crate::ending::{Ending, Over};
use crate::incoming::Peer;
use crate::log_limit::LogLimit;
use crate::policy::Wants;
use crate::reload::{Current, changed};
use crate::token::{Keys, LEEWAY_S, now};

/// How operators prove who they are.
#[derive(Debug, Clone)]
pub enum Proof {
    /// They do not.
    None,
    /// By a token that is signed with one of these keys.
    Token(Current<Keys>),
    /// By the certificate of their connection.
    Certificate,
}

/// The guard, as a layer.
#[derive(Debug, Clone)]
pub struct Guard {
    proof: Proof,
    origins: Arc<[String]>,
}

impl Guard {
    /// A guard that wants this proof, and of browsers pages of these origins.
    #[must_use]
    pub fn new(proof: Proof, origins: Vec<String>) -> Self {
        Self { proof, origins: origins.into() }
    }

    /// Who asks for what a request asks, if they may; nothing if nobody is asked who they are.
    fn admit<B>(&self, request: &Request<B>) -> Result<Option<Caller>, Status> {
        if let Some(peer) = request.extensions().get::<Peer>() {
            peer.asks();
        }
        if !self.is_ours(request.headers()) {
            let reason = "pages of this origin may not ask here (key grpc.origins)";
            denied(request, None, "origin", reason);
            return Err(Status::permission_denied(reason));
        }
        if matches!(self.proof, Proof::None) {
            return Ok(None);
        }
        let wants = Wants::of(request.uri().path());
        if wants == Wants::Nothing {
            return Ok(None);
        }
        let caller = self.recognise(request).map_err(|reason| {
            denied(request, None, "unauthenticated", &reason);
            Status::unauthenticated(reason)
        })?;
        let method = request.uri().path();
        let refused = if wants == Wants::Impossible {
            return Err(Status::unimplemented(format!("there is no method {method}")));
        } else if !wants.allows(caller.role) {
            Some(format!("the role {} may not call {method}", caller.role))
        } else if !wants.fits(&caller.scope) {
            Some(format!("{method} shows everything, and your token is for some places only"))
        } else {
            None
        };
        match refused {
            None => Ok(Some(caller)),
            Some(reason) => {
                denied(request, Some(&caller), "forbidden", &reason);
                Err(Status::permission_denied(reason))
            }
        }
    }

    /// Whether it comes from a page that may ask, or from no page.
    fn is_ours(&self, headers: &HeaderMap) -> bool {
        headers
            .get_all(header::ORIGIN)
            .iter()
            .all(|origin| self.origins.iter().any(|ours| ours.as_bytes() == origin.as_bytes()))
    }

    /// When what a caller was shown must come to an end: a stream outlives neither the token nor the key that it was
    /// signed with.
    fn over(&self, caller: &Caller) -> Over {
        let left = caller
            .expires_at
            .map(|at| Duration::from_secs(at.saturating_add(LEEWAY_S).saturating_sub(now())));
        let mut keys = match &self.proof {
            Proof::Token(keys) => Some(keys.clone()),
            Proof::None | Proof::Certificate => None,
        };
        Box::pin(async move {
            let expired = async {
                match left {
                    Some(left) => sleep(left).await,
                    None => pending().await,
                }
            };
            let replaced = async {
                match &mut keys {
                    Some(keys) => changed(keys).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = expired => "the token has expired",
                () = replaced => "the keys have changed: connect again",
            }
        })
    }

    fn recognise<B>(&self, request: &Request<B>) -> Result<Caller, String> {
        match &self.proof {
            Proof::None => Err("nobody is recognised here".to_owned()),
            Proof::Certificate => request
                .extensions()
                .get::<Peer>()
                .and_then(|peer| peer.caller.clone())
                .ok_or_else(|| "the client's certificate names no operator with a role".to_owned()),
            Proof::Token(keys) => {
                let mut given = request.headers().get_all(header::AUTHORIZATION).iter();
                let (Some(value), None) = (given.next(), given.next()) else {
                    return Err("metadata key authorization must hold one bearer token".to_owned());
                };
                let token = value.to_str().ok().and_then(|value| {
                    let (scheme, token) = value.split_once(' ')?;
                    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
                });
                let token = token.ok_or("metadata key authorization must hold a bearer token")?;
                keys.borrow().verify(token).map_err(|error| format!("the token is not accepted: {error}"))
            }
        }
    }
}

/// Who tries for ever must not fill the disk.
static DENIALS: LogLimit = LogLimit::new();

/// Counts and logs an attempt; never what was presented.
fn denied<B>(request: &Request<B>, caller: Option<&Caller>, kind: &'static str, reason: &str) {
    metrics::counter!("sos_auth_denied_total", "reason" => kind).increment(1);
    if !DENIALS.may_log() {
        return;
    }
    let address = request.extensions().get::<Peer>().map(|peer| peer.address.to_string());
    let caller = caller.map(|caller| caller.name.as_str());
    tracing::warn!(method = request.uri().path(), address, caller, reason, "denied");
}

impl<S> Layer<S> for Guard {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { guard: self.clone(), inner }
    }
}

/// A service behind the guard.
#[derive(Debug, Clone)]
pub struct Guarded<S> {
    guard: Guard,
    inner: S,
}

impl<S, B> Service<Request<B>> for Guarded<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<Ready<Result<Response<Body>, S::Error>>, Ending<S::Future>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if let Proof::Token(keys) = &mut self.guard.proof {
            // What changes from here on ends the answer; what changed before does not.
            keys.mark_unchanged();
        }
        match self.guard.admit(&request) {
            Ok(caller) => {
                // Nobody sets it from outside.
                request.extensions_mut().remove::<Caller>();
                let over = caller.as_ref().map(|caller| self.guard.over(caller));
                if let Some(caller) = caller {
                    request.extensions_mut().insert(caller);
                }
                Either::Right(Ending::new(self.inner.call(request), over))
            }
            Err(status) => Either::Left(ready(Ok(status.into_http()))),
        }
    }
}
