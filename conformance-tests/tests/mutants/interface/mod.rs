//! Interfaces with one change.

mod believed;
mod client_side;
mod contents;
mod cookies;
mod forged;
mod ids;
mod logins;
mod mutation;
mod on_server;
mod original;
mod owned;
mod owners;
mod visits;

use conformance_tests::interface::InterfaceUnderTest;

use crate::judge::Mutant;
use original::{Unchanged, under_test};

pub fn unchanged_on_server() -> InterfaceUnderTest {
    under_test::<Unchanged>()
}

pub fn on_server() -> Vec<Mutant<InterfaceUnderTest>> {
    let lists = [
        visits::mutants(),
        contents::mutants(),
        cookies::mutants(),
        on_server::mutants(),
        ids::mutants(),
        logins::mutants(),
        owners::mutants(),
    ];
    lists.into_iter().flatten().collect()
}

pub fn unchanged_on_client() -> InterfaceUnderTest {
    client_side::unchanged()
}

pub fn unchanged_tokens() -> InterfaceUnderTest {
    forged::unchanged()
}

pub fn on_client() -> Vec<Mutant<InterfaceUnderTest>> {
    [client_side::mutants(), believed::mutants(), forged::mutants()].into_iter().flatten().collect()
}
