//! The attributes of cookies, and the headers that contain cookies.

mod attributes;
mod domain;
mod header;

pub use attributes::{CookieAttributes, CookieAttributesBuilder, SameSite};
pub use header::saturating_add;
pub(crate) use header::{
    check_name, check_value, checked_value, http_date, render_removal, render_set, values,
};
