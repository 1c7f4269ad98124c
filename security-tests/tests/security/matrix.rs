//! The tables of the module name tests that exist, and each cell has a test or a reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const TABLES: &str = include_str!("main.rs");
const CLASSES: usize = 21;
/// The crate of each column, and a text in its tests that shows that the suites run.
const COLUMNS: [(&str, &str, &str); 10] = [
    ("memory", "session-memory", "mod sessions {"),
    ("SQLite", "session-sql", "mod sqlite {"),
    ("PostgreSQL", "session-sql", "mod postgres {"),
    ("MariaDB", "session-sql", "mod mariadb {"),
    ("Redis", "session-redis", "mod one_server {"),
    ("signed", "session-cookie", "mod signed {"),
    ("sealed", "session-cookie", "mod sealed {"),
    ("Starlette", "session-cookie", "mod starlette {"),
    ("axum", "session-tower", "adapter_suite!"),
    ("actix", "session-actix", "adapter_suite!"),
];

/// Returns the cells of each row of the table with this header.
fn table(header: &str) -> Vec<Vec<&'static str>> {
    let mut lines = TABLES.lines().filter_map(|line| line.strip_prefix("//! "));
    lines.find(|line| line.starts_with(header)).unwrap();
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// Returns the names between backquotes.
fn names(cell: &'static str) -> Vec<&'static str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Returns the tests and the mutants of each class.
fn classes() -> BTreeMap<&'static str, (Vec<&'static str>, &'static str)> {
    let rows = table("| class | examples | tests | mutants |");
    let class = |row: Vec<&'static str>| (names(row[0])[0], (names(row[2]), row[3]));
    rows.into_iter().map(class).collect()
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Returns the text of the Rust files in a folder.
pub(crate) fn source(folder: &Path) -> String {
    let mut text = String::new();
    for file in files(folder) {
        text += &fs::read_to_string(file).unwrap();
    }
    text
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() && name != "target" {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

pub(crate) fn defines(source: &str, test: &str) -> bool {
    source.contains(&format!("fn {test}("))
}

/// Returns whether the letter of a cell stands for one of these tests.
fn is_covered(letter: &str, tests: &[&str], (_, package, module): (&str, &str, &str)) -> bool {
    let part = |folder: &str| source(&root().join(folder));
    let has = |folder: &str| {
        let source = part(folder);
        tests.iter().any(|test| defines(&source, test))
    };
    let suite = |rules: &str, suite: &str| {
        let tests = part(&format!("{package}/tests"));
        has(&format!("conformance-tests/src/rules/{rules}"))
            && tests.contains(suite)
            && tests.contains(module)
    };
    match letter {
        "S" => suite("store", "store_suite!"),
        "I" => suite("interface", "interface_suite!"),
        "A" => suite("adapter", "adapter_suite!"),
        "T" => has("security-tests/tests/security"),
        "U" => has(package),
        "C" => has("session-core"),
        _ => false,
    }
}

#[test]
fn each_cell_has_tests_or_reason() {
    let (classes, matrix) = (classes(), table("| class | memory |"));
    let reasons: BTreeSet<_> = table("| number | reason |").into_iter().map(|row| row[0]).collect();
    let mut used = BTreeSet::new();
    assert_eq!((classes.len(), matrix.len()), (CLASSES, CLASSES));
    for row in matrix {
        let class = names(row[0])[0];
        let (tests, _) = &classes[class];
        assert_eq!(row.len(), COLUMNS.len() + 1, "{class}");
        for (cell, column) in row[1..].iter().zip(COLUMNS) {
            assert!(!cell.is_empty(), "{class} {column:?}");
            for letter in cell.split(' ') {
                if reasons.contains(letter) {
                    used.insert(letter);
                } else {
                    let is_covered = is_covered(letter, tests, column);
                    assert!(is_covered, "{class} {column:?}: no test for {letter}");
                }
            }
        }
    }
    assert_eq!(used, reasons, "a reason that no cell has");
}

#[test]
fn each_test_and_mutant_exists() {
    let source = source(root());
    for (class, (tests, mutants)) in classes() {
        assert!(!tests.is_empty() && !mutants.is_empty(), "{class}");
        for test in &tests {
            assert!(defines(&source, test), "{class}: no test `{test}`");
        }
        for mutant in names(mutants) {
            assert!(defines(&source, mutant), "{class}: no mutant `{mutant}`");
        }
        let is_broken = |test: &&str| source.contains(&format!("breaks {test};"));
        let has_rule = tests.iter().any(is_broken);
        assert_eq!(mutants.contains("rules"), has_rule, "{class}");
    }
}

#[test]
fn columns_are_those_of_matrix() {
    let header = TABLES.lines().find(|line| line.starts_with("//! | class | memory |")).unwrap();
    let columns: Vec<_> = header.split('|').skip(2).map(str::trim).collect();
    assert_eq!(columns[..COLUMNS.len()], COLUMNS.map(|(name, ..)| name));
}
