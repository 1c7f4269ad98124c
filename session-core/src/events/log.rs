//! The events in `tracing`.

use super::event::Event;

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
        // The CSRF protection logs the reason.
        Event::CsrfRefused { .. } => {}
    }
}

/// Returns whether the events of store calls are recorded.
pub(super) fn records_calls() -> bool {
    tracing::enabled!(tracing::Level::TRACE)
}

/// Logs the event of a cookie that opens no session, or of several.
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
