//! Guards for routes that require a login, a recent login, a permission, or a visitor without a
//! login.
//!
//! Applications implement [`Users`], which loads their user type. They add the guards of [`Guards`]
//! to routes with `session_tower::guard::GuardLayer` or `session_actix::guard::GuardMiddleware`,
//! inside the layers of the session and of [remember-me](crate::remember). Handlers obtain the user
//! and the [`Next`] page from the extractors of the adapter. This module contains the parts that do
//! not depend on a framework, for authors of adapters.
//!
//! # Responses
//!
//! | guard | request | page that the browser opens | any other request |
//! |---|---|---|---|
//! | [`login_required`](Guards::login_required) | of a visitor | 303 to the login page | 401 |
//! | [`recent_login_required`](Guards::recent_login_required) | of a visitor, or the login is too old | 303 to the login page | 401 |
//! | [`permission_required`](Guards::permission_required) | of a visitor | 303 to the login page | 401 |
//! | | the user does not have the permission | 403 | 403 |
//! | [`anonymous_only`](Guards::anonymous_only) | a user is logged in | 303 to the [next page](Next) or the home page | 403 |
//! | [`load_user`](Guards::load_user) | any | passes | passes |
//!
//! A browser opens a page by a `GET` request with `Sec-Fetch-Mode: navigate`. If the header is
//! missing, `Accept` must contain `text/html`. Scripts receive 401, because they would follow a
//! redirect to the login page and mistake this page for a result.
//!
//! # Users and stamps
//!
//! The first guard of a request loads the user of the session, and the other guards use this user.
//! The first guard also compares the [stamp](crate::login#stamps) of the user with the stamp of the
//! session. If the stamps differ, or the user no longer exists, the guard calls
//! [`log_out`](crate::Session::log_out). The request then counts as a request of a visitor. If the
//! user cannot be loaded, the response is 503.
//!
//! A request that arrives between a change of the stamp and the next login also ends the session.
//! The login then creates a new session, without the earlier values.
//!
//! Guards make no store call beyond opening the session and logging out.

mod check;
#[cfg(test)]
mod fuzz;
mod next;
mod request;
mod users;

pub use check::{Denied, Guard, GuardError, Guards, Loaded};
pub use next::{Next, local_path};
pub use request::GuardRequest;
pub use users::{Owners, UserError, Users};
