//! `CONTRACT.md`: the list of all rules.

use std::fmt::Write as _;

use crate::interface::{self, InterfaceUnderTest};
use crate::{Rule, adapter, store};

/// Returns the text of `CONTRACT.md`.
#[must_use]
pub fn contract() -> String {
    let mut text = String::from(INTRODUCTION);
    section(&mut text, "Stores: `store_suite!`", store::rules());
    interfaces(&mut text);
    section(&mut text, "Adapters: `adapter_suite!`", adapter::rules());
    text
}

const INTRODUCTION: &str = "# Contract

This file lists the rules for session backends and framework adapters. Read this file when you
implement a backend or an adapter. The [README](README.md) explains how to run the rules as tests.

The file is generated from the rules. Therefore the file cannot differ from the tests. Each entry
has the name of the rule, **the requirement**, and advice on how to fulfil the requirement.
";

/// Appends the rules of all interfaces, and then the rules of each kind.
fn interfaces(text: &mut String) {
    let server_side: Vec<_> = interface::server_side_rules().collect();
    let client_side: Vec<_> = interface::client_side_rules().collect();
    let is_in = |rules: &[&Rule<InterfaceUnderTest>], rule: &Rule<InterfaceUnderTest>| {
        rules.iter().any(|other| other.name() == rule.name())
    };
    let common = client_side.iter().copied().filter(|rule| is_in(&server_side, rule));
    section(text, "Interfaces: `interface_suite!`", common);
    let of_owners: Vec<_> = interface::owner_rules().collect();
    let only_server = server_side
        .iter()
        .copied()
        .filter(|rule| !is_in(&client_side, rule) && !is_in(&of_owners, rule));
    section(
        text,
        "Interfaces that store sessions on the server: `interface_suite!(server_side, ..)`",
        only_server,
    );
    let title = "Interfaces that list and end the sessions of an owner: `interface_suite!(server_side, .., owners)`";
    section(text, title, of_owners.iter().copied());
    let only_client = client_side.iter().copied().filter(|rule| !is_in(&server_side, rule));
    section(
        text,
        "Interfaces that store the session in the cookie: `interface_suite!(client_side, ..)`",
        only_client,
    );
}

fn section<S: 'static>(
    text: &mut String,
    title: &str,
    rules: impl Iterator<Item = &'static Rule<S>>,
) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\n## {title}\n");
    for rule in rules {
        let _ = writeln!(text, "- `{}`: **{}** {}", rule.name(), rule.promise(), rule.advice());
    }
}
