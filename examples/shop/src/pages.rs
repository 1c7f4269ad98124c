//! The pages. Each file shows one page and handles its forms.
//!
//! Every change is a POST request that redirects, and the cookie is `SameSite=Lax`. A form of
//! another site is sent without the session, so it cannot change the cart of a visitor. This is
//! sufficient for a demonstration. It does not prevent another site from logging a visitor in.

pub(crate) mod cart;
pub(crate) mod devices;
pub(crate) mod home;
pub(crate) mod join;
pub(crate) mod login;
pub(crate) mod lost;
pub(crate) mod password;
pub(crate) mod preferences;
pub(crate) mod session;
