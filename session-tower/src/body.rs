//! The body of a response that the layer returned.

use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// The body of a response of a [`SessionService`](crate::SessionService). It is the body of the
    /// inner service, or an empty body if the save failed. Other layers that may replace a response
    /// can also use this type.
    #[derive(Clone, Debug)]
    pub struct ResponseBody<R> {
        #[pin]
        inner: Option<R>,
    }
}

impl<R> ResponseBody<R> {
    /// Returns the body of the inner service, or `None` if the save failed.
    pub fn into_inner(self) -> Option<R> {
        self.inner
    }
}

/// The body of the inner service.
impl<R> From<R> for ResponseBody<R> {
    fn from(inner: R) -> Self {
        Self { inner: Some(inner) }
    }
}

/// An empty body.
impl<R> Default for ResponseBody<R> {
    fn default() -> Self {
        Self { inner: None }
    }
}

impl<R: Body> Body for ResponseBody<R> {
    type Data = R::Data;
    type Error = R::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<R::Data>, R::Error>>> {
        match self.project().inner.as_pin_mut() {
            Some(inner) => inner.poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}
