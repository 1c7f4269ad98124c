//! The conformance suites of stores and of server-side sessions, on every database.

#[path = "conformance/outages.rs"]
mod outages;
mod support;

use session_core::SessionConfig;
use session_sql::{SqlSessions, SqlStore};
use support::migrated_by;

/// Returns a store with a table that only these tests use.
async fn store(url: impl AsRef<str>) -> SqlStore {
    store_with_table("session_conformance", url).await
}

/// Returns a store for a suite that shares its server with another. Each of them has its own table,
/// because a sweep skips the rows that another sweep removes at the same time.
async fn store_with_table(table: &str, url: impl AsRef<str>) -> SqlStore {
    migrated_by(SqlStore::builder().table(table), url.as_ref()).await
}

async fn sessions(url: impl AsRef<str>, config: SessionConfig) -> SqlSessions {
    SqlSessions::new(store(url).await, config)
}

mod sqlite {
    /// A file for each test. Another test uses one file from several processes.
    pub(crate) mod file {
        use super::super::{sessions, store};
        use std::sync::LazyLock;
        use std::sync::atomic::{AtomicUsize, Ordering};
        use test_servers::TemporaryFolder;

        pub(crate) fn new_file() -> String {
            static FOLDER: LazyLock<TemporaryFolder> = LazyLock::new(TemporaryFolder::new);
            static NEXT: AtomicUsize = AtomicUsize::new(0);
            let file = FOLDER.path().join(NEXT.fetch_add(1, Ordering::Relaxed).to_string());
            format!("sqlite:{}", file.display())
        }

        session_conformance::store_suite!(store(new_file()), owner_index, sweep, clones);

        mod sessions_on_it {
            session_conformance::interface_suite!(
                server_side,
                |config| super::sessions(super::new_file(), config),
                owners
            );
        }
    }

    mod in_memory {
        use super::super::{sessions, store};

        session_conformance::store_suite!(store("sqlite::memory:"), owner_index, sweep, clones);

        mod sessions_on_it {
            session_conformance::interface_suite!(
                server_side,
                |config| super::sessions("sqlite::memory:", config),
                owners
            );
        }
    }
}

/// On the servers that all tests of this process share.
mod shared {
    mod postgres {
        use super::super::{SqlStore, sessions, store};

        async fn url() -> &'static str {
            test_servers::postgres().await.url()
        }

        async fn on_it() -> SqlStore {
            store(url().await).await
        }

        session_conformance::store_suite!(on_it(), owner_index, sweep, clones);

        mod sessions_on_it {
            session_conformance::interface_suite!(
                server_side,
                async |config| { super::sessions(super::url().await, config).await },
                owners
            );
        }
    }

    /// Overlapping calls share statements.
    mod postgres_with_one_connection {
        use super::super::{SqlSessions, SqlStore, support};

        async fn on_it() -> SqlStore {
            let builder =
                SqlStore::builder().table("session_conformance_single").max_connections(1);
            support::migrated_by(builder, test_servers::postgres().await.url()).await
        }

        session_conformance::store_suite!(on_it(), owner_index, sweep, clones);

        mod sessions_on_it {
            session_conformance::interface_suite!(
                server_side,
                async |config| { super::SqlSessions::new(super::on_it().await, config) },
                owners
            );
        }
    }

    mod postgres_behind_pgbouncer {
        use super::super::{SqlSessions, SqlStore, store_with_table, support};

        async fn on_it() -> SqlStore {
            store_with_table("session_conformance_pooled", support::pgbouncer().await).await
        }

        session_conformance::store_suite!(on_it(), owner_index, sweep, clones);

        mod sessions_on_it {
            session_conformance::interface_suite!(
                server_side,
                async |config| { super::SqlSessions::new(super::on_it().await, config) },
                owners
            );
        }
    }

    mod mariadb {
        use super::super::{SqlStore, sessions, store};

        async fn url() -> &'static str {
            test_servers::mysql().await.url()
        }

        async fn on_it() -> SqlStore {
            store(url().await).await
        }

        session_conformance::store_suite!(on_it(), owner_index, sweep, clones);

        mod sessions_on_it {
            session_conformance::interface_suite!(
                server_side,
                async |config| { super::sessions(super::url().await, config).await },
                owners
            );
        }
    }
}

/// On databases that fail at times. A store that is opened again has other connections.
mod with_outages {
    macro_rules! suite {
        ($name:ident) => {
            mod $name {
                use session_sql::SqlStore;

                use super::super::outages::{Way, way};

                session_conformance::store_suite!(
                    Way::$name(),
                    owner_index,
                    sweep,
                    clones,
                    reopen = |_: &SqlStore| {
                        let way = way();
                        move || way.clone().open()
                    },
                    outage = |_: &SqlStore| {
                        let way = way();
                        move |down| way.set_down(down)
                    },
                );
            }
        };
    }

    suite! { postgres }
    suite! { mariadb }

    /// The file is closed and opened again. During an outage, the table has another name.
    mod sqlite {
        use session_sql::SqlStore;

        use super::super::outages::{File, file};
        use super::super::sqlite::file::new_file;

        session_conformance::store_suite!(
            File::store(new_file()),
            owner_index,
            sweep,
            clones,
            reopen = |_: &SqlStore| {
                let file = file();
                move || file.clone().open()
            },
            outage = |_: &SqlStore| {
                let file = file();
                move |down| file.set_down(down)
            },
        );
    }
}
