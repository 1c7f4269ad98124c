//! The code in the page on other frameworks is that of the examples, which are compiled.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Returns the code blocks of a language.
fn blocks<'a>(text: &'a str, language: &str) -> impl Iterator<Item = &'a str> {
    let start = format!("```{language}\n");
    let blocks: Vec<_> = text.split(&*start).skip(1).collect();
    blocks.into_iter().map(|block| block.split_once("```").unwrap().0)
}

#[test]
fn excerpts_are_lines_of_examples() {
    let page = read("other-frameworks.md");
    let mut excerpts = 0;
    for section in page.split("\n## ").skip(1) {
        let (_, link) = section.split_once("](").unwrap();
        let source = read(link.split_once(')').unwrap().0);
        for excerpt in blocks(section, "rust,ignore") {
            assert!(source.contains(excerpt), "not in {link:.60}: {excerpt}");
            excerpts += 1;
        }
    }
    assert_eq!(excerpts, 9);
}

#[test]
fn settings_that_show_errors_in_loco_are_those_of_example() {
    let settings = read("../examples/frameworks/loco/config/development.yaml");
    let page = read("other-frameworks.md");
    let excerpts: Vec<_> = blocks(&page, "yaml").collect();
    assert!(matches!(excerpts[..], [only] if settings.contains(only)), "{excerpts:?}");
    assert!(settings.contains("\n  override_filter: info\n"));
}
