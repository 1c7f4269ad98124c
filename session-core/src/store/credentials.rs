//! Credentials that change while the application runs.

use std::fmt;
use std::future::Future;

use async_trait::async_trait;

use crate::error::Error;

/// A user and a password for a connection to a store.
///
/// `Debug` shows neither the user nor the password.
#[derive(Clone)]
pub struct Credentials {
    username: Option<String>,
    password: String,
}

impl Credentials {
    /// Returns the credentials of a user.
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self { username: Some(username.into()), password: password.into() }
    }

    /// Returns credentials without a user. The store uses the user of its address or of its other
    /// settings.
    pub fn with_password(password: impl Into<String>) -> Self {
        Self { username: None, password: password.into() }
    }

    /// Returns the user, or `None` if the store uses the user of its other settings.
    pub fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }

    /// Returns the password.
    pub fn password(&self) -> &str {
        &self.password
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// A provider of the credentials for each new connection to a store, such as a token that expires.
///
/// A closure that returns a future is a provider. A store calls the provider before it connects,
/// within the deadline of the call that needs the connection. Therefore a provider that calls a
/// service should return the last credentials until shortly before they expire.
///
/// If the provider fails, connecting fails with
/// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable), and the next call tries again.
///
/// # Examples
///
/// ```
/// use session_core::store::{Credentials, CredentialsProvider};
/// use session_core::{Error, ErrorKind};
///
/// fn from_file() -> impl CredentialsProvider {
///     || async {
///         let password = std::fs::read_to_string("/run/secrets/database").map_err(|error| {
///             Error::new(ErrorKind::Unavailable, "cannot read the password").with_source(error)
///         })?;
///         Ok(Credentials::with_password(password.trim_end()))
///     }
/// }
/// ```
#[async_trait]
pub trait CredentialsProvider: Send + Sync + 'static {
    /// Returns the current credentials.
    ///
    /// # Errors
    ///
    /// Returns any error if no credentials are currently available.
    async fn credentials(&self) -> Result<Credentials, Error>;
}

#[async_trait]
impl<F, R> CredentialsProvider for F
where
    F: Fn() -> R + Send + Sync + 'static,
    R: Future<Output = Result<Credentials, Error>> + Send,
{
    async fn credentials(&self) -> Result<Credentials, Error> {
        self().await
    }
}
