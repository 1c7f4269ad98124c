//! Interfaces with one change.

mod concurrency;
mod cookies;
mod ending;
mod forged;
mod hooks;
mod ids;
mod lifetimes;
mod lineage;
mod logins;
mod mutation;
mod on_client;
mod orders;
mod original;
mod owned;
mod owner_endings;
mod owner_lists;
mod owner_pages;
mod renewal;
mod reopening;
mod saving;
mod server_ending;
mod server_hooks;
mod signed;
mod sizes;
mod steps;
mod timeouts;
mod tokens;
mod values;
mod visits;

use session_conformance::interface::InterfaceUnderTest;

use crate::judge::Mutant;
use original::{Unchanged, under_test};

pub fn unchanged_on_server() -> InterfaceUnderTest {
    under_test::<Unchanged>()
}

pub fn on_server() -> Vec<Mutant<InterfaceUnderTest>> {
    let lists = [
        visits::mutants(),
        values::mutants(),
        cookies::mutants(),
        ending::mutants(),
        logins::mutants(),
        lifetimes::mutants(),
        renewal::mutants(),
        hooks::mutants(),
        ids::mutants(),
        server_ending::mutants(),
        sizes::mutants(),
        orders::mutants(),
        saving::mutants(),
        reopening::mutants(),
        lineage::mutants(),
        concurrency::mutants(),
        timeouts::mutants(),
        server_hooks::mutants(),
        owner_lists::mutants(),
        owner_pages::mutants(),
        owner_endings::mutants(),
    ];
    lists.into_iter().flatten().collect()
}

pub fn unchanged_on_client() -> InterfaceUnderTest {
    signed::unchanged()
}

pub fn unchanged_tokens() -> InterfaceUnderTest {
    tokens::unchanged()
}

pub fn on_client() -> Vec<Mutant<InterfaceUnderTest>> {
    [on_client::mutants(), reopening::on_client(), forged::mutants()]
        .into_iter()
        .flatten()
        .collect()
}
