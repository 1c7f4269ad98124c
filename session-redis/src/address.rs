//! Addresses of servers. Parts that redis-rs would ignore are errors.

use std::collections::HashSet;

use redis::io::tcp::TcpSettings;
use redis::{ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion, RedisError, RedisResult};

/// Parses an address. The protocol is RESP3 unless the address sets a protocol. With RESP3,
/// redis-rs detects a closed connection at once.
pub(crate) fn parse(address: &str) -> RedisResult<ConnectionInfo> {
    let url = redis::parse_redis_url(address)
        .ok_or_else(|| invalid("address is not a URL of redis, rediss, valkey, valkeys or unix"))?;
    let is_socket = url.scheme().contains("unix");
    let known: &[&str] =
        if is_socket { &["db", "user", "pass", "protocol"] } else { &["protocol"] };
    let mut seen = HashSet::new();
    for (name, _) in url.query_pairs() {
        if !known.contains(&&*name) {
            return Err(ignored(format!("{} is not one of {known:?}", shown(&name))));
        }
        if !seen.insert(name.clone()) {
            return Err(ignored(format!("{} is repeated", shown(&name))));
        }
    }
    let is_secure = matches!(url.scheme(), "rediss" | "valkeys");
    if url.fragment().is_some() && !is_secure {
        return Err(ignored("the part after `#`; write a `#` in a password as %23".to_owned()));
    }
    let sets_protocol = seen.contains("protocol");
    let info = url.into_connection_info()?;
    let redis = info.redis_settings().clone();
    let redis = if sets_protocol { redis } else { redis.set_protocol(ProtocolVersion::RESP3) };
    Ok(info.set_redis_settings(redis).set_tcp_settings(tcp()))
}

/// Parses the address of a Sentinel, which has no databases.
#[cfg(feature = "sentinel")]
pub(crate) fn parse_sentinel(address: &str) -> RedisResult<ConnectionInfo> {
    let info = parse(address)?;
    if info.redis_settings().db() == 0 {
        return Ok(info);
    }
    Err(ignored("the database number of a Sentinel; use RedisStoreBuilder::database".to_owned()))
}

/// Disables Nagle's algorithm, because a call is one small packet.
pub(crate) fn tcp() -> TcpSettings {
    TcpSettings::default().set_nodelay(true)
}

pub(crate) fn invalid(reason: &'static str) -> RedisError {
    (redis::ErrorKind::InvalidClientConfig, reason).into()
}

/// Returns a parameter as shown in a message. A name with other characters is omitted, because it
/// may be part of a password that is not escaped.
fn shown(name: &str) -> String {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if name.bytes().all(is_word) { format!("the parameter `{name}`") } else { "a parameter".into() }
}

fn ignored(part: String) -> RedisError {
    let reason = "part of the address would be ignored";
    (redis::ErrorKind::InvalidClientConfig, reason, part).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protocol(address: &str) -> ProtocolVersion {
        parse(address).unwrap().redis_settings().protocol()
    }

    #[test]
    fn only_parameter_of_that_name_sets_protocol() {
        for address in
            ["redis://h/", "redis://u:protocol=resp2@h/", "unix:///run/protocol=resp2.sock"]
        {
            assert_eq!(protocol(address), ProtocolVersion::RESP3, "{address}");
        }
        for address in ["redis://h/?protocol=resp2", "unix:///r.sock?db=1&%70rotocol=resp2"] {
            assert_eq!(protocol(address), ProtocolVersion::RESP2, "{address}");
        }
    }

    #[test]
    fn part_that_would_be_ignored_is_refused() {
        for (address, part) in [
            ("redis://h/?db=2", "`db`"),
            ("redis://h/?timeout=5s", "`timeout`"),
            ("redis://h/?protocol=resp2&protocol=resp3", "repeated"),
            ("redis://h/#insecure", "%23"),
            ("unix:///run/redis.sock?password=x", "`password`"),
            ("unix:///run/redis.sock?db=1#2", "%23"),
        ] {
            let error = parse(address).unwrap_err();
            assert_eq!(error.kind(), redis::ErrorKind::InvalidClientConfig, "{address}");
            assert!(error.to_string().contains(part), "{address}: {error}");
        }
        let error = parse("redis://h:1/?p:swordfish@h/").unwrap_err().to_string();
        assert!(error.contains("a parameter") && !error.contains("swordfish"), "{error}");
        assert_eq!(parse("http://h/").unwrap_err().kind(), redis::ErrorKind::InvalidClientConfig);
    }

    #[cfg(feature = "sentinel")]
    #[test]
    fn database_number_of_sentinel_is_refused() {
        assert!(parse_sentinel("redis://u:p@h:26379/").is_ok());
        assert!(parse_sentinel("redis://u:p@h:26379/0").is_ok());
        let error = parse_sentinel("redis://u:p@h:26379/2").unwrap_err();
        assert!(error.to_string().contains("RedisStoreBuilder::database"), "{error}");
    }
}
