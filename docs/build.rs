//! Writes the programs of the guide to testing as files, so that its tests run.

use std::path::Path;
use std::{env, fs, io};

const GUIDE: &str = "testing.md";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={GUIDE}");
    let folder = env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    let guide = fs::read_to_string(GUIDE)?;
    let programs = guide.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next());
    for (number, program) in programs.enumerate() {
        fs::write(Path::new(&folder).join(format!("testing_{number}.rs")), program)?;
    }
    Ok(())
}
