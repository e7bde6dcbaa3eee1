//! The command line: the composition root, the only place that names a database.

mod answers;
mod author;
mod backups;
mod config;
mod control;
mod database;
mod doctor;
mod explain;
mod job;
mod mail;
mod mutants;
mod operate;
mod protocol;
mod seal;
mod serve;
mod sweep;
mod traces;
mod transfer;

use crate::database::Outside;
use clap::{Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;
use vorgang_core::ids::ArticleId;

/// Many small values live for one command: an allocator that gives and takes them within a thread.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Turns a folder of YAML definitions into a running service desk and process engine.
#[derive(Parser)]
#[command(name = "vorgang", version, about, propagate_version = true)]
struct Cli {
    /// The database: a file for SQLite, or postgres://USER@HOST/DATABASE; several hosts are separated by commas.
    #[arg(long, global = true, env = "VORGANG_DATABASE", default_value = "vorgang.db", value_name = "URL")]
    database: String,
    /// The folder of files that are not in the database: the key of checkpoints and what they are written to. For a SQLite
    /// file it lies beside it; with PostgreSQL all nodes have to reach it.
    #[arg(long, global = true, env = "VORGANG_FILES", value_name = "DIR")]
    files: Option<PathBuf>,
    /// Where attachments above 64 KiB lie instead of in the folder of files: s3://BUCKET/PREFIX, with the keys in AWS_*.
    #[arg(long, global = true, env = "VORGANG_ATTACHMENTS", value_name = "URL")]
    attachments: Option<String>,
    /// A file with options, under the names that they have here; what is given here or in the environment comes first.
    #[arg(long, global = true, env = "VORGANG_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// How messages are written to stderr.
    #[arg(long, global = true, env = "VORGANG_LOG_FORMAT", default_value = "text")]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TestFormat {
    Human,
    Json,
    Junit,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum GraphFormat {
    Svg,
    Mermaid,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Deny {
    Warnings,
}

#[derive(Subcommand)]
enum Command {
    /// Runs everything: portal, API, engine.
    Serve(Box<serve::Options>),
    /// Checks a site: all findings at once, each with its place.
    Check {
        site: PathBuf,
        #[arg(long, default_value = "human")]
        format: Format,
        /// Warnings count as errors.
        #[arg(long)]
        deny: Option<Deny>,
        /// Makes the replacements that are certain.
        #[arg(long)]
        fix: bool,
    },
    /// Runs the site's tests in virtual time.
    Test {
        site: PathBuf,
        /// Only the tests of these names.
        names: Vec<String>,
        #[arg(long, default_value = "human")]
        format: TestFormat,
        /// Names what no test has reached.
        #[arg(long)]
        coverage: bool,
        /// Changes conditions, outcomes, joins, amounts and times one by one, and names the changes that no test notices.
        #[arg(long, conflicts_with_all = ["coverage", "names"])]
        mutants: bool,
        /// With `--mutants`: how many percent the tests have to notice.
        #[arg(long, requires = "mutants", value_parser = clap::value_parser!(u8).range(0..=100), default_value = "0")]
        least: u8,
        /// Runs the tests again whenever a file of the site changes, until it is interrupted.
        #[arg(long, conflicts_with = "mutants")]
        watch: bool,
    },
    /// Says what `apply` would do, without doing it.
    Plan { site: PathBuf },
    /// Takes a site into the running desk, whole or not at all.
    Apply { site: PathBuf },
    /// Draws a process.
    Graph {
        site: PathBuf,
        process: String,
        #[arg(long, default_value = "svg")]
        format: GraphFormat,
        /// Plays the tests, and colours what they reach.
        #[arg(long)]
        coverage: bool,
        #[arg(long, default_value = "en")]
        language: String,
    },
    /// Explains the code of a finding, a kind, a key, a verb, an event or a function; `explain functions` lists those, `explain job NAME` a job's query,
    /// `explain ticket NUMBER --as LOGIN` what a person may choose and do there, and why not.
    Explain {
        word: String,
        name: Option<String>,
        /// For whom, with `explain ticket`.
        #[arg(long = "as", value_name = "LOGIN")]
        login: Option<String>,
    },
    /// Prints the JSON Schema of one kind, or of all.
    Schema {
        kind: Option<String>,
        /// The draft: 2020-12, or 7 for editors that stop there.
        #[arg(long, default_value = "2020-12")]
        draft: String,
    },
    /// People: add, list, sign-in links, tokens, passwords.
    #[command(subcommand)]
    User(operate::User),
    /// Takes a mail from stdin, as a mail server's pipe or procmail gives it. Status 75 where it is to be tried again.
    Mail(mail::Options),
    /// Jobs: run, try out, list, explain.
    #[command(subcommand)]
    Job(job::JobCommand),
    /// Moves everything into another, empty database: counted, and verified by the chain of the history. One that was cut
    /// goes on when it is called again.
    Copy {
        #[arg(long, value_name = "URL")]
        from: String,
        #[arg(long, value_name = "URL")]
        to: String,
    },
    /// Writes everything into one file, while a server runs, and reads it back.
    Backup {
        file: PathBuf,
        /// Does not read it back.
        #[arg(long)]
        no_verify: bool,
    },
    /// Restores a backup into an empty database.
    Restore {
        file: PathBuf,
        /// Restores it into a place of its own, verifies it there, and removes that again.
        #[arg(long)]
        verify: bool,
    },
    /// Removes large attachments that no row of the history names: what commits that never came have left.
    Sweep {
        /// Days since a file was written; longer than the oldest backup that is kept.
        #[arg(long, default_value_t = 30, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
        older_than: u32,
        /// Only says which.
        #[arg(long)]
        dry_run: bool,
    },
    /// Looks at the database, the clock, space, the history, backups and mail. Status 1 where something is bad.
    Doctor {
        #[arg(long, default_value = "human")]
        format: Format,
        #[command(flatten)]
        mail: serve::MailOptions,
    },
    /// The configuration: what counts and where it comes from, and whether the file is good.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// The history.
    #[command(subcommand)]
    Audit(Audit),
    /// Removes the content of a message, or of one of its files, for good; the history says so.
    Erase(Erase),
}

/// The content to remove for good.
#[derive(clap::Args)]
struct Erase {
    /// The ticket's number.
    number: String,
    /// The message's number, as the API gives it.
    article: u32,
    /// One file of the message, from 1; without it the text and all files.
    #[arg(long, value_name = "N")]
    file: Option<usize>,
    #[arg(long)]
    reason: String,
}

#[derive(Subcommand)]
enum Audit {
    /// Verifies every row's hash, each ticket's chain, and that folding the history gives the rows.
    Verify {
        #[arg(long, default_value = "human")]
        format: Format,
    },
    /// Makes a signed checkpoint now; a server makes one each hour.
    Checkpoint,
    /// Prints the log of security: sign-ins, changes of people, tokens, sessions and definitions, exports, denied acts.
    Log {
        /// From this time on, such as `2026-03-01T00:00:00Z`.
        #[arg(long, value_name = "TIME")]
        since: Option<jiff::Timestamp>,
        /// Entries by or about this login.
        #[arg(long, value_name = "LOGIN")]
        who: Option<String>,
        /// The same as `--format json`.
        #[arg(long)]
        json: bool,
        #[arg(long, default_value = "human")]
        format: Format,
    },
}

/// How a command ended (contract).
pub enum End {
    Good,
    /// Findings, failures or differences.
    Found,
    Usage,
    /// Of `sysexits.h`: whoever brought a mail keeps it and tries again.
    TryAgain,
}

/// Lets the C library keep 16 MiB of free memory at the end of a heap. SQLite empties and fills its page caches after each
/// commit, and the memory between would go to the system and come back.
#[allow(unsafe_code)]
fn keep_free_memory() {
    const KEPT_BYTES: i32 = 16 * 1024 * 1024;
    // SAFETY: `mallopt` takes two integers and sets a parameter of glibc's allocator; no other thread runs yet. If it refuses the
    // value, the default stays.
    #[cfg(target_env = "gnu")]
    let _ = unsafe { libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT_BYTES) };
}

fn main() -> ExitCode {
    keep_free_memory();
    quiet_pipes();
    let cli = config::parse();
    let traces = match &cli.command {
        Command::Serve(options) => options.traces(),
        _ => None,
    };
    let exporter = match log(cli.log_format, traces) {
        Ok(exporter) => exporter,
        Err(e) => return could_not_run(&e),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return could_not_run(&e.into()),
    };
    let end = runtime.block_on(run_cli(cli));
    exporter.end();
    match end {
        Ok(End::Good) => ExitCode::SUCCESS,
        Ok(End::Found) => ExitCode::from(1),
        Ok(End::Usage) => ExitCode::from(2),
        Ok(End::TryAgain) => ExitCode::from(75),
        Err(e) => could_not_run(&e),
    }
}

/// Whoever reads our output may stop to: that is no fault of ours, and no reason for a trace.
fn quiet_pipes() {
    let otherwise = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let said = info.payload().downcast_ref::<String>();
        if said.is_some_and(|s| s.starts_with("failed printing to stdout")) {
            std::process::exit(3);
        }
        otherwise(info);
    }));
}

