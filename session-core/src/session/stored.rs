//! The stored parts of a session: its values and its login.

use std::sync::{Arc, LazyLock};

use super::login::Login;
use super::values::Values;

/// The key under which the CSRF protection and Flask-WTF store the secret of their tokens. A login
/// drops the secret, because an attacker may have a token from before the login.
const CSRF_SECRET: &str = "csrf_token";

static EMPTY: LazyLock<Values> = LazyLock::new(Values::default);

/// The values and the login. Clones share the values until one clone changes them.
#[derive(Clone, Default)]
pub(crate) struct StoredData {
    values: Option<Arc<Values>>,
    pub(crate) login: Option<Login>,
}

impl StoredData {
    #[inline]
    pub(crate) fn new(values: impl Into<Arc<Values>>, login: Option<Login>) -> Self {
        Self { values: Some(values.into()), login }
    }

    pub(crate) fn values(&self) -> &Values {
        match &self.values {
            Some(values) => values,
            None => &EMPTY,
        }
    }

    pub(crate) fn values_mut(&mut self) -> &mut Values {
        Arc::make_mut(self.values.get_or_insert_default())
    }

    /// Returns whether there are no values and no login.
    pub(crate) fn is_empty(&self) -> bool {
        self.login.is_none() && self.values().is_empty()
    }

    pub(crate) fn owner(&self) -> Option<&str> {
        self.login.as_ref().map(Login::owner)
    }

    /// Logs in. A login of the same owner keeps the values, and a login of another owner drops
    /// them. A login of a visitor keeps the values under the keys in `kept`, or all values if
    /// `kept` is `None`. The CSRF secret is always dropped.
    pub(crate) fn log_in(&mut self, login: Login, kept: Option<&[String]>) {
        match self.owner() {
            Some(owner) if owner == login.owner() => {}
            Some(_) => self.values = None,
            None => self.drop_planted(kept),
        }
        if self.values().contains_key(CSRF_SECRET) {
            self.values_mut().remove(CSRF_SECRET);
        }
        self.login = Some(login);
    }

    fn drop_planted(&mut self, kept: Option<&[String]>) {
        let Some(kept) = kept else { return };
        let dropped: Vec<String> = self.values().keys().filter(|key| !kept.contains(key)).collect();
        for key in dropped {
            self.values_mut().remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn login_keeps_values_of_same_owner_and_of_visitor() {
        let login = |owner: &str| Login::new(owner, SystemTime::UNIX_EPOCH);
        let cart = || vec!["cart".to_owned()];
        let token = || vec!["csrf_token".to_owned()];
        let cases = [
            (Some("ada"), None, r#"{"cart":1,"theme":2}"#),
            (Some("ada"), Some(cart()), r#"{"cart":1,"theme":2}"#),
            (Some("eve"), None, "{}"),
            (Some("eve"), Some(cart()), "{}"),
            (None, None, r#"{"cart":1,"theme":2}"#),
            (None, Some(cart()), r#"{"cart":1}"#),
            (None, Some(Vec::new()), "{}"),
            (None, Some(token()), "{}"),
        ];
        for (before, kept, after) in cases {
            let values = Values::parse(r#"{"cart":1,"csrf_token":"s","theme":2}"#.into()).unwrap();
            let mut stored = StoredData::new(values, before.map(login));
            stored.log_in(login("ada"), kept.as_deref());
            assert_eq!(stored.values().to_payload(), after, "{before:?} {kept:?}");
            assert_eq!(stored.owner(), Some("ada"));
        }
    }
}
