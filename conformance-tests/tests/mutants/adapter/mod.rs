//! Adapters with one step changed.
//!
//! A defect often strikes one kind of request only, that of a first visitor or that to one page, so that one rule alone catches it.

mod cookies;
mod ends;
mod mutation;
mod original;
mod requests;
mod responses;

use conformance_tests::adapter::AdapterUnderTest;

use crate::judge::Mutant;
use mutation::under_test;
use original::Unchanged;

pub fn unbroken() -> AdapterUnderTest {
    under_test::<Unchanged>()
}

pub fn mutants() -> Vec<Mutant<AdapterUnderTest>> {
    [requests::mutants(), cookies::mutants(), responses::mutants(), ends::mutants()].into_iter().flatten().collect()
}
