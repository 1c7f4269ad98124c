//! The rules of server-side sessions, for each old backend: with nothing in it, and with every
//! session created in it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod starting;

use std::time::{Duration, SystemTime};

use session_cookie::{SealedCookieSessions, SecretKey};
use session_core::{ServerSideSessions, SessionConfig};
use session_memory::MemoryStore;
use session_migration::{MigratingSessions, OldCookies, OldSessions};

use starting::StartingInOld;

type Store = ServerSideSessions<MemoryStore>;
type Cookies = OldCookies<SealedCookieSessions>;

fn server(config: &SessionConfig) -> Store {
    ServerSideSessions::new(MemoryStore::new(), config.clone())
}

fn cookies(config: &SessionConfig) -> Cookies {
    let key = SecretKey::new("a key with enough random bytes: 5bX9w2").unwrap();
    // A cookie refuses a maximum number of sessions, which is a setting of the new backend.
    let sealed = SealedCookieSessions::new(config.clone(), &key)
        .or_else(|_| SealedCookieSessions::new(SessionConfig::default(), &key));
    OldCookies::new(sealed.unwrap(), &key).unwrap()
}

fn migrating<O: OldSessions>(config: &SessionConfig, old: O) -> MigratingSessions<MemoryStore, O> {
    let end = SystemTime::now() + Duration::from_secs(10 * 365 * 24 * 3600);
    MigratingSessions::new(server(config), old, end).unwrap()
}

mod empty_store {
    session_conformance::interface_suite!(
        server_side,
        |config| async move { super::migrating(&config, super::server(&config)) },
        owners,
    );
}

mod no_cookies {
    session_conformance::interface_suite!(
        server_side,
        |config| async move { super::migrating(&config, super::cookies(&config)) },
        owners,
    );
}

mod over {
    use std::time::SystemTime;

    use session_migration::MigratingSessions;

    session_conformance::interface_suite!(
        server_side,
        |config| async move {
            let (new, old) = (super::server(&config), super::server(&config));
            MigratingSessions::new(new, old, SystemTime::UNIX_EPOCH).unwrap()
        },
        owners,
    );
}

mod created_in_store {
    session_conformance::interface_suite!(
        server_side,
        |config| async move { super::StartingInOld(super::migrating(&config, super::server(&config))) },
        owners,
    );
}

mod created_in_cookie {
    session_conformance::interface_suite!(
        server_side,
        |config| async move { super::StartingInOld(super::migrating(&config, super::cookies(&config))) },
        except(
            copied_cookie_opens_nothing_after_logout = "a copy of a cookie cannot be ended",
            browser_session_is_stored_for_browser_lifetime =
                "a sealed cookie is valid for the permanent lifetime",
            change_of_reopened_session_is_stored = "a cookie cannot be replaced after the response",
            logout_of_reopened_session_ends_it = "a cookie cannot be removed after the response",
        ),
    );
}
