//! The README is short, and its numbers are results of the benchmarks.

use std::fs;
use std::path::Path;

const MAX_LINES: usize = 60;

#[test]
fn sections_of_readme_are_short() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let sections: Vec<&str> = readme.split("\n## ").collect();
    assert!(sections.len() > 5, "only {} sections were found", sections.len());
    for section in sections {
        let lines = section.trim().lines().count();
        let heading = section.lines().next().unwrap_or("");
        assert!(lines <= MAX_LINES, "{heading}: {lines} lines; the limit is {MAX_LINES}");
    }
}

#[test]
fn ratios_of_readme_are_in_results_of_benchmarks() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let results = fs::read_to_string(root.join("benchmarks/README.md")).unwrap();
    let (_, table) = readme.split_once("| work | other library | ratio | measured |").unwrap();
    let rows: Vec<&str> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 5);
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let (ratio, date) = (cells[2], cells[3]);
        assert!(results.contains(&format!("| {ratio} |")), "no result {ratio}: {row}");
        assert!(results.contains(date), "no measurement of {date}: {row}");
    }
}
