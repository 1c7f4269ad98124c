//! The client of a request, as Flask-Login identifies it.

use std::fmt::{self, Write as _};
use std::net::IpAddr;

use sha2::{Digest as _, Sha512};

/// The client of a request: a hash of its address and user agent, which Flask-Login stores under
/// `_id`. The hash differs if another client uses the session.
#[derive(Clone, Eq, PartialEq)]
pub struct Client {
    id: String,
}

impl Client {
    /// Returns the client of a request.
    ///
    /// - `address` is the address of the connection. If Flask does not listen on IPv6, pass the
    ///   result of [`IpAddr::to_canonical`].
    /// - `forwarded_for` is the value of the header `X-Forwarded-For`. Its first item has
    ///   precedence over `address`; see [the module](super#proxies).
    /// - `user_agent` is the value of the header `User-Agent`.
    ///
    /// An IPv4 client of an IPv6 socket has an address such as `::ffff:192.0.2.1`. Flask receives
    /// the same address only if Flask also listens on IPv6.
    pub fn new(
        address: Option<IpAddr>,
        forwarded_for: Option<&[u8]>,
        user_agent: Option<&[u8]>,
    ) -> Self {
        let forwarded = forwarded_for
            .map(|value| value.split(|byte| *byte == b',').next().unwrap_or_default())
            .map(|first| utf8_of_latin1(first.trim_ascii()));
        let address = forwarded.or_else(|| address.map(|address| address.to_string().into()));
        let user_agent = user_agent.map(utf8_of_latin1);
        let base = format!("{}|{}", python_repr(address), python_repr(user_agent));
        let mut id = String::with_capacity(128);
        for byte in Sha512::digest(base) {
            let _infallible = write!(id, "{byte:02x}");
        }
        Self { id }
    }

    /// Returns the value of `_id`: 128 hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

/// Returns the bytes of a header as Flask-Login reads them. WSGI decodes the header as Latin-1, and
/// Flask-Login encodes the text as UTF-8.
fn utf8_of_latin1(bytes: &[u8]) -> Vec<u8> {
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    text.into_bytes()
}

/// Returns the result of Python's `f"{value}"` for bytes or `None`, which Flask-Login hashes.
fn python_repr(bytes: Option<Vec<u8>>) -> String {
    let Some(bytes) = bytes else { return "None".to_owned() };
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut text = format!("b{quote}");
    for byte in bytes {
        match byte {
            b'\t' => text.push_str("\\t"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\\' => text.push_str("\\\\"),
            b' '..=b'~' => {
                if char::from(byte) == quote {
                    text.push('\\');
                }
                text.push(char::from(byte));
            }
            _ => {
                let _infallible = write!(text, "\\x{byte:02x}");
            }
        }
    }
    text.push(quote);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repr(bytes: &[u8]) -> String {
        python_repr(Some(bytes.to_vec()))
    }

    #[test]
    fn bytes_are_written_as_python_does() {
        assert_eq!(python_repr(None), "None");
        assert_eq!(repr(b"127.0.0.1"), "b'127.0.0.1'");
        assert_eq!(repr(b"it's"), r#"b"it's""#);
        assert_eq!(repr(br#"it's "quoted""#), r#"b'it\'s "quoted"'"#);
        assert_eq!(repr(b"\t\n\r\\\x00\x1f~\x7f"), r"b'\t\n\r\\\x00\x1f~\x7f'");
        assert_eq!(repr(&utf8_of_latin1(b"\xe9")), r"b'\xc3\xa9'");
    }

    #[test]
    fn forwarded_address_has_precedence() {
        let address = |text: &str| text.parse().ok();
        let direct = Client::new(address("192.0.2.1"), None, Some(b"x"));
        for forwarded in ["192.0.2.1", " 192.0.2.1 , 10.0.0.1", "192.0.2.1,"] {
            let client = Client::new(address("::1"), Some(forwarded.as_bytes()), Some(b"x"));
            assert_eq!(client, direct, "{forwarded}");
        }
        assert_ne!(Client::new(address("192.0.2.1"), Some(b""), Some(b"x")), direct);
        assert_ne!(Client::new(None, None, Some(b"x")), direct);
    }

    #[test]
    fn debug_does_not_show_identifier() {
        assert_eq!(format!("{:?}", Client::new(None, None, None)), "Client { .. }");
    }
}
