//! The guides from other libraries translate every public item of those libraries.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The guides, and the lists that `scripts/peer-items` extracts from the rustdoc of the libraries.
const GUIDES: [(&str, &str); 4] = [
    ("from-tower-sessions.md", "tower-sessions-0.15.txt"),
    ("from-actix-session.md", "actix-session-0.11.txt"),
    ("from-axum-login.md", "axum-login-0.18.txt"),
    ("from-actix-identity.md", "actix-identity-0.9.txt"),
];

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Returns the code spans in the first column of the table of every public item.
fn translated(guide: &str) -> BTreeSet<&str> {
    let (_, table) = guide.split_once("## Every public item\n").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let cells = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn guides_translate_every_public_item() {
    for (guide, list) in GUIDES {
        let (guide, list) = (read(guide), read(&format!("tests/peers/{list}")));
        let (translated, items) = (translated(&guide), list.lines().collect::<BTreeSet<_>>());
        let missing: Vec<_> = items.difference(&translated).collect();
        let unknown: Vec<_> = translated.difference(&items).collect();
        assert!(missing.is_empty() && unknown.is_empty(), "{missing:?} {unknown:?}");
    }
}
