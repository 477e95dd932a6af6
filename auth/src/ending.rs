//! Answers that come to an end when the right to them does.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderMap, Response};
use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

/// Resolves when the right to an answer ends, with the reason.
pub(crate) type Over = Pin<Box<dyn Future<Output = &'static str> + Send>>;

/// An answer that is under way.
pub struct Ending<F> {
    answer: Pin<Box<F>>,
    over: Option<Over>,
}

impl<F> Ending<F> {
    /// The answer of `answer`, until `over`.
    pub(crate) fn new(answer: F, over: Option<Over>) -> Self {
        Self { answer: Box::pin(answer), over }
    }
}

impl<F, E> Future for Ending<F>
where
    F: Future<Output = Result<Response<Body>, E>>,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(self.answer.as_mut().poll(cx))?;
        Poll::Ready(Ok(match self.over.take() {
            Some(over) => answer.map(|body| Body::new(EndingBody { body, over: Some(over) })),
            None => answer,
        }))
    }
}

/// The stream of an answer.
struct EndingBody {
    body: Body,
    /// Nothing once it was over.
    over: Option<Over>,
}

impl http_body::Body for EndingBody {
    type Data = <Body as http_body::Body>::Data;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Status>>> {
        let Some(over) = &mut self.over else { return Poll::Ready(None) };
        if let Poll::Ready(reason) = over.as_mut().poll(cx) {
            self.over = None;
            let mut trailers = HeaderMap::new();
            Status::unauthenticated(reason).add_header(&mut trailers)?;
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.over.is_none() || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
