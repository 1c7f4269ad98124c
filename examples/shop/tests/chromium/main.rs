//! Drives the shop in a real browser, Debian's Chromium, and checks the state of the browser.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod browser;
mod cookies;
mod devtools;
mod pages;
mod shop;
mod visits;
