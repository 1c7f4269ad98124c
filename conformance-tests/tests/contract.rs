//! `CONTRACT.md` is generated from the rules.

use std::path::Path;

/// `UPDATE_CONTRACT=1 cargo test -p session-conformance --test contract` generates the file.
#[test]
fn contract_md_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("CONTRACT.md");
    if std::env::var_os("UPDATE_CONTRACT").is_some() {
        std::fs::write(&path, session_conformance::contract()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(
        written == session_conformance::contract(),
        "CONTRACT.md is stale: run UPDATE_CONTRACT=1 cargo test -p session-conformance --test contract"
    );
}
