//! Adapters with one change.
//!
//! Each change affects one kind of request, such as a first visit or one page. Therefore only one
//! rule detects the change.

mod caching;
mod cases;
mod cookies;
mod failures;
mod interrupted;
mod mutation;
mod original;
mod pair;
mod renewal;
mod requests;
mod responses;
mod sent_cookies;
mod streams;
mod tokens;
mod two_sessions;

use session_conformance::adapter::AdapterUnderTest;

use crate::judge::Mutant;
use mutation::under_test;
use original::Unchanged;

pub fn unchanged() -> AdapterUnderTest {
    under_test::<Unchanged>()
}

pub fn mutants() -> Vec<Mutant<AdapterUnderTest>> {
    let mutants = [
        requests::mutants(),
        cookies::mutants(),
        sent_cookies::mutants(),
        caching::mutants(),
        responses::mutants(),
        streams::mutants(),
        cases::mutants(),
        renewal::mutants(),
        failures::mutants(),
        interrupted::mutants(),
        tokens::mutants(),
        two_sessions::mutants(),
    ];
    mutants.into_iter().flatten().collect()
}
