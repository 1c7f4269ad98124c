//! Session fixation, in which an attacker obtains or plants an id before the login.

use session_core::Error;

use super::{Check, Storage, Subject, Verdict, verdict};
use crate::application::browser::Browser;
use crate::application::exchange::Request;

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "login_changes_id",
        "A login changes the cookie, and the cookie from before the login is not logged in.",
        login_changes_id,
    ),
    Check::new(
        "planted_id_is_not_adopted",
        "An id that the application did not generate opens no session.",
        planted_id_is_not_adopted,
    ),
    Check::new(
        "ended_id_is_not_adopted",
        "A new session does not have the id of a session that a logout ended.",
        ended_id_is_not_adopted,
    ),
    Check::new(
        "login_outlives_overlapping_write",
        "A write that began before a login does not log the user out, and the old cookie stays invalid.",
        login_outlives_overlapping_write,
    )
    .needs_server(),
];

fn login_changes_id(subject: &Subject) -> Result<Verdict, Error> {
    let mut browser = subject.browser();
    browser.set("color", "red")?;
    let mut before = browser.copied();
    browser.log_in()?;
    let defect = if before.jar.has_same_values(&browser.jar) {
        Some("POST /login did not change the cookie")
    } else if before.is_logged_in()? {
        Some("the cookie from before the login is logged in")
    } else {
        None
    };
    Ok(verdict(defect.map(str::to_owned)))
}

fn planted_id_is_not_adopted(subject: &Subject) -> Result<Verdict, Error> {
    let mut visitor = subject.browser();
    visitor.set("color", "red")?;
    let Some(planted) = visitor.jar.with_other_ids() else {
        return Ok(Verdict::NotApplicable("no cookie has 16 or more characters"));
    };
    let defect = adopts(&mut Browser::with(&subject.application, planted))?;
    Ok(verdict(defect.then(|| {
        "the application stored a session under an id that it did not generate".to_owned()
    })))
}

fn ended_id_is_not_adopted(subject: &Subject) -> Result<Verdict, Error> {
    if subject.storage == Storage::Cookie {
        return Ok(Verdict::NotApplicable("a session in a cookie has no id"));
    }
    let mut browser = subject.browser();
    browser.set("color", "red")?;
    browser.log_in()?;
    let mut ended = browser.copied();
    browser.log_out()?;
    let defect = adopts(&mut ended)?;
    Ok(verdict(defect.then(|| {
        "the application stored a new session under the id of an ended session".to_owned()
    })))
}

/// Returns whether a value that the browser stores can be read with the browser's earlier cookie.
fn adopts(browser: &mut Browser) -> Result<bool, Error> {
    let mut attacker = browser.copied();
    browser.send(&Request::set("planted", "yes"))?;
    Ok(attacker.get("planted")?.is_some())
}

fn login_outlives_overlapping_write(subject: &Subject) -> Result<Verdict, Error> {
    let mut browser = subject.browser();
    browser.set("color", "red")?;
    let mut before = browser.copied();
    browser.overlap(&Request::set("color", "green"), &Request::log_in("ada"))?;
    let defect = if !browser.is_logged_in()? {
        Some("the browser is logged out when the response to the write arrives")
    } else if before.is_logged_in()? {
        Some("the cookie from before the login is logged in")
    } else {
        None
    };
    Ok(verdict(defect.map(str::to_owned)))
}
