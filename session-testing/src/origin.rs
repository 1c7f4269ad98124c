//! The origin of a browser: scheme and host.

use std::net::IpAddr;

use session_core::{Error, ErrorKind};

#[derive(Clone, Debug)]
pub(super) struct Origin {
    secure: bool,
    host: String,
}

impl Origin {
    pub(super) fn localhost() -> Self {
        Self { secure: true, host: "localhost".to_owned() }
    }

    pub(super) fn parse(origin: &str) -> Result<Self, Error> {
        let parsed = match origin.split_once("://") {
            Some(("https", host)) => Some((true, host)),
            Some(("http", host)) => Some((false, host)),
            _ => None,
        };
        match parsed.map(|(secure, host)| (secure, host.strip_suffix('/').unwrap_or(host))) {
            Some((secure, host)) if is_host(host) => {
                Ok(Self { secure, host: host.to_ascii_lowercase() })
            }
            _ => Err(Error::new(
                ErrorKind::Configuration,
                "origin must be http:// or https://, a host and optionally a port",
            )),
        }
    }

    pub(super) fn is_secure(&self) -> bool {
        self.secure
    }

    /// Returns the host with its port.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Returns the host without its port. Cookies do not depend on the port.
    pub(super) fn name(&self) -> &str {
        match self.host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => &self.host,
        }
    }

    /// Returns whether the host is this domain or a subdomain (RFC 6265bis, section 5.1.3).
    pub(super) fn is_within(&self, domain: &str) -> bool {
        let name = self.name();
        let below = || name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
        name == domain || (below() && name.parse::<IpAddr>().is_err())
    }
}

fn is_host(host: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    !host.is_empty() && host.bytes().all(legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_is_within_its_domain_and_parent_domains() {
        let origin = Origin::parse("http://Shop.Example.com:8080/").unwrap();
        assert_eq!(
            (origin.host(), origin.name(), origin.is_secure()),
            ("shop.example.com:8080", "shop.example.com", false)
        );
        assert!(origin.is_within("shop.example.com") && origin.is_within("example.com"));
        assert!(!origin.is_within("op.example.com") && !origin.is_within("a.shop.example.com"));
        assert!(!Origin::parse("http://10.0.0.7").unwrap().is_within("0.0.7"));
        assert_eq!(Origin::parse("https://[::1]").unwrap().name(), "[::1]");
    }

    #[test]
    fn parse_rejects_invalid_origins() {
        for text in [
            "",
            "shop.example",
            "ftp://shop.example",
            "https://",
            "https://shop.example/cart",
            "http://a b",
        ] {
            assert!(Origin::parse(text).is_err(), "{text}");
        }
    }
}
