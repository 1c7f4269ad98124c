//! The pages: each file shows one and handles its forms.
//!
//! Every change is a POST that redirects, and the cookie is `SameSite=Lax`: another site's form arrives without the
//! session, so it changes nobody's cart. That is enough for a demonstration; it does not keep another site from logging
//! a visitor in.

pub(crate) mod cart;
pub(crate) mod devices;
pub(crate) mod home;
pub(crate) mod login;
pub(crate) mod lost;
pub(crate) mod preferences;
pub(crate) mod session;
