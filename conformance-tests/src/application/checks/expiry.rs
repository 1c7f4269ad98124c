//! The idle timeout.

use std::time::Duration;

use session_core::Error;

use super::{Check, Subject, Verdict, verdict};

const NO_TIMEOUT: Verdict =
    Verdict::NotApplicable("no idle timeout was passed with --idle-timeout");

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "idle_session_expires",
        "A copy of the cookie opens no session after 1.5 times the idle timeout plus one second.",
        idle_session_expires,
    ),
    Check::new(
        "active_session_does_not_expire",
        "A session that is read twice per idle timeout does not expire.",
        active_session_does_not_expire,
    ),
];

fn idle_session_expires(subject: &Subject) -> Result<Verdict, Error> {
    let Some(timeout) = subject.application.options.idle_timeout else { return Ok(NO_TIMEOUT) };
    let mut browser = subject.browser();
    browser.set("color", "red")?;
    let mut copy = browser.copied();
    let idle = timeout.mul_f32(1.5) + Duration::from_secs(1);
    subject.application.wait(idle);
    let is_open = copy.get("color")?.is_some();
    Ok(verdict(is_open.then(|| {
        format!(
            "the cookie opens the session {idle:?} after its last use, with timeout {timeout:?}"
        )
    })))
}

fn active_session_does_not_expire(subject: &Subject) -> Result<Verdict, Error> {
    let Some(timeout) = subject.application.options.idle_timeout else { return Ok(NO_TIMEOUT) };
    let mut browser = subject.browser();
    browser.set("color", "red")?;
    for visit in 1..=4 {
        subject.application.wait(timeout / 2);
        if browser.get("color")?.is_none() {
            let age = timeout / 2 * visit;
            return Ok(Verdict::Defect(format!(
                "the session expired {age:?} after it was created, with timeout {timeout:?} and \
                 reads every {:?}",
                timeout / 2
            )));
        }
    }
    Ok(verdict(None))
}
