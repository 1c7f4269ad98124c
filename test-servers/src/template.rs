//! Data folders of freshly initialized servers, created once per machine and copied for each start.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::program::run;

/// Copies the template `name` to `target`. If it does not exist yet, `initialize` creates it in the
/// given folder.
pub(crate) fn copy(name: &str, target: &Path, initialize: impl FnOnce(&Path)) {
    let store = store();
    fs::create_dir_all(&store)
        .unwrap_or_else(|error| panic!("{} cannot be made: {error}", store.display()));
    let lock = File::create(store.join("lock")).expect("the folder of templates is writable");
    lock.lock().expect("the folder of templates can be locked");
    let template = store.join(name);
    if !template.exists() {
        make(&template, initialize);
    }
    drop(lock);
    copy_folder(&template, target);
}

/// Creates the template in the folder for temporary files, because a server that must not run as
/// root cannot access each target folder.
fn make(template: &Path, initialize: impl FnOnce(&Path)) {
    let nursery =
        std::env::temp_dir().join(format!("test-servers-template-{}", std::process::id()));
    // A failed attempt can leave files.
    let _ = fs::remove_dir_all(&nursery);
    fs::create_dir(&nursery)
        .unwrap_or_else(|error| panic!("{} cannot be made: {error}", nursery.display()));
    let data = nursery.join("data");
    fs::create_dir(&data).expect("a new folder is writable");
    initialize(&data);
    let unfinished = template.with_extension("unfinished");
    let _ = fs::remove_dir_all(&unfinished);
    copy_folder(&data, &unfinished);
    fs::rename(&unfinished, template).expect("the folder of templates is writable");
    fs::remove_dir_all(&nursery).expect("a folder of one's own can be removed");
}

fn copy_folder(from: &Path, to: &Path) {
    run(Command::new("cp").args(["-a", "--reflink=auto"]).arg(from).arg(to));
}

/// Returns a path in the target folder from which the test runs.
fn store() -> PathBuf {
    let program = std::env::current_exe().expect("a running program has a path");
    let target = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    target.map_or_else(std::env::temp_dir, Path::to_owned).join("test-servers")
}
