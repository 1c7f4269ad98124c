//! The code in the page on other frameworks is that of the examples, which are compiled.

use std::fs;
use std::path::Path;

#[test]
fn excerpts_are_lines_of_examples() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(docs.join("other-frameworks.md")).unwrap();
    let mut excerpts = 0;
    for section in page.split("\n## ").skip(1) {
        let (_, link) = section.split_once("](").unwrap();
        let source = fs::read_to_string(docs.join(link.split_once(')').unwrap().0)).unwrap();
        for block in section.split("```rust,ignore\n").skip(1) {
            let (excerpt, _) = block.split_once("```").unwrap();
            assert!(source.contains(excerpt), "not in {link:.60}: {excerpt}");
            excerpts += 1;
        }
    }
    assert_eq!(excerpts, 9);
}
