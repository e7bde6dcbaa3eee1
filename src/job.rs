//! Jobs from the command line: run, try out, list, explain.

use crate::End;
use crate::control::ask;
use crate::operate::told;
use crate::protocol::Ask;
use clap::Subcommand;

#[derive(Subcommand)]
pub enum JobCommand {
    /// Runs a job now, to its end.
    Run {
        name: String,
        /// Says what it would do on which tickets, and does nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// The jobs, when each runs next, and how it went the last time.
    List,
    /// Which part of a job's condition the database decides, and how.
    Explain { name: String },
}

pub async fn job(database: &str, command: JobCommand) -> anyhow::Result<End> {
    let ask_for = match command {
        JobCommand::Run { name, dry_run: false } => Ask::JobRun { name },
        JobCommand::Run { name, dry_run: true } => Ask::JobDryRun { name },
        JobCommand::List => Ask::JobList,
        JobCommand::Explain { name } => Ask::JobExplain { name },
    };
    told(ask(database, ask_for).await?)
}
