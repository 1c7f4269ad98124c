//! The memory use of a small session, measured as the growth of a separate process.

use std::process::{Command, ExitCode};

use tower_sessions::MemoryStore as TowerMemory;
use tower_sessions_moka_store::MokaStore;

use crate::rounds::{Figures, Plan, Target, number, print_targets};
use crate::stores::{Ours, Tower, block_on};

const HOLDERS: [&str; 3] = ["ours", "tower-sessions MemoryStore", "tower-sessions moka"];

pub fn run(plan: &Plan) {
    let count = plan.footprint;
    println!(
        "\n## Resident bytes per session of 70 bytes, {count} sessions, median of three processes\n"
    );
    println!("| store | bytes per session |\n|---|---|");
    let figures = HOLDERS.map(|name| Figures((0..3).map(|_| measure(name, count)).collect()));
    for (name, figure) in HOLDERS.iter().zip(&figures) {
        println!("| {name} | {} |", number(figure.median()));
    }
    let ratio = figures[1].over(&figures[0]);
    let what = format!("Bytes: those of {} over ours", HOLDERS[1]);
    print_targets(&[Target { what, ratio, at_least: 2.0 }]);
}

fn measure(name: &str, count: usize) -> f64 {
    let program = std::env::current_exe().expect("a program knows itself");
    let output =
        Command::new(program).args(["hold", name, &count.to_string()]).output().expect("it starts");
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("it prints a number")
}

/// Fills a store, and prints the growth of the process in bytes per session.
pub fn hold(name: &str, count: &str) -> ExitCode {
    let Ok(count) = count.parse::<u32>() else { return ExitCode::FAILURE };
    let (sessions, before) = (count as usize, resident());
    let after = block_on(async {
        // The list of ids is freed before the measurement. It is small enough that the allocator
        // returns its memory.
        match name {
            "ours" => {
                let store = session_memory::MemoryStore::with_capacity(u64::from(count) + 1000);
                drop(Ours::fill(store.clone(), sessions).await);
                assert_eq!(store.len(), u64::from(count));
                resident()
            }
            "tower-sessions moka" => {
                let store = MokaStore::new(Some(u64::from(count) + 1000));
                drop(Tower::fill(store.clone(), sessions).await);
                let bytes = resident();
                drop(store);
                bytes
            }
            _ => {
                let store = TowerMemory::default();
                drop(Tower::fill(store.clone(), sessions).await);
                let bytes = resident();
                drop(store);
                bytes
            }
        }
    });
    println!("{}", (after - before) / f64::from(count));
    ExitCode::SUCCESS
}

fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("it tells the resident size");
    line.trim().trim_end_matches(" kB").parse::<f64>().expect("in kilobytes") * 1024.0
}
