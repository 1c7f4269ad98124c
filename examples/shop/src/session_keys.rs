//! What the shop keeps in a session: every key, with the type of its value.

use session_core::Key;

use crate::cart::Cart;
use crate::preferences::Preferences;

/// The user who is logged in, by the name of the account.
pub(crate) const USER: Key<String> = Key::new("user");

/// What is in the cart; no key, if it is empty.
pub(crate) const CART: Key<Cart> = Key::new("cart");

/// What the visitor chose; no key, before the first choice.
pub(crate) const PREFERENCES: Key<Preferences> = Key::new("preferences");
