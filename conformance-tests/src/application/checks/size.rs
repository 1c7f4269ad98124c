//! Values that are too large for a cookie, or for the application.

use session_core::Error;

use super::{Check, Subject, Verdict, verdict};
use crate::application::cookie::MAX_COOKIE;
use crate::application::exchange::Request;

const LARGE: usize = 100_000;
/// Longer than a cookie, but shorter than the headers that servers accept.
const OVERSIZED: usize = 6_000;

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "large_value_is_stored_or_refused",
        "A value of 100,000 bytes is stored, or the response is an error and earlier values stay.",
        large_value_is_stored_or_refused,
    ),
    Check::new(
        "cookie_is_not_oversized",
        "No cookie has more than the 4,096 bytes that browsers store.",
        cookie_is_not_oversized,
    ),
];

fn large_value_is_stored_or_refused(subject: &Subject) -> Result<Verdict, Error> {
    let mut browser = subject.browser();
    browser.set("color", "red")?;
    let value = random_text(LARGE);
    let response = browser.send(&Request::set("large", value.as_str()))?;
    let stored = browser.get("large")?;
    let status = response.status;
    let defect = if browser.get("color")?.as_deref() != Some("red") {
        Some(format!("a value stored earlier is missing after a large one, with status {status}"))
    } else if response.is_success() && stored.as_deref() != Some(value.as_str()) {
        let found = stored.map_or("it is missing".to_owned(), |stored| {
            format!("it is another value of {} bytes", stored.len())
        });
        Some(format!(
            "POST /set returned status {status} for a value of {LARGE} bytes, but {found}"
        ))
    } else if !response.is_success() && stored.is_some() {
        Some(format!("POST /set returned status {status}, but stored a value"))
    } else {
        None
    };
    Ok(verdict(defect))
}

fn cookie_is_not_oversized(subject: &Subject) -> Result<Verdict, Error> {
    let mut browser = subject.browser();
    let response = browser.send(&Request::set("large", random_text(OVERSIZED)))?;
    let oversized = response.set_cookies().find(|cookie| cookie.size() > MAX_COOKIE);
    Ok(verdict(oversized.map(|cookie| {
        let (size, status) = (cookie.size(), response.status);
        format!(
            "POST /set with {OVERSIZED} bytes returned status {status} and a cookie of {size} \
             bytes, which browsers drop"
        )
    })))
}

/// Returns text that compression does not shorten by much.
pub(in crate::application) fn random_text(length: usize) -> String {
    (0..length).map(|_| fastrand::alphanumeric()).collect()
}
