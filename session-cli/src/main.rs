//! Decodes, lists and ends the sessions of a web application, and maintains their store.

mod arguments;
mod bench;
mod copy;
mod count;
mod decode;
mod failure;
mod keygen;
mod output;
mod owners;
mod progress;
mod secrets;
mod store;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use arguments::{Arguments, Command};
use failure::Failure;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("session-cli: {failure}");
            failure.exit_code()
        }
    }
}

async fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let json = arguments.json;
    match arguments.command {
        Command::Keygen => keygen::run(json),
        Command::Decode(options) => decode::run(&options, json).await,
        Command::Count(options) => count::run(&options, json).await,
        Command::List(options) => owners::list(&options, json).await,
        Command::Show(options) => owners::show(&options, json).await,
        Command::End(options) => owners::end(&options, json).await,
        Command::Copy(options) => copy::run(&options, json).await,
        Command::Bench(options) => bench::run(&options, json).await,
        Command::Check(options) => store::check(&options, json).await,
        Command::Migrate(options) => store::migrate(&options, json).await,
        Command::Sweep(options) => store::sweep(&options, json).await,
        Command::Completions { shell } => {
            let mut command = Arguments::command();
            clap_complete::generate(shell, &mut command, "session-cli", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
        Command::Man => {
            let page = clap_mangen::Man::new(Arguments::command());
            page.render(&mut std::io::stdout()).map_err(Failure::output)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
