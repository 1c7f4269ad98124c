//! The bodies of forwarded requests and of responses.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// The body of a request that a [`CsrfService`](super::CsrfService) forwards. It is unchanged,
    /// even if the layer has read it.
    #[derive(Debug)]
    pub struct RequestBody<B> {
        read: VecDeque<Frame<Bytes>>,
        #[pin]
        rest: Option<B>,
    }
}

impl<B> RequestBody<B> {
    pub(super) fn unread(body: B) -> Self {
        Self { read: VecDeque::new(), rest: Some(body) }
    }

    pub(super) fn read(frames: VecDeque<Frame<Bytes>>) -> Self {
        Self { read: frames, rest: None }
    }
}

impl<B: Body<Data = Bytes>> Body for RequestBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        match (this.read.pop_front(), this.rest.as_pin_mut()) {
            (Some(frame), _) => Poll::Ready(Some(Ok(frame))),
            (None, Some(rest)) => rest.poll_frame(context),
            (None, None) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_empty() && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.rest.as_ref().map_or_else(
            || {
                let bytes = self.read.iter().filter_map(Frame::data_ref).map(Bytes::len);
                SizeHint::with_exact(u64::try_from(bytes.sum::<usize>()).unwrap_or(u64::MAX))
            },
            Body::size_hint,
        )
    }
}

pin_project! {
    /// The body of a response of a [`CsrfService`](super::CsrfService) or a
    /// [`GuardService`](crate::guard::GuardService). It is the body of the inner service, or the
    /// text of a refusal.
    #[derive(Debug)]
    pub struct ResponseBody<R> {
        text: Option<Bytes>,
        #[pin]
        inner: Option<R>,
    }
}

impl<R> ResponseBody<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { text: None, inner: Some(inner) }
    }

    pub(crate) fn text(text: String) -> Self {
        Self { text: Some(text.into()), inner: None }
    }
}

impl<R: Body<Data = Bytes>> Body for ResponseBody<R> {
    type Data = Bytes;
    type Error = R::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, R::Error>>> {
        let this = self.project();
        match (this.text.take(), this.inner.as_pin_mut()) {
            (Some(text), _) => Poll::Ready(Some(Ok(Frame::data(text)))),
            (None, Some(inner)) => inner.poll_frame(context),
            (None, None) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.text.is_none() && self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(
            || {
                let length = self.text.as_ref().map_or(0, Bytes::len);
                SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
            },
            Body::size_hint,
        )
    }
}
