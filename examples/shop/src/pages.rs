//! The pages. Each file shows one page and handles its forms.
//!
//! Every change is a POST request that redirects. The CSRF layer refuses forms of other sites. Each
//! form contains a token for browsers that do not send `Sec-Fetch-Site`.

pub(crate) mod cart;
pub(crate) mod devices;
pub(crate) mod home;
pub(crate) mod join;
pub(crate) mod login;
pub(crate) mod lost;
pub(crate) mod password;
pub(crate) mod preferences;
pub(crate) mod session;
