//! Origins: scheme, host and port.

/// An origin in its canonical form: in lower case, without the default port.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Origin {
    scheme: String,
    host: String,
}

impl Origin {
    /// Parses an `Origin` header or a configured origin.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (scheme, host) = text.split_once("://")?;
        Self::new(scheme, host)
    }

    /// Returns the origin of an address, such as the value of a `Referer` header.
    pub(super) fn of_address(address: &str) -> Option<Self> {
        let (scheme, rest) = address.split_once("://")?;
        Self::new(scheme, rest.split(['/', '?', '#']).next().unwrap_or(rest))
    }

    /// Returns the origin of a scheme and a host. The host may include a port.
    pub(super) fn new(scheme: &str, host: &str) -> Option<Self> {
        let scheme = scheme.to_ascii_lowercase();
        let is_scheme =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let is_host = |byte: u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']')
        };
        if scheme.is_empty() || !scheme.bytes().all(is_scheme) || !host.bytes().all(is_host) {
            return None;
        }
        let default = match scheme.as_str() {
            "https" => ":443",
            "http" => ":80",
            _ => "",
        };
        let host = host.strip_suffix(default).unwrap_or(host).to_ascii_lowercase();
        (!host.is_empty() && !host.starts_with(':')).then_some(Self { scheme, host })
    }

    pub(super) fn is_https(&self) -> bool {
        self.scheme == "https"
    }
}

/// Returns whether a host is this machine. The host may include a port. Browsers trust plain HTTP
/// to this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let name = if host.starts_with('[') {
        host.split_inclusive(']').next().unwrap_or(host)
    } else {
        host.split(':').next().unwrap_or(host)
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]") || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origin_is_compared_by_scheme_host_and_port() {
        let shop = Origin::parse("https://shop.example.com").unwrap();
        for same in ["HTTPS://Shop.Example.com", "https://shop.example.com:443"] {
            assert_eq!(Origin::parse(same).as_ref(), Some(&shop), "{same}");
        }
        for other in [
            "http://shop.example.com",
            "https://shop.example.com:80",
            "https://shop.example.com:8443",
            "https://example.com",
            "https://shop.example.com.evil.example",
        ] {
            assert_ne!(Origin::parse(other).as_ref(), Some(&shop), "{other}");
        }
        for none in
            ["", "null", "shop.example.com", "https://", "https://a/b", "https://a@b", "://a"]
        {
            assert_eq!(Origin::parse(none), None, "{none}");
        }
    }

    #[test]
    fn origin_of_address_ends_at_path() {
        let shop = Origin::parse("https://shop.example.com").unwrap();
        for address in ["https://shop.example.com", "https://shop.example.com/a?b#c"] {
            assert_eq!(Origin::of_address(address).as_ref(), Some(&shop), "{address}");
        }
        for other in [
            "https://shop.example.com@evil.example/",
            "https://evil.example/?https://shop.example.com",
        ] {
            assert_ne!(Origin::of_address(other).as_ref(), Some(&shop), "{other}");
        }
    }

    #[test]
    fn loopback_host_is_recognized_with_port() {
        for host in ["localhost", "localhost:3000", "127.0.0.1:1", "[::1]:80", "a.localhost"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["example.com", "localhost.example.com", "127.0.0.2", "[::2]"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
