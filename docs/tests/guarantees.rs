//! The tables of guarantees in the guide name tests that exist.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn tests_of_guarantees_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the docs are in a folder");
    let guide = fs::read_to_string(root.join("docs/guarantees.md")).expect("the guide is readable");
    let rows = rows_of(&guide);
    assert!(rows.len() >= 60, "only {} guarantees were found", rows.len());
    let mut existing = HashSet::new();
    for file in sources(root) {
        let source = fs::read_to_string(&file).expect("the file is readable");
        let is_suite = file.starts_with(root.join("conformance-tests/src"));
        existing.extend(tests_in(&source, is_suite));
    }
    for (guarantee, tests) in rows {
        assert!(!tests.is_empty(), "no test is named for: {guarantee}");
        for test in tests {
            assert!(existing.contains(test), "there is no test `{test}` for: {guarantee}");
        }
    }
}

#[test]
fn functions_without_test_attribute_are_not_found() {
    let source = "#[test]\nfn first() {\n}\n#[tokio::test(flavor = \"multi_thread\")]\n\
                  #[ignore = \"long\"]\nasync fn second() {\n}\n#[inline]\npub fn helper() {\n}\n\
                  async fn third() {\n}\ntests!([third, other]);\n";
    assert_eq!(tests_in(source, false), ["first", "second", "third"]);
    assert_eq!(tests_in(source, true), ["first", "second", "helper", "third"]);
}

/// Returns the guarantee and the names in the last column of each row of each table.
fn rows_of(guide: &str) -> Vec<(&str, Vec<&str>)> {
    let tables: Vec<&str> = guide.split("| guarantee | limits | tests |").skip(1).collect();
    assert_eq!(tables.len(), 3, "the engine, the other crates and the migration have a table each");
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

/// Returns the functions that are tests, by an attribute or in a list of a macro. Each function of
/// a suite becomes one.
fn tests_in(source: &str, is_suite: bool) -> Vec<String> {
    let mut tests = Vec::new();
    let mut is_test = is_suite;
    for line in source.lines().map(str::trim_start) {
        if let Some(attribute) = line.strip_prefix("#[") {
            is_test |= attribute.starts_with("test]") || attribute.contains("::test");
        } else if let Some(name) = function(line) {
            if is_test || is_in_list(source, name) {
                tests.push(name.to_owned());
            }
            is_test = is_suite;
        }
    }
    tests
}

/// Returns the name of the function that a line defines.
fn function(line: &str) -> Option<&str> {
    let (before, rest) = line.split_once("fn ")?;
    let (name, _) = rest.split_once('(')?;
    let is_word = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let is_definition = before.split(' ').all(|word| matches!(word, "" | "pub" | "async"));
    (is_definition && is_word(name)).then_some(name)
}

/// Returns whether a list names this function.
fn is_in_list(source: &str, name: &str) -> bool {
    source.lines().map(str::trim).any(|line| {
        let list = line.split_once('[').map_or(line, |(_, list)| list);
        let list = list.split_once(']').map_or(list, |(list, _)| list);
        list.trim_end_matches(',').split(", ").any(|entry| entry == name)
    })
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
