//! The guide to security names a test for each item of OWASP ASVS 5, chapter 7.

use std::fs;

use crate::matrix::{defines, root, source};

/// The items that an application decides alone.
const DECIDED_BY_APPLICATION: [&str; 2] = ["7.1.3", "7.6.1, 7.6.2"];
const ITEMS: usize = 19;

#[test]
fn tests_of_each_item_exist() {
    let guide = fs::read_to_string(root().join("docs/security.md")).unwrap();
    let (_, table) = guide.split_once("| item | in short | call or setting | tests |").unwrap();
    let source = source(root());
    let mut items = 0;
    for row in table.lines().skip(2).take_while(|line| line.starts_with('|')) {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let tests: Vec<_> = cells[3].split('`').skip(1).step_by(2).collect();
        assert_eq!(tests.is_empty(), DECIDED_BY_APPLICATION.contains(&cells[0]), "{row}");
        for test in tests {
            assert!(defines(&source, test), "{}: no test `{test}`", cells[0]);
        }
        items += cells[0].split(", ").count();
    }
    assert_eq!(items, ITEMS);
}
