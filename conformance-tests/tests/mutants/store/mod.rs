//! Stores with one operation changed.
//!
//! A defect often strikes one kind of record only, the owned or the large, as those of real stores do that keep such records in
//! a table of their own. That is also what lets one rule alone catch it.

mod at_once;
mod bytes;
mod calls;
mod cloning;
mod expiry;
mod listing;
mod mutation;
mod original;
mod owners;
mod sweeping;
mod written;

use conformance_tests::store::StoreUnderTest;

use crate::judge::Mutant;
use mutation::under_test;
use original::{Limited, Unchanged};

pub fn unbroken() -> StoreUnderTest {
    under_test::<Unchanged>()
}

pub fn unbroken_with_a_maximum() -> StoreUnderTest {
    under_test::<Limited>()
}

pub fn mutants() -> Vec<Mutant<StoreUnderTest>> {
    [
        calls::mutants(),
        at_once::mutants(),
        bytes::mutants(),
        expiry::mutants(),
        owners::mutants(),
        listing::mutants(),
        sweeping::mutants(),
        cloning::mutants(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
