//! Revival, in which a session is logged in again after its logout.

use session_core::Error;

use super::{Check, Storage, Subject, Verdict, verdict};
use crate::application::exchange::Request;

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "logout_ends_copies_of_cookie",
        "After a logout, neither the browser nor a copy of its cookie is logged in.",
        logout_ends_copies_of_cookie,
    )
    .needs_server(),
    Check::new(
        "overlapping_write_revives_no_session",
        "A write that began before a logout does not log the user in again.",
        |subject| overlapping_logout(subject, &Request::set("color", "green")),
    )
    .needs_server(),
    Check::new(
        "overlapping_read_revives_no_session",
        "A read that began before a logout does not log the user in again.",
        |subject| overlapping_logout(subject, &Request::value("color")),
    ),
];

fn logout_ends_copies_of_cookie(subject: &Subject) -> Result<Verdict, Error> {
    let mut browser = subject.browser();
    browser.log_in()?;
    let mut copy = browser.copied();
    browser.log_out()?;
    let defect = if browser.is_logged_in()? {
        Some("the browser is logged in after POST /logout")
    } else if copy.is_logged_in()? {
        Some("a copy of the cookie is logged in after POST /logout")
    } else {
        None
    };
    Ok(verdict(defect.map(str::to_owned)))
}

/// Logs out between the read and the response of another request. For a session in a cookie, only
/// the browser is checked, because another check covers copies of the cookie.
fn overlapping_logout(subject: &Subject, request: &Request) -> Result<Verdict, Error> {
    let mut browser = subject.browser();
    browser.set("color", "red")?;
    browser.log_in()?;
    let mut copy = browser.copied();
    browser.overlap(request, &Request::log_out())?;
    let line = request.line();
    let defect = if browser.is_logged_in()? {
        Some(format!("the browser is logged in again after the response to {line}"))
    } else if subject.storage == Storage::Server && copy.is_logged_in()? {
        Some(format!("the cookie from before the logout is logged in again after {line}"))
    } else {
        None
    };
    Ok(verdict(defect))
}
