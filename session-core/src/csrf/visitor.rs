//! The signed random cookie of visitors without a session.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac as _;

use super::secret::{Keys, random};
use crate::config::SessionConfig;
use crate::cookie::{CookieAttributes, render_removal, render_set};
use crate::error::Error;

const LIFETIME: Duration = Duration::from_secs(24 * 3600);
const CONTENT: usize = 24;
const LENGTH: usize = CONTENT + 32;

/// The cookie of a visitor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Visitor {
    pub(super) nonce: [u8; 16],
    expires: u64,
}

impl Visitor {
    pub(super) fn generate(now: SystemTime) -> Result<Self, Error> {
        Ok(Self { nonce: random()?, expires: seconds(now + LIFETIME) })
    }

    /// Reads the cookie of a request, unless it is forged or has expired.
    pub(super) fn read(value: &str, name: &str, keys: &Keys, now: SystemTime) -> Option<Self> {
        let mut bytes = [0; LENGTH + 2];
        if URL_SAFE_NO_PAD.decode_slice(value, &mut bytes).ok()? != LENGTH {
            return None;
        }
        let (content, signature) = bytes[..LENGTH].split_at(CONTENT);
        let parts = [name.as_bytes(), content];
        if !keys.macs("visitor", &parts).any(|mac| mac.verify_slice(signature).is_ok()) {
            return None;
        }
        let (nonce, expires) = content.split_first_chunk()?;
        let expires = u64::from_be_bytes(*expires.first_chunk()?);
        (seconds(now) <= expires).then_some(Self { nonce: *nonce, expires })
    }

    /// Returns whether less than half of the lifetime is left.
    pub(super) fn is_old(&self, now: SystemTime) -> bool {
        self.expires < seconds(now + LIFETIME / 2)
    }

    pub(super) fn renewed(self, now: SystemTime) -> Self {
        Self { expires: seconds(now + LIFETIME), ..self }
    }

    /// Returns the `Set-Cookie` header that sets the cookie.
    pub(super) fn render(
        &self,
        keys: &Keys,
        config: &SessionConfig,
        now: SystemTime,
    ) -> Result<String, Error> {
        let name = name(config);
        let content = [&self.nonce[..], &self.expires.to_be_bytes()].concat();
        let mac = keys.macs("visitor", &[name.as_bytes(), &content]).next();
        let signature = mac.map(|mac| mac.finalize().into_bytes()).unwrap_or_default();
        let value = URL_SAFE_NO_PAD.encode([&content[..], &signature].concat());
        let expires = SystemTime::UNIX_EPOCH + Duration::from_secs(self.expires);
        render_set(&name, &value, Some(expires), now, &attributes(config)?)
    }
}

/// Returns the `Set-Cookie` header that removes the cookie.
pub(super) fn removal(config: &SessionConfig) -> Result<String, Error> {
    Ok(render_removal(&name(config), &attributes(config)?))
}

/// Returns the name of the cookie.
pub(super) fn name(config: &SessionConfig) -> String {
    companion_name(config, "csrf")
}

/// Returns the name of another cookie of this crate: the name of the session cookie with a suffix.
/// If the cookie is `Secure`, the name has the prefix `__Host-`, and only this host can set the
/// cookie.
pub(crate) fn companion_name(config: &SessionConfig, suffix: &str) -> String {
    let session = config.cookie_name();
    let prefixes = ["__Host-Http-", "__Host-", "__Secure-", "__Http-"];
    let base = prefixes.iter().find_map(|prefix| session.strip_prefix(prefix)).unwrap_or(session);
    let prefix = if config.cookie_attributes().secure() { "__Host-" } else { "" };
    format!("{prefix}{base}-{suffix}")
}

/// Returns the attributes of a cookie with a [`companion_name`].
pub(crate) fn attributes(config: &SessionConfig) -> Result<CookieAttributes, Error> {
    let session = config.cookie_attributes();
    CookieAttributes::builder()
        .secure(session.secure())
        .same_site(session.same_site())
        .partitioned(session.partitioned())
        .build()
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SecretKey;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    #[test]
    fn visitor_cookie_is_read_until_it_expires() {
        let keys = Keys::new(&SecretKey::generate().unwrap()).unwrap();
        let config = SessionConfig::default();
        let visitor = Visitor::generate(NOW).unwrap();
        let header = visitor.render(&keys, &config, NOW).unwrap();
        let (pair, attributes) = header.split_once("; ").unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        assert_eq!(name, "__Host-session-csrf");
        assert!(
            attributes.ends_with("; Max-Age=86400; Secure; HttpOnly; Path=/; SameSite=Lax"),
            "{attributes}"
        );
        assert_eq!(Visitor::read(value, name, &keys, NOW + LIFETIME), Some(visitor));
        let late = NOW + LIFETIME + Duration::from_secs(1);
        assert_eq!(Visitor::read(value, name, &keys, late), None);
        assert_eq!(Visitor::read(value, "other-csrf", &keys, NOW), None);
        let others = Keys::new(&SecretKey::generate().unwrap()).unwrap();
        assert_eq!(Visitor::read(value, name, &others, NOW), None);
        for forged in ["", "AAAA", &value[1..], &format!("{value}AA"), &value.replace('A', "B")] {
            assert!(Visitor::read(forged, name, &keys, NOW).is_none() || forged == value);
        }
    }

    #[test]
    fn cookie_without_secure_has_no_prefix() {
        let plain = SessionConfig::development();
        assert_eq!(name(&plain), "session-csrf");
        let host = SessionConfig::builder().cookie_name("__Host-shop").build().unwrap();
        assert_eq!(name(&host), "__Host-shop-csrf");
        assert!(removal(&host).unwrap().starts_with("__Host-shop-csrf=; Expires=Thu, 01 Jan 1970"));
    }
}
