//! The users of an application.

use std::borrow::Cow;

use async_trait::async_trait;

/// The reason why a user could not be loaded.
pub type UserError = Box<dyn std::error::Error + Send + Sync>;

/// The users of an application, which the guards load.
///
/// # Examples
///
/// ```
/// use std::borrow::Cow;
///
/// use session_core::async_trait;
/// use session_core::guard::{UserError, Users};
///
/// #[derive(Clone)]
/// struct User {
///     name: String,
///     stamp: String,
///     is_admin: bool,
/// }
///
/// struct Database;
///
/// # impl Database {
/// #     async fn find_user(&self, _: &str) -> Result<Option<User>, std::io::Error> { Ok(None) }
/// # }
/// #[async_trait]
/// impl Users for Database {
///     type User = User;
///
///     async fn load(&self, owner: &str) -> Result<Option<User>, UserError> {
///         Ok(self.find_user(owner).await?)
///     }
///
///     fn stamp<'a>(&self, user: &'a User) -> Option<Cow<'a, str>> {
///         Some(user.stamp.as_str().into())
///     }
///
///     fn has_permission(&self, user: &User, permission: &str) -> bool {
///         permission == "orders.edit" && user.is_admin
///     }
/// }
/// ```
#[async_trait]
pub trait Users: Send + Sync + 'static {
    /// The type of the user in handlers.
    type User: Clone + Send + Sync + 'static;

    /// Returns the user with this owner, which the application passed to
    /// [`log_in`](crate::Session::log_in). Returns `None` if the user no longer exists or may not
    /// log in. In this case, the guard ends the session.
    ///
    /// # Errors
    ///
    /// Returns any error if it is unknown whether the user exists. The response then has status
    /// 503, and the guard does not end the session.
    async fn load(&self, owner: &str) -> Result<Option<Self::User>, UserError>;

    /// Returns the current [stamp](crate::login#stamps) of the user, as passed to
    /// [`log_in`](crate::Session::log_in). The guard ends a session with another stamp or without a
    /// stamp. If the user has no stamp, the guard compares nothing. By default, no user has a
    /// stamp.
    ///
    /// A [`load`](Self::load) that returns users from a cache delays the end of outdated sessions.
    fn stamp<'a>(&self, user: &'a Self::User) -> Option<Cow<'a, str>> {
        let _ = user;
        None
    }

    /// Returns whether the user has a permission of
    /// [`permission_required`](super::Guards::permission_required). By default, no user has a
    /// permission.
    fn has_permission(&self, user: &Self::User, permission: &str) -> bool {
        let _ = (user, permission);
        false
    }
}

/// An implementation of [`Users`] that uses the owner as the user and loads nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Owners;

#[async_trait]
impl Users for Owners {
    type User = String;

    async fn load(&self, owner: &str) -> Result<Option<String>, UserError> {
        Ok(Some(owner.to_owned()))
    }
}
