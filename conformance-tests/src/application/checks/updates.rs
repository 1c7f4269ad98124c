//! Checks for lost updates in overlapping requests of one session.

use session_core::Error;

use super::{Check, Subject, Verdict, verdict};
use crate::application::exchange::Request;

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "overlapping_writes_are_both_stored",
        "If two overlapping requests store different keys, both values are stored.",
        overlapping_writes_are_both_stored,
    )
    .needs_server(),
    Check::new(
        "overlapping_additions_are_both_counted",
        "If two overlapping requests each add one to a number, the number increases by two.",
        overlapping_additions_are_both_counted,
    )
    .needs_server(),
    Check::new(
        "overlapping_read_undoes_no_write",
        "A request that only reads the session does not undo a write that it overlaps.",
        overlapping_read_undoes_no_write,
    ),
];

fn overlapping_writes_are_both_stored(subject: &Subject) -> Result<Verdict, Error> {
    let mut browser = subject.browser();
    browser.set("color", "red")?;
    let (outer, inner) = (Request::set("outer", "1"), Request::set("inner", "1"));
    let overlap = browser.overlap(&outer, &inner)?;
    let mut defect = None;
    for (key, response) in [("outer", &overlap.outer), ("inner", &overlap.inner)] {
        if response.is_success() && browser.get(key)?.is_none() {
            let (request, other) =
                (&response.request, if key == "outer" { "inner" } else { "outer" });
            defect = Some(format!(
                "{request} was successful, but its value is missing after POST /set?key={other}"
            ));
        }
    }
    Ok(verdict(defect))
}

fn overlapping_additions_are_both_counted(subject: &Subject) -> Result<Verdict, Error> {
    let mut browser = subject.browser();
    browser.add("number")?;
    let addition = Request::add("number");
    let overlap = browser.overlap(&addition, &addition)?;
    let responses = [&overlap.outer, &overlap.inner];
    let successes = responses.iter().filter(|response| response.is_success()).count();
    let expected = successes as u64 + 2;
    let found = browser.add("number")?;
    Ok(verdict((found != expected).then(|| {
        format!("after {expected} additions, two of them at once, the number is {found}")
    })))
}

fn overlapping_read_undoes_no_write(subject: &Subject) -> Result<Verdict, Error> {
    let mut browser = subject.browser();
    browser.set("color", "red")?;
    let overlap = browser.overlap(&Request::value("color"), &Request::set("color", "green"))?;
    let found = browser.get("color")?;
    let is_lost = overlap.inner.is_success() && found.as_deref() != Some("green");
    Ok(verdict(is_lost.then(|| {
        let found = found.as_deref().unwrap_or("missing");
        format!("POST /set?key=color stored green, but after the end of the read it is {found}")
    })))
}
