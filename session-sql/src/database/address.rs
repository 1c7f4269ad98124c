//! Addresses of databases. Parts that sqlx would ignore are errors.

#[cfg(any(feature = "postgres", feature = "mysql"))]
use std::borrow::Cow;

use session_core::{Error, ErrorKind};

/// The names of the parameters of a server's address. Parameters in one group set the same option.
#[cfg(any(feature = "postgres", feature = "mysql"))]
type Parameters = &'static [&'static [&'static str]];

#[cfg(feature = "postgres")]
pub(super) const POSTGRES: Parameters = &[
    &["sslmode", "ssl-mode"],
    &["sslrootcert", "ssl-root-cert", "ssl-ca"],
    &["sslcert", "ssl-cert"],
    &["sslkey", "ssl-key"],
    &["statement-cache-capacity"],
    &["host", "hostaddr"],
    &["port"],
    &["dbname"],
    &["user"],
    &["password"],
    &["application_name"],
    &["options"],
];

#[cfg(feature = "mysql")]
pub(super) const MYSQL: Parameters = &[
    &["sslmode", "ssl-mode"],
    &["sslca", "ssl-ca"],
    &["sslcert", "ssl-cert"],
    &["sslkey", "ssl-key"],
    &["statement-cache-capacity"],
    &["charset"],
    &["collation"],
    &["socket"],
    &["timezone", "time-zone"],
];

/// The parts of an SQLite address that the store needs to open the file.
#[cfg(feature = "sqlite")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct SqliteAddress {
    pub(super) in_memory: bool,
    pub(super) creates: bool,
}

#[cfg(feature = "sqlite")]
impl SqliteAddress {
    /// Parses an address as sqlx does.
    pub(super) fn parse(address: &str) -> Result<Self, Error> {
        let rest = address.trim_start_matches("sqlite://").trim_start_matches("sqlite:");
        let (file, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let mut seen = std::collections::HashSet::new();
        let mut mode = None;
        for (name, value) in url::form_urlencoded::parse(parameters.as_bytes()) {
            if !seen.insert(name.clone()) {
                return Err(ignored("sqlite", format!("{} is repeated", shown(&name))));
            }
            if name == "mode" {
                mode = Some(value);
            }
        }
        let mode = mode.as_deref();
        let in_memory = file == ":memory:" || mode == Some("memory");
        if file == ":memory:" && mode.is_some_and(|mode| mode != "memory") {
            return Err(ignored("sqlite", "the parameter `mode`, beside `:memory:`".to_owned()));
        }
        if file.is_empty() && !in_memory {
            // SQLite would create a temporary database for each connection.
            return Err(invalid("sqlite", "the address names no file".to_owned()));
        }
        Ok(Self { in_memory, creates: matches!(mode, None | Some("rwc")) })
    }
}

/// Checks the address of a server, and returns whether the address sets the mode of TLS.
#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(super) fn check(label: &str, address: &str, known: Parameters) -> Result<bool, Error> {
    let url = url::Url::parse(address)
        .map_err(|error| invalid(label, format!("the address is not a URL: {error}")))?;
    if url.fragment().is_some() {
        let part = "the part after `#`; write a `#` in a password as %23";
        return Err(ignored(label, part.to_owned()));
    }
    let mut seen: Vec<(Cow<'static, str>, Cow<'_, str>)> = Vec::new();
    for (name, _) in url.query_pairs() {
        let Some(setting) = setting(&name, known) else {
            return Err(ignored(label, format!("{} is unknown", shown(&name))));
        };
        if let Some((_, earlier)) = seen.iter().find(|(other, _)| *other == setting) {
            let part = format!("{}, because {} sets the same", shown(earlier), shown(&name));
            return Err(ignored(label, part));
        }
        seen.push((setting, name));
    }
    Ok(seen.iter().any(|(setting, _)| setting == "sslmode"))
}

/// Returns the name of the setting that a parameter changes.
#[cfg(any(feature = "postgres", feature = "mysql"))]
fn setting(name: &str, known: Parameters) -> Option<Cow<'static, str>> {
    let group = known.iter().find(|group| group.contains(&name));
    let is_option = || {
        let has_options = known.iter().any(|group| group.contains(&"options"));
        has_options && name.starts_with("options[") && name.ends_with(']')
    };
    match group {
        Some(group) => Some(Cow::Borrowed(group[0])),
        None => is_option().then(|| Cow::Owned(name.to_owned())),
    }
}

