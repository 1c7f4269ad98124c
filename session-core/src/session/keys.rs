//! Keys: plain strings, and constants that have the type of their value.

use std::fmt;
use std::marker::PhantomData;

use crate::error::{Error, ErrorKind};

/// The key under which cookie backends store the login. Handlers cannot write it.
pub(crate) const LOGIN: &str = "_login";

/// Fails if a handler must not write this key.
pub(super) fn check_key(key: &str) -> Result<(), Error> {
    if key != LOGIN {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Value, "session key \"_login\" is reserved for the login"))
}

/// A key with the type of its value.
///
/// With a key declared once as a constant, no handler can write a value of one type and read
/// another.
///
/// A value must have exactly the type of the key. For example, insert `"ada".to_owned()` under a
/// `Key<String>`. A plain string as the key accepts any type, including `&str`. For
/// [`contains_key`](crate::Session::contains_key) and [`discard`](crate::Session::discard), pass
/// [`name`](Self::name).
///
/// # Examples
///
/// ```
/// use session_core::{Key, Session};
///
/// const CART: Key<Vec<u64>> = Key::new("cart");
///
/// fn cart(session: &Session) -> Result<Vec<u64>, session_core::Error> {
///     Ok(session.get(CART)?.unwrap_or_default())
/// }
/// ```
pub struct Key<T> {
    name: &'static str,
    value: PhantomData<fn(T) -> T>,
}

impl<T> Key<T> {
    /// Returns a key with this name.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, value: PhantomData }
    }

    /// Returns the name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl<T> Clone for Key<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Key<T> {}

impl<T> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.name).finish()
    }
}

/// The key of a value of type `T`: a string, for any type, or a [`Key<T>`].
///
/// This trait is sealed.
pub trait SessionKey<T>: sealed::Sealed {
    #[doc(hidden)]
    fn as_name(&self) -> &str;
}

impl<T> SessionKey<T> for &str {
    fn as_name(&self) -> &str {
        self
    }
}

impl<T> SessionKey<T> for &String {
    fn as_name(&self) -> &str {
        self
    }
}

impl<T> SessionKey<T> for Key<T> {
    fn as_name(&self) -> &str {
        self.name
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for &str {}
    impl Sealed for &String {}
    impl<T> Sealed for super::Key<T> {}
}
