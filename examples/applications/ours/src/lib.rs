//! An application for `check-application`, in axum and in actix-web.
//! `docs/checking-applications.md` describes the requests.

mod actix_application;
mod axum_application;
mod holds;

pub use actix_application::routes;
pub use axum_application::router;
pub use holds::Parameters;
