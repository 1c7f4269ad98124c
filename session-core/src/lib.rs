//! Sessions for Rust web applications, after Flask's idea: an interface that opens a session and saves it again, and a
//! few hooks. An application picks a backend crate; its handlers see a [`Session`] and never change.
//!
//! This crate holds what every backend and every framework adapter shares, and names none of them. To use sessions, take
//! an adapter (`session-tower`) and a backend (`session-cookie`, `session-memory`). To write a backend, start at
//! [`SessionStore`] if it keeps sessions on the server, or at [`SessionInterface`] if it owns all of the session; to write
//! an adapter, at [`RequestSession`].
//!
//! ```
//! use session_core::{Key, Session};
//!
//! const CART: Key<Vec<u64>> = Key::new("cart");
//!
//! fn add_to_cart(session: &Session, product: u64) -> Result<(), session_core::Error> {
//!     session.update(CART, move |cart| {
//!         let mut cart = cart.unwrap_or_default();
//!         cart.push(product);
//!         Some(cart)
//!     })?;
//!     session.flash("Added to your cart")
//! }
//!
//! let session = Session::new();
//! add_to_cart(&session, 7)?;
//! assert_eq!(session.get(CART)?, Some(vec![7]));
//! # Ok::<(), session_core::Error>(())
//! ```

mod changes;
mod clock;
mod commit;
mod config;
mod context;
mod cookie;
mod engine;
mod error;
#[doc = include_str!("../EVENTS.md")]
pub mod events {}
mod flash;
mod headers;
mod id;
mod interface;
mod keys;
mod layers;
mod null;
mod owner;
mod request;
mod scan;
mod secret;
mod session;
mod store;
pub mod tagged;
#[cfg(feature = "testing")]
pub mod testing;
mod values;

/// The attribute for `impl SessionInterface`, from the `async-trait` crate.
pub use async_trait::async_trait;

pub use changes::Changes;
pub use clock::{Clock, ManualClock, SystemClock};
pub use commit::{OnOutage, RequestSession};
pub use config::{Oversize, Refresh, SessionConfig, SessionConfigBuilder};
pub use cookie::{CookieAction, CookieAttributes, CookieAttributesBuilder, SameSite};
pub use engine::ServerSideSessions;
pub use error::{Error, ErrorKind};
pub use flash::Flash;
pub use headers::SessionHeaders;
pub use interface::{OpenContext, SaveContext, SessionInterface};
pub use keys::{Key, SessionKey};
pub use layers::SessionLayers;
pub use null::NullSessions;
pub use owner::{OwnedSession, OwnerSessions};
pub use request::{RequestView, RequestViewBuilder};
pub use secret::SecretKey;
pub use session::{Outcome, Session};
pub use store::{LogName, NewRecord, OwnerIndex, Record, Replaced, SessionStore, StoreKey, Sweep, Version};
