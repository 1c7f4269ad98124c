//! The pools that a store accepts.

/// A pool of sqlx 0.9: a `SqlitePool`, `PgPool` or `MySqlPool`.
///
/// Pools of another version of sqlx are other types. The crate re-exports the accepted version as
/// [`session_sql::sqlx`](crate::sqlx). This trait is sealed.
///
/// # Examples
///
/// ```
/// use session_sql::{SqlStore, sqlx};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let pool = sqlx::SqlitePool::connect_lazy("sqlite:shop.db").unwrap();
/// let store = SqlStore::builder().sqlite_pool(pool)?;
/// # Ok::<(), session_core::Error>(())
/// # }).unwrap();
/// ```
///
/// ```compile_fail,E0277
/// # mod other_sqlx { pub struct SqlitePool; }
/// let pool = other_sqlx::SqlitePool;
/// let store = session_sql::SqlStore::builder().sqlite_pool(pool);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a pool of sqlx 0.9",
    label = "session-sql accepts only pools of sqlx 0.9",
    note = "a pool of sqlx 0.8 or another version is another type; make the pool with \
            `session_sql::sqlx`, or depend on `sqlx = \"0.9\"`"
)]
pub trait SqlxPool<D: sqlx::Database>: sealed::Sealed<D> {}

impl<D: sqlx::Database> SqlxPool<D> for sqlx::Pool<D> {}

pub(crate) mod sealed {
    pub trait Sealed<D: sqlx::Database> {
        fn into_pool(self) -> sqlx::Pool<D>;
    }

    impl<D: sqlx::Database> Sealed<D> for sqlx::Pool<D> {
        fn into_pool(self) -> Self {
            self
        }
    }
}
