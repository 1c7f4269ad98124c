//! Stores with one change.
//!
//! Each change affects one kind of record, such as large records or those with an owner. Real
//! stores may have such records in a separate table. Therefore only one rule detects it.

mod checking;
mod cloning;
mod concurrency;
mod creating;
mod end_all;
mod engine;
mod expiry;
mod index_timing;
mod keys;
mod listing;
mod loading;
mod many;
mod mutation;
mod observing;
mod original;
mod outages;
mod owner_index;
mod owners;
mod payloads;
mod removing;
mod reopening;
mod replacing;
mod sweeping;
mod sweeping_kinds;
mod threads;
mod times;
mod touching;
mod versions;
mod written;

use session_conformance::store::StoreUnderTest;

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
        creating::mutants(),
        keys::mutants(),
        loading::mutants(),
        replacing::mutants(),
        versions::mutants(),
        touching::mutants(),
        removing::mutants(),
        payloads::mutants(),
        owners::mutants(),
        times::mutants(),
        expiry::mutants(),
        observing::mutants(),
        concurrency::mutants(),
        threads::mutants(),
        checking::mutants(),
        many::mutants(),
        engine::mutants(),
        owner_index::mutants(),
        index_timing::mutants(),
        end_all::mutants(),
        sweeping::mutants(),
        sweeping_kinds::mutants(),
        reopening::mutants(),
        outages::mutants(),
        cloning::mutants(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
