//! Stores with one change.
//!
//! Each change affects one kind of record, such as those with an owner or the large ones, as in
//! real stores that have such records in a separate table. Therefore only one rule detects it.

mod at_once;
mod bytes;
mod calls;
mod cloning;
mod expiry;
mod keys;
mod lasting;
mod limits;
mod listing;
mod loading;
mod mutation;
mod observing;
mod original;
mod owners;
mod sweeping;
mod swept;
mod written;

use conformance_tests::store::StoreUnderTest;

use crate::judge::Mutant;
use mutation::under_test;
use original::{Limited, Patient, Unchanged};

pub fn unchanged() -> StoreUnderTest {
    under_test::<Unchanged>()
}

pub fn unchanged_with_maximum() -> StoreUnderTest {
    under_test::<Limited>()
}

pub fn unchanged_with_patience() -> StoreUnderTest {
    under_test::<Patient>()
}

pub fn mutants() -> Vec<Mutant<StoreUnderTest>> {
    [
        calls::mutants(),
        loading::mutants(),
        at_once::mutants(),
        bytes::mutants(),
        expiry::mutants(),
        owners::mutants(),
        listing::mutants(),
        sweeping::mutants(),
        observing::mutants(),
        limits::mutants(),
        lasting::mutants(),
        keys::mutants(),
        swept::mutants(),
        cloning::mutants(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
