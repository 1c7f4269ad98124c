//! The engine in whole requests, with a store in memory and a manual clock.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(unreachable_pub, reason = "the modules of a test are its own")]

mod admin;
mod adoption;
mod attempts;
mod broken_off;
mod calls;
mod combined;
mod continued;
mod cookies;
mod deadlines;
mod details;
mod emptied;
mod events;
mod expiry;
mod failures;
mod flash_cookie;
mod guarantees;
mod hooks;
mod imports;
mod late;
mod lifetime;
mod limits;
mod logins;
mod moving;
mod namespaces;
mod orders;
mod outcomes;
mod owners;
mod pages;
mod pairs;
mod records;
mod refresh;
mod remembered;
mod rotated;
mod several_cookies;
mod store;
mod support;
mod tokens;
mod unknown;
mod updates;
mod versions;
mod visitors;
mod warnings;
