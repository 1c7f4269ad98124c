//! The attributes of the cookies.

use session_core::Error;

use super::{Check, Subject, Verdict, verdict};
use crate::application::cookie::SetCookie;
use crate::application::exchange::Request;

pub(super) const CHECKS: &[Check] = &[
    Check::new("cookie_is_http_only", "Scripts cannot read the cookies.", |subject| {
        each_cookie(subject, |cookie| {
            let is_missing = cookie.attribute("httponly").is_none();
            is_missing.then(|| "without HttpOnly, so that scripts can read it".to_owned())
        })
    }),
    Check::new("cookie_is_secure", "Browsers send the cookies only over HTTPS.", |subject| {
        each_cookie(subject, |cookie| {
            let is_missing = cookie.attribute("secure").is_none();
            is_missing.then(|| "without Secure, so that browsers send it over HTTP".to_owned())
        })
    }),
    Check::new("cookie_has_same_site", "The cookies are `SameSite=Lax` or `Strict`.", |subject| {
        each_cookie(subject, same_site)
    }),
    Check::new(
        "cookie_is_sent_to_one_host",
        "Browsers do not send the cookies to other hosts of the domain.",
        |subject| {
            each_cookie(subject, |cookie| {
                let domain = cookie.attribute("domain")?;
                Some(format!("with Domain={domain}, so that browsers send it to all hosts below"))
            })
        },
    ),
];

fn same_site(cookie: &SetCookie) -> Option<String> {
    match cookie.attribute("samesite") {
        Some(value) if ["lax", "strict"].contains(&value.to_ascii_lowercase().as_str()) => None,
        Some(value) => Some(format!("with SameSite={value}")),
        None => Some("without SameSite, whose default differs between browsers".to_owned()),
    }
}

/// Checks every cookie that a visit with a login sets.
fn each_cookie(
    subject: &Subject,
    defect: impl Fn(&SetCookie) -> Option<String>,
) -> Result<Verdict, Error> {
    let mut browser = subject.browser();
    for request in [Request::set("color", "red"), Request::log_in("ada")] {
        let response = browser.succeed(&request)?;
        let now = subject.application.now();
        for cookie in response.set_cookies().filter(|cookie| !cookie.is_removal(now)) {
            if let Some(defect) = defect(&cookie) {
                let name = &cookie.name;
                return Ok(Verdict::Defect(format!("{} sets `{name}` {defect}", response.request)));
            }
        }
    }
    Ok(verdict(None))
}