/// Returns the name of a parameter for a message, without text that may be part of an unescaped
/// password.
fn shown(name: &str) -> String {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"-_[].".contains(&byte);
    if name.bytes().all(is_word) { format!("the parameter `{name}`") } else { "a parameter".into() }
}

fn ignored(label: &str, part: String) -> Error {
    invalid(label, format!("part of the address would be ignored: {part}"))
}

fn invalid(label: &str, reason: String) -> Error {
    let message = format!("address of the {label} session store is invalid");
    Error::new(ErrorKind::Configuration, message).with_source(reason)
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    fn reason(result: Result<impl Sized, Error>) -> String {
        let error = result.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        error.source().unwrap().to_string()
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn file_names_with_words_of_parameters_are_files() {
        let parse = |address| SqliteAddress::parse(address).unwrap();
        let file = SqliteAddress { in_memory: false, creates: true };
        for address in [
            "sqlite:shop.db",
            "sqlite:///var/lib/shop.db",
            "sqlite:a:memory:.db",
            "sqlite:mode=memory.db",
            "sqlite:mode=ro/shop.db?cache=private",
            "sqlite:shop.db?vfs=mode=rw",
            "sqlite:shop.db?mode=rwc",
            "sqlite:shop.db?%6dode=rwc",
        ] {
            assert_eq!(parse(address), file, "{address}");
        }
        for address in ["sqlite:shop.db?mode=rw", "sqlite:shop.db?cache=private&mode=ro"] {
            assert_eq!(parse(address), SqliteAddress { creates: false, ..file }, "{address}");
        }
        for address in
            ["sqlite::memory:", "sqlite://:memory:", "sqlite:?mode=memory", "sqlite:x?mode=memory"]
        {
            assert!(parse(address).in_memory, "{address}");
        }
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn sqlite_address_without_file_or_with_two_modes_is_refused() {
        for (address, expected) in [
            ("sqlite:", "names no file"),
            ("sqlite://?mode=rwc", "names no file"),
            ("sqlite:a.db?mode=rw&mode=rwc", "`mode` is repeated"),
            ("sqlite::memory:?mode=ro", "beside `:memory:`"),
        ] {
            let reason = reason(SqliteAddress::parse(address));
            assert!(reason.contains(expected), "{address}: {reason}");
        }
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn only_parameter_of_that_name_sets_mode_of_tls() {
        let sets_mode = |address| check("postgres", address, POSTGRES).unwrap();
        for address in [
            "postgres://h/d?sslmode=require",
            "postgres://h/d?user=u&ssl-mode=disable",
            "postgres://h/d?%73slmode=disable",
        ] {
            assert!(sets_mode(address), "{address}");
        }
        for address in [
            "postgres://h/d",
            "postgres://h/sslmode=disable",
            "postgres://h/d?user=sslmode",
            "postgres://u:%3Fsslmode=disable@h/d",
            "postgres://h/d?options=-c%20geqo=off&options[search_path]=auth",
        ] {
            assert!(!sets_mode(address), "{address}");
        }
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn part_of_address_that_sqlx_ignores_is_refused() {
        for (address, expected) in [
            ("postgres://h/d#?sslmode=disable", "%23"),
            ("postgres://h/d?connect_timeout=5", "`connect_timeout` is unknown"),
            (
                "postgres://h/d?sslmode=disable&ssl-mode=require",
                "`sslmode`, because the parameter `ssl-mode`",
            ),
            ("postgres://h/d?host=a&hostaddr=10.0.0.1", "`host`, because the parameter `hostaddr`"),
            ("postgres://h/d?options[x=1", "unknown"),
            ("postgres//h", "not a URL"),
        ] {
            let reason = reason(check("postgres", address, POSTGRES));
            assert!(reason.contains(expected), "{address}: {reason}");
        }
    }

    #[cfg(feature = "mysql")]
    #[test]
    fn unknown_mysql_parameter_is_refused() {
        let check = |address| check("mysql", address, MYSQL);
        assert!(check("mysql://h/d?ssl-mode=DISABLED&charset=utf8mb4").unwrap());
        assert!(!check("mysql://h/d?ssl-ca=x").unwrap());
        assert!(reason(check("mysql://h/d?pool=5")).contains("`pool` is unknown"));
        assert!(reason(check("mysql://h/d?options[a]=5")).contains("unknown"));
    }
}
