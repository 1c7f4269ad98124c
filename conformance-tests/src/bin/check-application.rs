//! Checks a running web application by its address.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use session_conformance::application::{Options, Report, check};
use session_core::Error;

/// Checks the sessions of a running web application: cookie attributes, session fixation, lost
/// updates, logout, caching, size and expiry.
///
/// The application must follow the adapter contract in docs/checking-applications.md. The exit code
/// is 0 if no check failed, 1 if a check failed, and 2 if the application cannot be checked.
#[derive(Parser)]
#[command(name = "check-application")]
struct Arguments {
    /// The address of the application, such as `http://127.0.0.1:5000`
    url: String,
    /// The idle timeout of the application in seconds. Without this option, expiry is not checked
    #[arg(long, value_name = "SECONDS")]
    idle_timeout: Option<u64>,
    /// A header for each request, such as "X-Forwarded-Proto: https"
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// Prints the report as JSON
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(report) => {
            print(&report, arguments.json);
            if report.has_failures() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
        Err(error) => {
            eprintln!("check-application: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<Report, Error> {
    let timeout = arguments.idle_timeout.map(Duration::from_secs);
    let options = Options::default().idle_timeout(timeout);
    let headers = arguments.headers.iter();
    let options = headers.fold(options, |options, (name, value)| options.header(name, value));
    check(&arguments.url, &options)
}

fn print(report: &Report, json: bool) {
    if json {
        println!("{:#}", report.to_json());
    } else {
        println!("{report}");
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("a header has the form `Name: value`")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}
