//! Dusk Garden, a small shop that shows the uses of a session: a cart, a login, preferences and
//! flash messages.
//!
//! Start the shop with `cargo run -p shop`. To read the code, start at [`app()`], which lists the
//! routes, and at `session_keys`, which lists the session keys. Each page is a file under `pages`.

mod accounts;
mod app;
mod art;
mod cart;
mod catalogue;
mod device;
mod layout;
mod metrics;
mod pages;
mod preferences;
mod session_keys;
mod stores;
mod visitor;

pub use app::app;
pub use metrics::Metrics;
pub use stores::{Sessions, open_store};
