//! Users and staff, as an application of axum-login declares them.

use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum_login::{AuthUser, AuthnBackend, AuthzBackend, UserId};
use serde::Deserialize;

#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) name: String,
    password: Vec<u8>,
}

impl AuthUser for User {
    type Id = String;

    fn id(&self) -> String {
        self.name.clone()
    }

    fn session_auth_hash(&self) -> &[u8] {
        &self.password
    }
}

#[derive(Clone, Deserialize)]
pub(crate) struct Credentials {
    name: String,
    password: String,
}

/// Users by name, with their passwords. A real application stores hashes.
#[derive(Clone, Debug)]
pub(crate) struct Users {
    passwords: Arc<Mutex<BTreeMap<String, String>>>,
}

impl Default for Users {
    fn default() -> Self {
        let users = [("ada", "lovelace"), ("ben", "franklin")];
        let users = users.map(|(name, password)| (name.to_owned(), password.to_owned()));
        Self { passwords: Arc::new(Mutex::new(users.into())) }
    }
}

impl Users {
    pub(crate) fn set_password(&self, name: &str, password: &str) {
        self.passwords.lock().unwrap().insert(name.to_owned(), password.to_owned());
    }

    fn find(&self, name: &str) -> Option<User> {
        let password = self.passwords.lock().unwrap().get(name)?.clone().into_bytes();
        Some(User { name: name.to_owned(), password })
    }
}

impl AuthnBackend for Users {
    type User = User;
    type Credentials = Credentials;
    type Error = Infallible;

    async fn authenticate(&self, credentials: Credentials) -> Result<Option<User>, Infallible> {
        let user = self.find(&credentials.name);
        Ok(user.filter(|user| user.password == credentials.password.as_bytes()))
    }

    async fn get_user(&self, name: &UserId<Self>) -> Result<Option<User>, Infallible> {
        Ok(self.find(name))
    }
}

impl AuthzBackend for Users {
    type Permission = &'static str;

    async fn get_group_permissions(
        &self,
        user: &User,
    ) -> Result<HashSet<&'static str>, Infallible> {
        let admin = user.name == "ada";
        Ok(if admin { HashSet::from(["read", "write"]) } else { HashSet::from(["read"]) })
    }
}

/// A second backend of the same application.
#[derive(Clone, Debug, Default)]
pub(crate) struct Staff {}

impl AuthnBackend for Staff {
    type User = User;
    type Credentials = Credentials;
    type Error = Infallible;

    async fn authenticate(&self, credentials: Credentials) -> Result<Option<User>, Infallible> {
        let user = self.get_user(&credentials.name).await?;
        Ok(user.filter(|user| user.password == credentials.password.as_bytes()))
    }

    async fn get_user(&self, name: &UserId<Self>) -> Result<Option<User>, Infallible> {
        let user = User { name: name.clone(), password: b"staff".to_vec() };
        Ok(Some(user).filter(|user| user.name == "eve"))
    }
}
