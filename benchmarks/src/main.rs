//! Runs this project and its peers with the same work in the same rounds on the same machine. See
//! the README.

mod chart;
mod cookies;
mod counter;
mod ending;
mod flask;
mod footprint;
mod growth;
mod http;
mod requests;
mod rounds;
mod sessions;
mod stores;
mod tracking;

use std::process::ExitCode;

use rounds::Plan;

const GROUPS: [&str; 14] = [
    "cookie",
    "request",
    "memory",
    "redis",
    "valkey",
    "sqlite",
    "postgres",
    "mariadb",
    "counter",
    "http",
    "footprint",
    "growth",
    "ending",
    "tracking",
];
const USAGE: &str = "benchmarks [--quick] [--rounds N] [--only TEXT] [GROUP...]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // The program starts itself as a server, or as a process that holds sessions in memory.
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["serve", name, database] => return http::serve(name, database),
        ["hold", name, count] => return footprint::hold(name, count),
        ["chart"] => return chart::draw(),
        _ => {}
    }
    let Some((plan, groups)) = read(&arguments) else {
        eprintln!("{USAGE}\nGroups: {}", GROUPS.join(" "));
        return ExitCode::FAILURE;
    };
    for group in groups {
        let started = std::time::Instant::now();
        match group {
            "cookie" => cookies::run(&plan),
            "request" => requests::run(&plan),
            "memory" => stores::memory(&plan),
            "redis" => stores::redis(&plan),
            "valkey" => stores::valkey(&plan),
            "sqlite" => stores::sqlite(&plan),
            "postgres" => stores::postgres(&plan),
            "mariadb" => stores::mariadb(&plan),
            "counter" => counter::run(&plan),
            "http" => http::run(&plan),
            "footprint" => footprint::run(&plan),
            "growth" => growth::run(&plan),
            "ending" => ending::run(&plan),
            _ => tracking::run(&plan),
        }
        eprintln!("{group}: {} s", started.elapsed().as_secs());
    }
    ExitCode::SUCCESS
}

fn read(arguments: &[String]) -> Option<(Plan, Vec<&'static str>)> {
    let mut plan = Plan::full();
    let mut groups = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => plan = Plan { only: plan.only, ..Plan::quick() },
            "--rounds" => plan.rounds = arguments.next()?.parse().ok()?,
            "--only" => plan.only = Some(arguments.next()?.clone()),
            name => groups.push(*GROUPS.iter().find(|group| **group == name)?),
        }
    }
    if groups.is_empty() {
        groups = GROUPS.to_vec();
    }
    Some((plan, groups))
}
