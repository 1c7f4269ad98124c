//! The tables of guarantees in DESIGN.md name tests that exist.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn tests_of_guarantees_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the docs are in a folder");
    let design = fs::read_to_string(root.join("DESIGN.md")).expect("DESIGN.md is readable");
    let rows = rows_of(&design);
    assert!(rows.len() >= 40, "only {} guarantees were found", rows.len());
    let source: String =
        sources(root).iter().filter_map(|file| fs::read_to_string(file).ok()).collect();
    for (guarantee, tests) in rows {
        assert!(!tests.is_empty(), "no test is named for: {guarantee}");
        for test in tests {
            let definition = format!("fn {test}(");
            assert!(source.contains(&definition), "there is no test `{test}` for: {guarantee}");
        }
    }
}

/// Returns the guarantee and the names in the last column of each row of each table.
fn rows_of(design: &str) -> Vec<(&str, Vec<&str>)> {
    let tables: Vec<&str> = design.split("| guarantee | limits | tests |").skip(1).collect();
    assert_eq!(tables.len(), 2, "one table is of the engine, one of the other crates");
    let rows = |table| str::lines(table).skip(2).take_while(|line: &&str| line.starts_with('|'));
    let lines = tables.into_iter().flat_map(rows);
    lines
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
            let names = cells.last().expect("a row has cells").split('`').skip(1).step_by(2);
            (cells[0], names.collect())
        })
        .collect()
}

/// Returns the Rust files of the repository.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is readable").flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            found.extend(sources(&path));
        } else if name.ends_with(".rs") && !path.ends_with("docs/tests/guarantees.rs") {
            found.push(path);
        }
    }
    found
}
