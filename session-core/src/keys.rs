//! Keys: plain strings, and constants that carry the type of their value.

use std::fmt;
use std::marker::PhantomData;

/// A key that knows the type of its value, so that no handler can write one type and read another.
///
/// ```
/// use session_core::{Key, Session};
///
/// const CART: Key<Vec<u64>> = Key::new("cart");
///
/// let session = Session::new();
/// session.insert(CART, vec![1, 2])?;
/// assert_eq!(session.get(CART)?, Some(vec![1, 2]));
/// # Ok::<(), session_core::Error>(())
/// ```
pub struct Key<T> {
    name: &'static str,
    value: PhantomData<fn(T) -> T>,
}

impl<T> Key<T> {
    /// The key of this name.
    ///
    /// ```
    /// # use session_core::Key;
    /// const USER: Key<u64> = Key::new("user_id");
    /// ```
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, value: PhantomData }
    }

    /// The name, for where a plain string is wanted.
    ///
    /// ```
    /// # use session_core::Key;
    /// assert_eq!(Key::<u64>::new("user_id").name(), "user_id");
    /// ```
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

/// What names a value of type `T` in a session: a string, for any type, or a [`Key<T>`].
///
/// Sealed: these are all there are.
///
/// ```
/// use session_core::{Key, Session, SessionKey};
///
/// fn read(session: &Session, key: impl SessionKey<u64>) -> u64 {
///     session.get(key).ok().flatten().unwrap_or(0)
/// }
///
/// assert_eq!(read(&Session::new(), "visits"), 0);
/// assert_eq!(read(&Session::new(), Key::new("visits")), 0);
/// ```
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
