//! The guides can be pasted: each dependency block builds with its program, and code blocks have no
//! hidden lines, which Markdown shows. Programs that serve show their errors.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A code block of a page.
struct Block {
    page: String,
    line: usize,
    language: String,
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns the pages that users read: the README, the guides and the READMEs of the crates.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md")];
    let is_page = |path: &Path| path.extension().is_some_and(|extension| extension == "md");
    let entries = |folder: &Path| -> Vec<PathBuf> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let folders = entries(&root()).into_iter().chain(entries(&root().join("examples")));
    let folders = folders.filter(|path| path.is_dir() && !path.ends_with("target"));
    for folder in folders {
        pages.extend(entries(&folder).into_iter().filter(|path| is_page(path)));
    }
    pages.sort();
    pages
}

fn blocks(page: &Path) -> Vec<Block> {
    let text = fs::read_to_string(page).unwrap();
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (line, text) in (1..).zip(text.lines()) {
        match (&mut open, text.trim_start().strip_prefix("```")) {
            (None, Some(language)) => {
                let page = page.display().to_string();
                let language = language.to_owned();
                open = Some(Block { page, line, language, text: String::new() });
            }
            (Some(_), Some("")) => blocks.extend(open.take()),
            (Some(block), _) => {
                block.text.push_str(text);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

#[test]
fn code_blocks_have_no_hidden_lines() {
    let mut hidden = Vec::new();
    for block in pages().iter().flat_map(|page| blocks(page)) {
        let is_rust = block.language.starts_with("rust") || block.language.is_empty();
        for (line, text) in (block.line + 1..).zip(block.text.lines()).filter(|_| is_rust) {
            if text == "#" || text.starts_with("# ") {
                hidden.push(format!("{}:{line}: {text}", block.page));
            }
        }
    }
    assert!(hidden.is_empty(), "Markdown shows these lines:\n{}", hidden.join("\n"));
}

#[test]
fn readme_and_guide_begin_with_same_program() {
    let program = |page: &str| {
        let mut blocks = blocks(&root().join(page)).into_iter();
        blocks.find(|block| block.language == "rust,no_run").unwrap().text
    };
    assert_eq!(program("README.md"), program("docs/getting-started.md"));
}

#[test]
fn programs_that_serve_show_errors_in_log() {
    let serves = |text: &str| text.contains("axum::serve") || text.contains("HttpServer::new");
    let mut checked = 0;
    for block in pages().iter().flat_map(|page| blocks(page)) {
        if block.text.contains("fn main()") && serves(&block.text) {
            let shows = block.text.contains("tracing_subscriber::");
            assert!(shows, "{}:{}: the program shows no errors", block.page, block.line);
            checked += 1;
        }
    }
    assert!(checked >= 9, "only {checked} programs were found");
}

#[test]
fn guides_with_programs_are_compiled() {
    let compiled = fs::read_to_string(root().join("docs/guides.rs")).unwrap();
    let mut checked = 0;
    for page in pages().iter().filter(|page| page.parent().unwrap().ends_with("docs")) {
        let is_program =
            |block: &Block| block.language.starts_with("rust") && block.language != "rust,ignore";
        if blocks(page).iter().any(is_program) {
            let name = page.file_name().unwrap().to_string_lossy();
            let included = format!("include_str!(\"{name}\")");
            assert!(compiled.contains(&included), "guides.rs does not include {name}");
            checked += 1;
        }
    }
    assert!(checked >= 19, "only {checked} guides were found");
}

#[test]
fn dependency_blocks_build_with_their_programs() {
    let mut built = 0;
    for page in pages() {
        let blocks = blocks(&page);
        let is_manifest =
            |block: &Block| block.language == "toml" && block.text.contains("ependencies]");
        for (index, block) in blocks.iter().enumerate().filter(|(_, block)| is_manifest(block)) {
            let is_program = |block: &&Block| block.text.contains("fn main()");
            let after = blocks[index + 1..].iter().take_while(|block| !is_manifest(block));
            let program = { after }.find(is_program);
            let program = program.or_else(|| blocks[..index].iter().rev().find(is_program));
            build(block, program.map_or("fn main() {}", |block| &block.text), built);
            built += 1;
        }
    }
    assert!(built >= 8, "only {built} blocks were found");
}

/// Builds a program as a user of the guide would.
fn build(block: &Block, program: &str, number: usize) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("pasted-{number}"));
    fs::create_dir_all(folder.join("src")).unwrap();
    let root = root().canonicalize().unwrap();
    let mut manifest = block.text.replace("../sessions", root.to_str().unwrap());
    if !manifest.contains("[package]") {
        let package = "[package]\nname = \"pasted\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n";
        manifest.insert_str(0, package);
    }
    manifest.push_str("\n[workspace]\n");
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::write(folder.join("src/main.rs"), program).unwrap();
    // The same versions as in the workspace, so that they are not downloaded again.
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let mut command = Command::new(env!("CARGO"));
    command.args(["check", "--quiet", "--all-targets"]).current_dir(&folder);
    let status = command.env("CARGO_TARGET_DIR", target).env("RUSTFLAGS", "").status().unwrap();
    assert!(status.success(), "{}:{}: the block does not build", block.page, block.line);
}
