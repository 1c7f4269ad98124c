//! Checks of caching. Shared caches must not store responses that depend on the session, and may
//! store other responses.

use session_core::Error;

use super::{Check, Subject, Verdict, verdict};
use crate::application::exchange::{Request, Response};

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "response_from_session_varies",
        "A response that depends on the session has `Vary: Cookie`, or caches must not share it.",
        response_from_session_varies,
    ),
    Check::new(
        "response_with_cookie_is_not_shared",
        "A response to GET that sets a cookie has a `Cache-Control` that excludes shared caches.",
        response_with_cookie_is_not_shared,
    ),
    Check::new(
        "page_without_session_is_cacheable",
        "A page that does not use the session sets no cookie and has no `Vary: Cookie`.",
        page_without_session_is_cacheable,
    ),
];

fn response_from_session_varies(subject: &Subject) -> Result<Verdict, Error> {
    let mut browser = subject.browser();
    browser.set("color", "red")?;
    let response = browser.succeed(&Request::value("color"))?;
    Ok(verdict((!varies(&response) && !is_private(&response)).then(|| {
        let (vary, control) = (response.shown("vary"), response.shown("cache-control"));
        format!("{} returned {vary} and {control}", response.request)
    })))
}

fn response_with_cookie_is_not_shared(subject: &Subject) -> Result<Verdict, Error> {
    let response = subject.browser().succeed(&Request::add("number"))?;
    if response.set_cookies().next().is_none() {
        return Ok(Verdict::NotApplicable("GET /add sets no cookie"));
    }
    Ok(verdict((!is_private(&response) && !response.lists("cache-control", "no-cache")).then(
        || {
            format!(
                "{} returned a cookie and {}",
                response.request,
                response.shown("cache-control")
            )
        },
    )))
}

fn page_without_session_is_cacheable(subject: &Subject) -> Result<Verdict, Error> {
    let mut known = subject.browser();
    known.set("color", "red")?;
    for (mut browser, who) in [(subject.browser(), "a new visitor"), (known, "a known visitor")] {
        let response = browser.succeed(&Request::plain())?;
        if response.set_cookies().next().is_some() {
            return Ok(Verdict::Defect(format!("GET /plain sets a cookie for {who}")));
        }
        if varies(&response) {
            return Ok(Verdict::Defect(format!("GET /plain has Vary: Cookie for {who}")));
        }
    }
    Ok(verdict(None))
}

fn varies(response: &Response) -> bool {
    response.lists("vary", "cookie") || response.lists("vary", "*")
}

fn is_private(response: &Response) -> bool {
    response.lists("cache-control", "private") || response.lists("cache-control", "no-store")
}
