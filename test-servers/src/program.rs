//! Finds installed programs, and names the package of a missing program.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the path of a program of a Debian package.
pub(crate) fn installed(name: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .chain(postgres_folders())
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| {
            panic!("There is no {name} on this machine. Run: sudo apt-get install -y {package}")
        })
}

/// Runs a program to completion and returns its output.
pub(crate) fn run(command: &mut Command) -> String {
    let output =
        command.output().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed\n{printed}{complaint}");
    printed
}

/// Returns Debian's folders of PostgreSQL programs, one for each version, newest first. They are
/// not in the search path.
fn postgres_folders() -> Vec<PathBuf> {
    let mut versions: Vec<u32> = Path::new("/usr/lib/postgresql")
        .read_dir()
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    versions.sort_unstable();
    versions
        .iter()
        .rev()
        .map(|version| format!("/usr/lib/postgresql/{version}/bin").into())
        .collect()
}
