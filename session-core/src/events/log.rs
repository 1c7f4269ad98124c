//! The events in `tracing`.

use tracing::field::Empty;
use tracing::{Level, Span};

use super::event::{Event, StoreCall};
use crate::error::ErrorKind;

pub(super) fn log(event: &Event<'_>) {
    match *event {
        Event::Created { .. } => tracing::debug!("session was created"),
        Event::LoggedIn { .. } => tracing::info!("user logged in"),
        Event::Rotated { .. } => tracing::debug!("session got a new id"),
        Event::LoggedOut { .. } => tracing::info!("session was ended by its own request"),
        Event::Ended { .. } => tracing::info!("session was ended by another request"),
        Event::Theft { .. } => {
            tracing::warn!("remember-me token was used twice; its series has ended");
        }
        Event::Evicted { count } => tracing::warn!(count, "store is full; sessions were evicted"),
        Event::Retried => tracing::trace!("write found a newer session; trying again"),
        Event::Swept { count } => tracing::debug!(count, "expired sessions were removed"),
        Event::Reconnected => tracing::info!("store has connected again"),
        Event::OutageBegan => tracing::error!("store is unavailable"),
        Event::OutageEnded { failed } => tracing::info!(failed, "store is available again"),
        Event::StoreCallBegan { call } => tracing::trace!(?call, "store call has begun"),
        Event::StoreCallEnded { call, duration, error } => {
            tracing::trace!(?call, ?duration, ?error, "store call has ended");
        }
        Event::Expired { .. }
        | Event::RotatedId { .. }
        | Event::UnknownId { .. }
        | Event::ForgedCookie { .. }
        | Event::SeveralCookies { .. } => log_cookie(event),
        // The CSRF protection logs the reason. Results of requests are either normal or logged as
        // errors.
        Event::CsrfRefused { .. } | Event::RequestEnded { .. } => {}
    }
}

/// Returns whether the events or the spans of store calls are recorded.
pub(super) fn records_calls() -> bool {
    tracing::enabled!(Level::TRACE) || tracing::span_enabled!(Level::DEBUG)
}

/// Returns the span of a store call, with the fields of OpenTelemetry's conventions for databases.
/// The store records its system and its table.
pub(super) fn span(call: StoreCall) -> Span {
    tracing::debug_span!(
        "session store call",
        otel.kind = "client",
        otel.name = call.name(),
        otel.status_code = Empty,
        db.system.name = Empty,
        db.collection.name = Empty,
        db.operation.name = call.name(),
        error.type = Empty,
    )
}

/// Records that the call of a span failed.
pub(super) fn record_error(span: &Span, kind: ErrorKind) {
    span.record("otel.status_code", "ERROR").record("error.type", tracing::field::debug(kind));
}

/// Logs the event of a cookie that opens no session, or of several cookies.
fn log_cookie(event: &Event<'_>) {
    match *event {
        Event::Expired { count } => tracing::debug!(count, "cookie is of an expired session"),
        Event::RotatedId { count } => tracing::debug!(count, "cookie has an id that was replaced"),
        Event::UnknownId { count } => tracing::debug!(count, "cookie has an unknown session id"),
        Event::ForgedCookie { count } => {
            tracing::info!(count, "cookie has no valid signature or seal");
        }
        Event::SeveralCookies { of_different_users: true, count } => {
            tracing::warn!(count, "request has session cookies of different users; none is used");
        }
        Event::SeveralCookies { of_different_users: false, count } => {
            tracing::debug!(count, "request has several session cookies");
        }
        _ => {}
    }
}
