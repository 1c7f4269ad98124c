//! Starts two shops behind nginx, with a replicated store and Prometheus, until Ctrl-C. With
//! `--faults`, injects each fault during traffic and prints the losses. Start the program with
//! `scripts/deployment`.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "without its servers, the deployment cannot start"
)]

mod browser;
mod configuration;
mod deployment;
mod faults;
mod judge;
mod store;
mod table;
mod traffic;
mod visitor;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use tokio::time::sleep;

use crate::browser::Server;
use crate::deployment::Deployment;
use crate::faults::Fault;
use crate::judge::{Documented, Verdict};
use crate::store::Kind;
use crate::traffic::{Counts, Visitors};

/// Two shops behind nginx, with a replicated store and Prometheus.
#[derive(Debug, Parser)]
struct Arguments {
    /// The store of the sessions
    #[arg(value_enum)]
    store: Kind,

    /// Inject each fault during traffic, print the losses, and stop. The exit code is 1 after a
    /// loss that the documentation does not state
    #[arg(long)]
    faults: bool,

    /// Repeat the faults for this number of minutes
    #[arg(long, default_value_t = 0, requires = "faults")]
    minutes: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tokio::select! {
        code = run(arguments) => code,
        _ = tokio::signal::ctrl_c() => ExitCode::from(130),
    }
}

async fn run(arguments: Arguments) -> ExitCode {
    let mut deployment = Deployment::start(arguments.store).await;
    println!("shop        {}", deployment.nginx.url());
    println!("prometheus  {}", deployment.prometheus.url());
    if !deployment.is_watched().await {
        eprintln!("deployment: Prometheus does not read the metrics of both shops");
        return ExitCode::FAILURE;
    }
    if arguments.faults {
        return inject_all(&mut deployment, Duration::from_mins(arguments.minutes)).await;
    }
    println!("\nCtrl-C stops all programs.");
    std::future::pending().await
}

async fn inject_all(deployment: &mut Deployment, least: Duration) -> ExitCode {
    let begin = Instant::now();
    let visitors = Visitors::start(&Server::at(deployment.nginx.port()));
    let mut violations = Vec::new();
    let (mut counts, mut verdict) = (Counts::default(), Verdict::default());
    println!("\n{}", table::head());
    loop {
        for fault in Fault::all(deployment.kind) {
            if let Err(violation) =
                inject(fault, deployment, &visitors, &mut counts, &mut verdict).await
            {
                violations.push(format!("{}: {violation}", fault.name()));
            }
        }
        if begin.elapsed() >= least {
            break;
        }
    }
    println!("{}\n", table::row("all", &counts, verdict, Documented::Anything("")));
    if !deployment.is_watched().await {
        violations.push("Prometheus does not read the metrics of both shops".to_owned());
    }
    for violation in &violations {
        println!("{violation}");
    }
    if violations.is_empty() {
        println!("All losses are documented.");
        return ExitCode::SUCCESS;
    }
    ExitCode::FAILURE
}

/// Injects a fault and prints its row. Fails if requests fail afterwards, or if a loss is not
/// documented.
async fn inject(
    fault: Fault,
    deployment: &mut Deployment,
    visitors: &Visitors,
    all_counts: &mut Counts,
    all: &mut Verdict,
) -> Result<(), String> {
    visitors.traffic.start_counting();
    sleep(Duration::from_secs(2)).await;
    let begin = Instant::now();
    let repaired = fault.inject(deployment).await;
    let calm = visitors.calm_down().await;
    let counts = visitors.traffic.read();
    let verdict = inspect(visitors).await;
    all_counts.add(&counts);
    all.add(verdict.clone().unwrap_or_default());
    let documented = fault.documented(deployment.kind);
    println!(
        "{}",
        table::row(fault.name(), &counts, verdict.clone().unwrap_or_default(), documented)
    );
    repaired?;
    if !calm {
        return Err("requests still fail after two minutes".to_owned());
    }
    let verdict = verdict?;
    if !verdict.is_documented(documented, begin) {
        return Err(format!("undocumented losses: {verdict:?}"));
    }
    Ok(())
}

/// Inspects the sessions. Retries for 20 seconds, because a few requests may fail after the fault.
async fn inspect(visitors: &Visitors) -> Result<Verdict, String> {
    let mut verdict = Verdict::default();
    for _ in 0..20 {
        if visitors.inspect(&mut verdict).await.is_ok() {
            return Ok(verdict);
        }
        sleep(Duration::from_secs(1)).await;
    }
    visitors.inspect(&mut verdict).await.map(|()| verdict)
}
