//! The default use of TLS. A server on another machine must prove its identity.
//!
//! By default, sqlx connects without TLS if the server declines it. An attacker between the server
//! and its clients could decline TLS in the name of the server, and request the password.

use std::net::IpAddr;

#[cfg(feature = "mysql")]
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
#[cfg(feature = "postgres")]
use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// Requires TLS and a certificate for the host, unless the server is local. The address and the
/// environment variable `PGSSLMODE` can set another mode.
#[cfg(feature = "postgres")]
pub(super) fn secure_postgres(
    sets_mode: bool,
    variable: Option<&str>,
    options: PgConnectOptions,
) -> PgConnectOptions {
    // sqlx ignores a variable with an unknown mode.
    let is_chosen = sets_mode || variable.is_some_and(|mode| mode.parse::<PgSslMode>().is_ok());
    if is_chosen || is_local(options.get_host(), options.get_socket().is_some()) {
        return options;
    }
    options.ssl_mode(PgSslMode::VerifyFull)
}

/// Requires TLS and a certificate for the host, unless the server is local or the address sets the
/// mode.
#[cfg(feature = "mysql")]
pub(super) fn secure_mysql(sets_mode: bool, options: MySqlConnectOptions) -> MySqlConnectOptions {
    if sets_mode || is_local(options.get_host(), options.get_socket().is_some()) {
        return options;
    }
    options.ssl_mode(MySqlSslMode::VerifyIdentity)
}

/// Returns whether the connection stays on this machine.
fn is_local(host: &str, has_socket: bool) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    has_socket
        || host.starts_with('/')
        || host.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(feature = "mysql")]
    use crate::database::address::MYSQL;
    #[cfg(feature = "postgres")]
    use crate::database::address::POSTGRES;
    use crate::database::address::check;

    #[test]
    fn only_this_machine_is_local() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.1", "[::1]", "::1", "/run/db"]
        {
            assert!(is_local(host, false), "{host}");
        }
        for host in ["db", "localhost.example", "10.0.0.1", "0.0.0.0", "[::]", "[fe80::1]", ""] {
            assert!(!is_local(host, false), "{host}");
            assert!(is_local(host, true), "{host} with a socket");
        }
        assert!(is_local("::ffff:127.0.0.1", false));
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn remote_postgres_is_verified_by_default() {
        let mode = |url: &str| secured(url, None);
        assert!(matches!(mode("postgres://u:p@db.example/d"), PgSslMode::VerifyFull));
        assert!(matches!(mode("postgres:///d?host=db.example"), PgSslMode::VerifyFull));
        assert!(matches!(mode("postgres://h/d?hostaddr=10.0.0.1"), PgSslMode::VerifyFull));
        assert!(matches!(mode("postgres://db.example/d?sslmode=require"), PgSslMode::Require));
        assert!(matches!(mode("postgres://db.example/d?sslmode=prefer"), PgSslMode::Prefer));
        assert!(matches!(mode("postgres://localhost/d"), PgSslMode::Prefer));
        assert!(matches!(mode("postgres:///d?host=/run/postgresql"), PgSslMode::Prefer));
        assert!(matches!(mode("postgres://%2Frun%2Fpostgresql/d"), PgSslMode::Prefer));
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn unknown_mode_of_environment_is_not_chosen() {
        let url = "postgres://db.example/d";
        assert!(matches!(secured(url, Some("verify_full")), PgSslMode::VerifyFull));
        assert!(matches!(secured(url, Some("require")), PgSslMode::Prefer));
    }

    /// Returns the mode for an address, independent of the environment of the test.
    #[cfg(feature = "postgres")]
    fn secured(url: &str, variable: Option<&str>) -> PgSslMode {
        let options = url.parse::<PgConnectOptions>().unwrap();
        let sets_mode = check("postgres", url, POSTGRES).unwrap();
        let options = if sets_mode { options } else { options.ssl_mode(PgSslMode::default()) };
        secure_postgres(sets_mode, variable, options).get_ssl_mode()
    }

    #[cfg(feature = "mysql")]
    #[test]
    fn remote_mysql_is_verified_by_default() {
        let mode = |url: &str| {
            let sets_mode = check("mysql", url, MYSQL).unwrap();
            secure_mysql(sets_mode, url.parse().unwrap()).get_ssl_mode()
        };
        assert!(matches!(mode("mysql://u:p@db.example/d"), MySqlSslMode::VerifyIdentity));
        assert!(matches!(mode("mysql://db.example/d?ssl-mode=required"), MySqlSslMode::Required));
        assert!(matches!(mode("mysql://[::1]/d"), MySqlSslMode::Preferred));
        assert!(matches!(mode("mysql://db.example/d?socket=/run/db"), MySqlSslMode::Preferred));
    }
}
