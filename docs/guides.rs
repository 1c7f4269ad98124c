//! The README and the guides, as modules, so that their programs are compiled with the tests.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

#[cfg(doctest)]
#[doc = include_str!("getting-started.md")]
mod getting_started {}

#[cfg(doctest)]
#[doc = include_str!("choosing.md")]
mod choosing {}

#[cfg(doctest)]
#[doc = include_str!("from-flask.md")]
mod from_flask {}

#[cfg(doctest)]
#[doc = include_str!("from-actix-session.md")]
mod from_actix_session {}

#[cfg(doctest)]
#[doc = include_str!("from-actix-identity.md")]
mod from_actix_identity {}

#[cfg(doctest)]
#[doc = include_str!("from-axum-login.md")]
mod from_axum_login {}

#[cfg(doctest)]
#[doc = include_str!("from-starlette.md")]
mod from_starlette {}

#[cfg(doctest)]
#[doc = include_str!("from-tower-sessions.md")]
mod from_tower_sessions {}

#[cfg(doctest)]
#[doc = include_str!("deploying.md")]
mod deploying {}

#[cfg(doctest)]
#[doc = include_str!("security.md")]
mod security {}

#[cfg(doctest)]
#[doc = include_str!("testing.md")]
mod testing {}