fn could_not_run(e: &anyhow::Error) -> ExitCode {
    eprintln!("vorgang: {e:#}");
    ExitCode::from(3)
}

/// Lines of the log to stderr, and traces to their collector.
fn log(format: LogFormat, traces: Option<&str>) -> anyhow::Result<traces::Exporter> {
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::util::SubscriberInitExt;
    use tracing_subscriber::{EnvFilter, Layer, Registry};
    let filter = EnvFilter::try_from_env("VORGANG_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt::layer::<Registry>().with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(color(&std::io::stderr())).with_filter(filter).boxed(),
        LogFormat::Json => lines.json().with_filter(filter).boxed(),
    };
    let (exporter, spans) = traces::Exporter::new(traces)?;
    tracing_subscriber::registry().with(vec![Some(lines), spans].into_iter().flatten().collect::<Vec<_>>()).init();
    Ok(exporter)
}

/// `NO_COLOR` is kept, and a pipe is no terminal.
fn color(stream: &impl std::io::IsTerminal) -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()) && stream.is_terminal()
}

async fn run_cli(cli: Cli) -> anyhow::Result<End> {
    let database = cli.database;
    let files = match &cli.files {
        Some(files) => Some(files.clone()),
        None => database::place(&database).ok().and_then(|p| p.files()),
    };
    // A server that is asked to use it has another working folder.
    let files = files.map(|f| std::path::absolute(&f).unwrap_or(f));
    let outside = |folder| Outside::new(folder, cli.attachments.as_deref());
    match cli.command {
        Command::Serve(options) => {
            let attachments = cli.attachments.clone();
            serve::serve(&database, outside(files)?, attachments, *options).await
        }
        Command::Config(command) => config::config(cli.config.as_deref(), &command),
        Command::Doctor { format, mail } => doctor::doctor(&database, &outside(files)?, &mail, format == Format::Json).await,
        Command::Copy { from, to } => {
            // A file's own folder lies beside it.
            let folder = cli.files.clone().or(database::place(&from)?.files());
            transfer::copy(&from, outside(folder)?.shelf, &to).await
        }
        Command::Backup { file, no_verify } => transfer::backup(&database, outside(files)?.shelf, &file, !no_verify).await,
        Command::Restore { file, verify } => transfer::restore(&database, &file, verify).await,
        Command::Sweep { .. } if cli.attachments.is_some() => {
            eprintln!("attachments in a bucket are not swept");
            Ok(End::Usage)
        }
        Command::Sweep { older_than, dry_run } => sweep::sweep(&database, files.as_deref(), older_than, dry_run).await,
        Command::Check { site, format, deny, fix } => author::check(&site, format == Format::Json, deny.is_some(), fix),
        Command::Test { site, format, mutants: true, least, .. } => match format {
            TestFormat::Human => mutants::human(&site, least),
            TestFormat::Json => mutants::json(&site, least),
            TestFormat::Junit => {
                eprintln!("changes are no test cases: `--format human` or `--format json`");
                Ok(End::Usage)
            }
        },
        Command::Test { site, names, format, coverage, watch, .. } => {
            let once = || match format {
                TestFormat::Human => author::test(&site, &names, coverage),
                TestFormat::Json => author::test_json(&site, &names),
                TestFormat::Junit => author::test_junit(&site, &names),
            };
            if watch { author::watch(&site, once).await } else { once() }
        }
        Command::Plan { site } => operate::plan(&database, &site).await,
        Command::Apply { site } => operate::apply(&database, &site).await,
        Command::Graph { site, process, format, coverage, language } => {
            author::graph(&site, &process, format == GraphFormat::Mermaid, coverage, &language)
        }
        Command::Explain { word, name: Some(name), login: None } if word == "job" => {
            job::job(&database, job::JobCommand::Explain { name }).await
        }
        Command::Explain { word, name: Some(number), login: Some(login) } if word == "ticket" => {
            operate::told(control::ask(&database, protocol::Ask::TicketExplain { number, login }).await?)
        }
        Command::Explain { word, name: None, login: None } => author::explain(&word),
        Command::Explain { .. } => {
            eprintln!("explain one word, `job NAME`, or `ticket NUMBER --as LOGIN`");
            Ok(End::Usage)
        }
        Command::Schema { kind, draft } => author::schema(kind.as_deref(), &draft),
        Command::Mail(options) => mail::mail(&database, outside(files)?, options).await,
        Command::Job(command) => job::job(&database, command).await,
        Command::User(user) => operate::user(&database, user).await,
        Command::Erase(e) => {
            let ask = protocol::Ask::Erase {
                number: e.number,
                article: ArticleId(e.article),
                file: e.file.map(|n| n.wrapping_sub(1)),
                reason: e.reason,
            };
            operate::told(control::ask(&database, ask).await?)
        }
        Command::Audit(Audit::Verify { format }) => operate::audit(&database, files.as_deref(), format == Format::Json).await,
        Command::Audit(Audit::Log { since, who, json, format }) => {
            operate::security_log(&database, since, who.as_deref(), json || format == Format::Json).await
        }
        Command::Audit(Audit::Checkpoint) => operate::told(control::ask(&database, protocol::Ask::Checkpoint { files }).await?),
    }
}
