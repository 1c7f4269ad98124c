//! No key that a reader could copy from the documentation or an example works.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use session_core::config::SecretKey;

/// The texts before a literal key: constructors, and settings of a shell or a configuration file.
const BEFORE: [&str; 5] = [
    "SecretKey::new(",
    "SecretKey::with_any_length(",
    "SECRET_KEY=",
    "SECRET_KEY: ",
    "SECRET_KEY = ",
];

/// Returns the literals that follow one of the texts.
fn literal_keys(text: &str) -> Vec<String> {
    let after = BEFORE.iter().flat_map(|before| text.split(before).skip(1));
    after.filter_map(literal).collect()
}

/// Returns the quoted text at the start, or a bare word as in a shell.
fn literal(text: &str) -> Option<String> {
    let text = text.strip_prefix('b').filter(|rest| rest.starts_with('"')).unwrap_or(text);
    if let Some(quote) = text.chars().next().filter(|char| matches!(char, '"' | '\'')) {
        return text[1..].split(quote).next().map(str::to_owned);
    }
    let end = text.find(|char: char| !char.is_ascii_alphanumeric() && char != '-');
    let word = &text[..end.unwrap_or(text.len())];
    // A long word that is not an expression of a program, such as `options.key`.
    (word.len() >= 16).then(|| word.to_owned())
}

/// Returns the documentation in a file. This is the whole text of a guide or an example, and the
/// documentation comments of other source files.
fn shown(path: &Path, text: &str) -> String {
    let is_example = path.components().any(|part| part.as_os_str() == "examples");
    if path.extension().is_some_and(|extension| extension != "rs") || is_example {
        return text.to_owned();
    }
    let comment = |line: &&str| line.trim_start().starts_with("//");
    text.lines().filter(comment).collect::<Vec<_>>().join("\n")
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && !["target", "tests", "vectors"].contains(&&*name) {
                files(&path, found);
            }
        } else if ["rs", "md", "py", "sh", "toml", "yml"].iter().any(|kind| name.ends_with(kind)) {
            found.push(path);
        }
    }
}

#[test]
fn literal_keys_in_documents_and_examples_are_refused() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let (mut paths, mut checked) = (Vec::new(), 0);
    files(root, &mut paths);
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        for key in literal_keys(&shown(&path, &text)) {
            assert!(
                SecretKey::new(&key).is_err(),
                "{} shows the key {key:?}, which works; generate a key there, \
                 or add it to the list of published keys",
                path.display()
            );
            checked += 1;
        }
    }
    assert!(checked > 0, "no literal key was found");
}

#[test]
fn literal_keys_are_found_in_each_notation() {
    let text = r#"
        let key = SecretKey::new("one")?; SecretKey::with_any_length(b"two");
        let other = SecretKey::new(key)?;
        SECRET_KEY=three-three-three-three cargo run
        SECRET_KEY = 'four'
        SECRET_KEY: "five"
        SECRET_KEY=options.key,
    "#;
    let mut found = literal_keys(text);
    found.sort();
    assert_eq!(found, ["five", "four", "one", "three-three-three-three", "two"]);
}
