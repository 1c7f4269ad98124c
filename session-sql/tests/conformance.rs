//! The rules of a store and of sessions on a server, on every database.

mod support;

use session_core::SessionConfig;
use session_sql::SqlSessions;
use support::migrated;

async fn sessions(url: impl AsRef<str>, config: SessionConfig) -> SqlSessions {
    SqlSessions::with_store(migrated(url.as_ref()).await, config)
}

/// A file for each test: what several processes do to one is a test of its own.
#[cfg(feature = "sqlite")]
mod sqlite_file {
    use super::{migrated, sessions, support};

    fn new_file() -> String {
        support::TemporaryFolder::new().sqlite()
    }

    conformance_tests::store_suite!(migrated(&new_file()), owner_index, sweep, clones);

    mod sessions_on_it {
        conformance_tests::interface_suite!(server_side, |config| super::sessions(super::new_file(), config), owners);
    }
}

#[cfg(feature = "sqlite")]
mod sqlite_in_memory {
    use super::{migrated, sessions};

    conformance_tests::store_suite!(migrated("sqlite::memory:"), owner_index, sweep, clones);

    mod sessions_on_it {
        conformance_tests::interface_suite!(server_side, |config| super::sessions("sqlite::memory:", config), owners);
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use super::{migrated, sessions, support};
    use std::sync::LazyLock;

    static SERVER: LazyLock<support::Postgres> = LazyLock::new(support::Postgres::start);

    conformance_tests::store_suite!(migrated(&SERVER.url()), owner_index, sweep, clones);

    mod sessions_on_it {
        conformance_tests::interface_suite!(server_side, |config| super::sessions(super::SERVER.url(), config), owners);
    }
}

#[cfg(feature = "postgres")]
mod postgres_behind_pgbouncer {
    use super::{migrated, sessions, support};
    use std::sync::LazyLock;

    static SERVER: LazyLock<support::PgBouncer> = LazyLock::new(support::PgBouncer::start);

    conformance_tests::store_suite!(migrated(&SERVER.url()), owner_index, sweep, clones);

    mod sessions_on_it {
        conformance_tests::interface_suite!(server_side, |config| super::sessions(super::SERVER.url(), config), owners);
    }
}

#[cfg(feature = "mysql")]
mod mariadb {
    use super::{migrated, sessions, support};
    use std::sync::LazyLock;

    static SERVER: LazyLock<support::MariaDb> = LazyLock::new(support::MariaDb::start);

    conformance_tests::store_suite!(migrated(&SERVER.url()), owner_index, sweep, clones);

    mod sessions_on_it {
        conformance_tests::interface_suite!(server_side, |config| super::sessions(super::SERVER.url(), config), owners);
    }
}
