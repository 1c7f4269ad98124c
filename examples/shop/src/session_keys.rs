//! All session keys of the shop, with the types of their values.

use session_core::Key;

use crate::cart::Cart;
use crate::preferences::Preferences;

/// The cart; absent if it is empty.
pub(crate) const CART: Key<Cart> = Key::new("cart");

/// The preferences; absent before the first choice.
pub(crate) const PREFERENCES: Key<Preferences> = Key::new("preferences");
