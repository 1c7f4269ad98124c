//! The conformance rules for server-side interfaces, without those that Flask-Session's format or
//! the clock of Redis rules out.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(unused, reason = "the other test programs use the rest of it")]
mod support;

use std::borrow::Cow;
use std::time::Duration;

use flask_session_redis::FlaskSessionRedis;
use session_core::interface::{OpenContext, Opened, Save, Saved, SessionState, SessionView};
use session_core::request::RequestView;
use session_core::{
    CookieAttributes, Error, OwnedSession, SessionConfig, SessionInterface, async_trait,
};
use support::RedisServer;

/// The interface, with a Redis server that is stopped on drop.
#[derive(Debug)]
struct OnItsOwnServer {
    sessions: FlaskSessionRedis,
    _server: RedisServer,
}

impl OnItsOwnServer {
    async fn start(config: SessionConfig) -> Self {
        let server = RedisServer::start();
        Self {
            sessions: FlaskSessionRedis::connect(&server.url(), config).await.unwrap(),
            _server: server,
        }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl SessionInterface for OnItsOwnServer {
    fn config(&self) -> &SessionConfig {
        self.sessions.config()
    }

    async fn open(&self, context: &OpenContext<'_>) -> Result<Opened, Error> {
        self.sessions.open(context).await
    }

    async fn save(&self, save: &Save<'_>) -> Result<Saved, Error> {
        self.sessions.save(save).await
    }

    fn cookie_name(&self, request: &RequestView) -> Cow<'_, str> {
        self.sessions.cookie_name(request)
    }

    fn cookie_attributes(
        &self,
        request: &RequestView,
        session: &SessionView<'_>,
    ) -> Cow<'_, CookieAttributes> {
        self.sessions.cookie_attributes(request, session)
    }

    fn lifetime(&self, session: &SessionView<'_>) -> Option<Duration> {
        self.sessions.lifetime(session)
    }

    fn should_set_cookie(&self, session: &SessionView<'_>) -> bool {
        self.sessions.should_set_cookie(session)
    }

    async fn limit_sessions(&self, owner: &str, limit: usize) -> Result<Vec<OwnedSession>, Error> {
        self.sessions.limit_sessions(owner, limit).await
    }

    async fn check(&self) -> Result<(), Error> {
        self.sessions.check().await
    }

    fn lineage(&self, session: &SessionState) -> Option<[u8; 16]> {
        self.sessions.lineage(session)
    }
}

session_conformance::interface_suite!(
    server_side,
    OnItsOwnServer::start,
    except(
        concurrent_requests_store_their_keys =
            "the last save of the whole session wins, as in Flask-Session",
        concurrent_updates_are_all_applied =
            "the last save of the whole session wins, as in Flask-Session",
        idle_session_expires = "the format cannot store it, so the configuration is refused",
        timeouts_apply_after_login =
            "the format cannot store them, so the configuration is refused",
        session_expires_at_absolute_timeout =
            "the format cannot store it, so the configuration is refused",
        login_restarts_absolute_timeout =
            "the format cannot store it, so the configuration is refused",
        change_during_rotation_is_stored =
            "Flask-Session stores nothing under the old id, so the change is dropped",
        request_with_rotated_id_sets_no_cookie =
            "Flask-Session stores nothing under the old id, so a new session begins",
        expired_session_opens_nothing = "Redis has its own clock; interface.rs checks the TTL",
        overridden_lifetime_applies = "Redis has its own clock; interface.rs checks the TTL",
        lifetime_set_by_handler_applies = "Redis has its own clock; interface.rs checks the TTL",
        visitor_lifetime_limits_sessions_without_owner =
            "Redis has its own clock; interface.rs checks the TTL",
        write_keeps_lifetime_of_other_request =
            "the last save of the whole session wins, as in Flask-Session",
        concurrent_insert_keeps_emptied_session =
            "the last save of the whole session wins, as in Flask-Session",
        handler_finds_merged_values_after_save =
            "the last save of the whole session wins, as in Flask-Session",
        second_rotation_keeps_id_of_first =
            "Flask-Session stores nothing under the old id, so the change is dropped",
        logout_during_rotation_ends_session = "Flask-Session stores nothing under the old id, so the logout does not find the new one",
        longer_overridden_lifetime_applies = "Redis has its own clock; interface.rs checks the TTL",
        shorter_lifetime_of_stored_session_applies =
            "Redis has its own clock; interface.rs checks the TTL",
        rotation_keeps_lifetime = "Redis has its own clock; interface.rs checks the TTL",
        only_change_extends_expiry_if_configured =
            "Redis has its own clock; interface.rs checks the TTL",
        browser_session_is_stored_for_browser_lifetime =
            "kept for the permanent lifetime, as in Flask-Session",
        values_are_read_as_written = "MessagePack has no integers of more than 64 bits",
        tagged_values_are_read = "Flask-Session writes a UUID as text, so it is read as text",
    ),
);
