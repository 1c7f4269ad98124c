//! The README and the guides, as modules, so that their programs are compiled with the tests.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

#[cfg(doctest)]
#[doc = include_str!("getting-started.md")]
mod getting_started {}

#[cfg(doctest)]
#[doc = include_str!("log-in.md")]
mod log_in {}

#[cfg(doctest)]
#[doc = include_str!("log-out-everywhere.md")]
mod log_out_everywhere {}

#[cfg(doctest)]
#[doc = include_str!("remember-me.md")]
mod remember_me {}

#[cfg(doctest)]
#[doc = include_str!("flash-messages.md")]
mod flash_messages {}

#[cfg(doctest)]
#[doc = include_str!("cart.md")]
mod cart {}

#[cfg(doctest)]
#[doc = include_str!("csrf.md")]
mod csrf {}

#[cfg(doctest)]
#[doc = include_str!("several-instances.md")]
mod several_instances {}

#[cfg(doctest)]
#[doc = include_str!("events.md")]
mod events {}

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
#[doc = include_str!("checking-applications.md")]
mod checking_applications {}

#[cfg(doctest)]
#[doc = include_str!("testing.md")]
mod testing {}
