//! The `Domain` of a cookie: only host names that browsers accept.

use crate::error::{Error, ErrorKind};

/// The maximum lengths of a host name and of a label, which is a part between dots.
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

/// Returns the domain without a leading dot and without a port.
///
/// # Errors
///
/// [`ErrorKind::Configuration`] if browsers would reject a cookie with this domain.
pub(super) fn normalize(domain: &str) -> Result<String, Error> {
    let name = without_port(domain).map(|name| name.strip_prefix('.').unwrap_or(name));
    let Some(name) = name.filter(|name| is_host_name(name)) else {
        let problem = "is not an ASCII host name; use one such as example.com, without a scheme";
        return Err(refused(domain, problem));
    };
    if ends_in_number(name) {
        let problem = "is an address, which is not a valid cookie domain; set no domain";
        return Err(refused(domain, problem));
    }
    if !name.contains('.') && !name.eq_ignore_ascii_case("localhost") {
        let problem = "has a single label, which browsers reject; set no domain, or one such as \
                       example.com";
        return Err(refused(domain, problem));
    }
    Ok(name.to_owned())
}

fn refused(domain: &str, problem: &str) -> Error {
    Error::new(ErrorKind::Configuration, format!("cookie domain {domain:?} {problem}"))
}

fn without_port(domain: &str) -> Option<&str> {
    let Some((name, port)) = domain.split_once(':') else { return Some(domain) };
    let is_port = (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    is_port.then_some(name)
}

fn is_host_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_label = |label: &str| {
        (1..=LONGEST_LABEL).contains(&label.len())
            && label.bytes().all(legal)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= LONGEST_NAME && name.split('.').all(is_label)
}

/// Returns whether browsers read the name as an IPv4 address (the URL standard's "ends in a
/// number").
fn ends_in_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let hexadecimal = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    match hexadecimal {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => last.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(domain: &str) -> Result<String, String> {
        normalize(domain).map_err(|error| {
            assert_eq!(error.kind(), ErrorKind::Configuration);
            error.to_string()
        })
    }

    #[test]
    fn domain_is_normalized() {
        let longest = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "a".repeat(61));
        for (given, expected) in [
            ("example.com", "example.com"),
            (".Example.com:80", "Example.com"),
            ("a-b.c_d.example:65535", "a-b.c_d.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("1.example", "1.example"),
            ("localhost", "localhost"),
            ("LocalHost:8000", "LocalHost"),
            (&longest, &longest),
        ] {
            assert_eq!(domain(given).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn domain_that_browsers_reject_is_refused_with_reason() {
        let long_label = format!("{}.com", "a".repeat(64));
        let long = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "a".repeat(62));
        for (given, reason) in [
            ("https://example.com", "host name"),
            ("https:", "host name"),
            ("https:443", "single label"),
            ("example.com/shop", "host name"),
            ("example.com:", "host name"),
            ("example.com:http", "host name"),
            ("example.com:80:80", "host name"),
            ("example.com:123456", "host name"),
            ("user@example.com", "host name"),
            ("example.com; Secure", "host name"),
            ("example.com, other.com", "host name"),
            ("*.example.com", "host name"),
            (" example.com", "host name"),
            ("bücher.example", "host name"),
            ("", "host name"),
            (".", "host name"),
            (":80", "host name"),
            ("..example.com", "host name"),
            ("example..com", "host name"),
            ("example.com.", "host name"),
            ("-example.com", "host name"),
            ("example-.com", "host name"),
            (&long_label, "host name"),
            (&long, "host name"),
            ("com", "single label"),
            ("intranet", "single label"),
            (".localhost.", "host name"),
            ("127.0.0.1", "address"),
            ("127.0.0.1:8000", "address"),
            ("127.1", "address"),
            ("2130706433", "address"),
            ("192.168.0x1", "address"),
            ("[::1]", "host name"),
            ("::1", "host name"),
        ] {
            let refused = domain(given);
            assert!(
                refused.as_ref().is_err_and(|text| text.contains(reason)),
                "{given}: {refused:?}"
            );
        }
    }
}
