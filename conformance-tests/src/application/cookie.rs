//! The cookies that a browser receives, stores and sends.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::exchange::Response;

/// The maximum size of a name and value that browsers store (RFC 6265bis, section 5.6).
pub(super) const MAX_COOKIE: usize = 4096;

/// A `Set-Cookie` header.
pub(super) struct SetCookie {
    pub(super) name: String,
    pub(super) value: String,
    attributes: Vec<(String, String)>,
}

impl SetCookie {
    pub(super) fn parse(header: &str) -> Self {
        let mut parts = header.split(';').map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (name.trim().to_owned(), value.trim().to_owned())
        });
        let (name, value) = parts.next().unwrap_or_default();
        let attributes = parts.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        Self { name, value, attributes }
    }

    /// Returns the value of an attribute, which is empty for `Secure` and `HttpOnly`.
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().rev().find(|(other, _)| other == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn size(&self) -> usize {
        self.name.len() + self.value.len()
    }

    pub(super) fn is_removal(&self, now: SystemTime) -> bool {
        self.expiry(now).is_some_and(|expiry| expiry <= now)
    }

    fn expiry(&self, now: SystemTime) -> Option<SystemTime> {
        let seconds: Option<i64> = self.attribute("max-age").and_then(|value| value.parse().ok());
        match seconds.map(u64::try_from) {
            Some(Ok(seconds)) if seconds > 0 => now.checked_add(Duration::from_secs(seconds)),
            Some(_) => Some(SystemTime::UNIX_EPOCH),
            None => httpdate::parse_http_date(self.attribute("expires")?).ok(),
        }
    }
}

/// The cookies of one browser. `Secure` cookies are also sent over HTTP, as browsers do for the
/// local host.
#[derive(Clone, Default)]
pub(super) struct Jar {
    cookies: BTreeMap<String, (String, Option<SystemTime>)>,
}

impl Jar {
    /// Returns the `Cookie` header.
    pub(super) fn header(&self, now: SystemTime) -> Option<String> {
        let live = self.cookies.iter().filter(|(_, (_, expiry))| expiry.is_none_or(|at| at > now));
        let pairs: Vec<_> = live.map(|(name, (value, _))| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Stores the cookies of a response, except cookies that browsers drop because of their size.
    pub(super) fn receive(&mut self, response: &Response, now: SystemTime) {
        for cookie in response.set_cookies() {
            if cookie.is_removal(now) {
                self.cookies.remove(&cookie.name);
            } else if cookie.size() <= MAX_COOKIE {
                let expiry = cookie.expiry(now);
                self.cookies.insert(cookie.name, (cookie.value, expiry));
            }
        }
    }

    /// Returns the cookies without their expiry, as an attacker stores them.
    pub(super) fn copied(&self) -> Self {
        let cookies = self.cookies.iter();
        let copied = cookies.map(|(name, (value, _))| (name.clone(), (value.clone(), None)));
        Self { cookies: copied.collect() }
    }

    /// Returns cookies of the same form with other ids. Returns `None` if no value is long enough
    /// for an id.
    pub(super) fn with_other_ids(&self) -> Option<Self> {
        let mut other = self.copied();
        let mut changed = false;
        for (value, _) in other.cookies.values_mut().filter(|(value, _)| value.len() >= MIN_ID) {
            let id = other_id(value);
            changed |= id != *value;
            *value = id;
        }
        changed.then_some(other)
    }

    /// Returns the total length of all names and values.
    pub(super) fn size(&self) -> usize {
        self.cookies.iter().map(|(name, (value, _))| name.len() + value.len()).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.cookies.is_empty()
    }

    /// Returns whether every cookie has the same value in both jars.
    pub(super) fn has_same_values(&self, other: &Self) -> bool {
        let values = |jar: &Self| -> Vec<(String, String)> {
            jar.cookies.iter().map(|(name, (value, _))| (name.clone(), value.clone())).collect()
        };
        values(self) == values(other)
    }
}

const MIN_ID: usize = 16;

/// Replaces letters and digits in the last third of `value`, where no format of ids has a fixed
/// character. A hexadecimal digit stays a hexadecimal digit. The last two characters can have
/// unused bits.
fn other_id(value: &str) -> String {
    let (begin, end) = (value.len() - value.len() / 3, value.len() - 2);
    let replaced = value.char_indices().map(|(index, character)| match character {
        _ if !(begin..end).contains(&index) => character,
        '9' => '0',
        'f' => 'a',
        'z' => 'g',
        'F' => 'A',
        'Z' => 'G',
        '0'..='8' | 'a'..='y' | 'A'..='Y' => char::from_u32(character as u32 + 1).unwrap_or('a'),
        _ => character,
    });
    replaced.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_id_differs_and_keeps_form() {
        let ids = [
            ("9f86d081884c7d659a2feaa0c55ad015", "9f86d081884c7d659a2feab1d66be115"),
            ("248bd817-e424-4a4c-8f70-30c442c085f7", "248bd817-e424-4a4c-8f70-41d553d196f7"),
            ("_gHijK-lmnOpqrSTuvWxyzZ", "_gHijK-lmnOpqrSTvwXyzzZ"),
        ];
        for (id, other) in ids {
            assert_eq!(other_id(id), other);
        }
        let jar =
            |value: &str| Jar { cookies: [("id".to_owned(), (value.to_owned(), None))].into() };
        assert!(jar("------------------------").with_other_ids().is_none());
        assert!(jar("248bd817").with_other_ids().is_none());
    }
}
