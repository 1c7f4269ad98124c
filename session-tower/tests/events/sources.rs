//! Finds the calls that emit events in the source code of the project.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::Row;

/// Returns all calls such as `tracing::error!(..)` in the `src` folders of the crates.
pub(crate) fn places() -> BTreeSet<Row> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut places = BTreeSet::new();
    for folder in fs::read_dir(root).unwrap() {
        let folder = folder.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap().replace('-', "_");
        if name.starts_with("session_") {
            for text in texts(&folder.join("src")) {
                places
                    .extend(calls(&text).map(|(level, arguments)| place(&name, level, arguments)));
            }
        }
    }
    places
}

fn texts(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() { texts(&path) } else { vec![fs::read_to_string(path).unwrap()] }
        })
        .collect()
}

/// Returns the level and the arguments of each call.
fn calls(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split("tracing::").skip(1).filter_map(|rest| {
        let (level, rest) = rest.split_once("!(")?;
        ["error", "warn", "info", "debug", "trace"]
            .contains(&level)
            .then(|| (level, arguments(rest)))
    })
}

/// Returns the text before the parenthesis that closes the call.
fn arguments(rest: &str) -> &str {
    let mut depth = 1;
    let mut quoted = false;
    let end = rest.find(|character| {
        match character {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    &rest[..end.unwrap()]
}

fn place(name: &str, level: &str, arguments: &str) -> Row {
    let (fields, message) = arguments.split_once('"').unwrap();
    let fields = fields
        .split(',')
        .map(|field| field.split('=').next().unwrap().trim().trim_start_matches(['%', '?']));
    let mut fields: Vec<_> = fields.filter(|field| !field.is_empty()).map(str::to_owned).collect();
    fields.sort();
    let message = message.trim().trim_end_matches(',').trim_end_matches('"');
    (name.to_owned(), level.to_uppercase(), message.to_owned(), fields)
}
