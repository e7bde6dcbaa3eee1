//! Commands for admins.

use crate::control::ask;
use crate::protocol::{Ask, Told};
use crate::{End, author, color, database};
use anyhow::Context;
use clap::Subcommand;
use jiff::Timestamp;
use std::io::{IsTerminal, Read};
use std::path::Path;
use vorgang_core::people::{PersonKind, PersonPatch};
use vorgang_definitions::diagnostic;
use vorgang_runtime::{accounts, audit, checkpoints, revisions, security};
use vorgang_store::security::LogRow;

#[derive(Subcommand)]
pub enum User {
    /// Adds a person, or changes one: what is not given stays as it is.
    Add(Box<UserFields>),
    /// Lists people.
    List,
    /// Prints the path of a one-time sign-in link, good for 30 minutes.
    Link { login: String },
    /// Prints a new bearer token for the API.
    Token { login: String },
    /// Sets the password, read from stdin.
    Password { login: String },
}

#[derive(clap::Args)]
pub struct UserFields {
    #[arg(value_parser = plain)]
    login: String,
    /// The login, if not given.
    #[arg(long, value_parser = plain)]
    name: Option<String>,
    #[arg(long, value_parser = address)]
    email: Option<String>,
    /// An agent; somebody new is a customer if not given.
    #[arg(long)]
    agent: bool,
    /// A customer again, without roles.
    #[arg(long, conflicts_with_all = ["agent", "roles"])]
    customer: bool,
    /// A role of the site; may be given more than once. Those that are given are all.
    #[arg(long = "role")]
    roles: Vec<String>,
    /// Takes all roles away.
    #[arg(long, conflicts_with = "roles")]
    no_roles: bool,
    /// What an agent can do, in words of the site; may be given more than once. Those that are given are all.
    #[arg(long = "skill")]
    skills: Vec<String>,
    /// The login of the manager; an empty one for none.
    #[arg(long)]
    manager: Option<String>,
    /// An empty one for none.
    #[arg(long)]
    company: Option<String>,
    /// `en` for somebody new, if not given.
    #[arg(long)]
    language: Option<String>,
    /// May no longer sign in; sessions and tokens end at once.
    #[arg(long)]
    inactive: bool,
    /// May sign in again.
    #[arg(long, conflicts_with = "inactive")]
    active: bool,
}

/// A text of one line.
fn plain(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_control) { Err("it has a control character or a line break".into()) } else { Ok(text.to_owned()) }
}

/// An address, or none.
fn address(text: &str) -> Result<String, String> {
    let is_one =
        text.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty()) && !text.contains(char::is_whitespace);
    if text.is_empty() || is_one { plain(text) } else { Err(format!("{text:?} is no address")) }
}

impl UserFields {
    fn patch(self) -> PersonPatch {
        let some = |text: Option<String>| text.map(|t| Some(t).filter(|t| !t.is_empty()));
        PersonPatch {
            name: self.name,
            email: self.email,
            kind: if self.agent { Some(PersonKind::Agent) } else { self.customer.then_some(PersonKind::Customer) },
            company: some(self.company),
            language: self.language,
            active: (self.inactive || self.active).then_some(self.active),
            roles: (self.no_roles || self.customer || !self.roles.is_empty()).then_some(self.roles),
            skills: (!self.skills.is_empty()).then(|| self.skills.into_iter().collect()),
            manager: some(self.manager).map(|m| m.map(Into::into)),
            ..PersonPatch::default()
        }
    }
}

pub fn told(told: Told) -> anyhow::Result<End> {
    match told {
        Told::Good(line) => {
            println!("{line}");
            Ok(End::Good)
        }
        Told::Found { findings, message } => {
            print!("{findings}");
            eprintln!("{message}");
            Ok(End::Found)
        }
        Told::Failed(message) => {
            eprintln!("{message}");
            Ok(End::Found)
        }
    }
}

pub async fn apply(database: &str, site: &Path) -> anyhow::Result<End> {
    let files = author::read(site)?;
    told(ask(database, Ask::Apply { files }).await?)
}

pub async fn plan(database: &str, site: &Path) -> anyhow::Result<End> {
    let files = author::read(site)?;
    let store = database::open_read_only(database).await?;
    let plan = revisions::plan(&*store, &files).await?;
    print!("{}", diagnostic::render_human(&plan.sources, &plan.diagnostics, color(&std::io::stdout())));
    for reason in &plan.reasons {
        println!("{reason}");
    }
    let Some(model) = plan.model else {
        eprintln!("apply would refuse it");
        return Ok(End::Found);
    };
    let now = store.revision_latest().await?;
    if now.as_ref().is_some_and(|r| r.hash == model.hash) {
        println!("nothing differs from what runs");
        return Ok(End::Good);
    }
    let files: Vec<vorgang_definitions::site::SiteFile> = now.map(|r| serde_json::from_str(&r.files)).transpose()?.unwrap_or_default();
    let old = vorgang_definitions::site::load(&files, &[]);
    for (name, process) in &model.processes {
        match old.model.as_ref().and_then(|m| m.processes.get(name)) {
            None => println!("process {name}: new"),
            Some(before) if before.hash != process.hash => {
                let tickets = store.tickets_on_process(&before.hash).await?;
                let on = if tickets.is_empty() {
                    "no ticket is on it".into()
                } else {
                    format!("under way and kept on the old one: {}", tickets.join(", "))
                };
                println!("process {name}: changed; {on}");
            }
            Some(_) => {}
        }
    }
    println!("apply would take it as a new revision");
    Ok(End::Found)
}

pub async fn user(database: &str, user: User) -> anyhow::Result<End> {
    match user {
        User::Add(fields) => {
            let login = fields.login.clone();
            let valid = !login.is_empty() && login.len() <= 60 && login.chars().all(|c| c.is_ascii_alphanumeric() || "._-@".contains(c));
            if !valid || *login == *vorgang_core::people::SYSTEM {
                eprintln!("a login has letters, digits and `._-@`, at most 60");
                return Ok(End::Usage);
            }
            told(ask(database, Ask::UserChange { login, patch: fields.patch() }).await?)
        }
        User::List => {
            let store = database::open_read_only(database).await?;
            for p in store.person_list().await?.iter().filter(|p| p.kind != PersonKind::System) {
                let active = if p.active { "" } else { "  (inactive)" };
                println!("{}  {}  {}  {}{active}", p.login, p.kind.word(), p.name, p.roles.join(","));
            }
            Ok(End::Good)
        }
        User::Link { login } => match ask(database, Ask::UserLink { login }).await? {
            Told::Good(link) => told(Told::Good(format!("/link/{link}"))),
            other => told(other),
        },
        User::Token { login } => told(ask(database, Ask::UserToken { login }).await?),
        User::Password { login } => {
            if std::io::stdin().is_terminal() {
                eprintln!("the password for {login}, then Enter and Ctrl-D:");
            }
            let mut password = String::new();
            std::io::stdin().take(10_000).read_to_string(&mut password).context("cannot read stdin")?;
            let password = password.trim_end_matches(['\r', '\n']).to_owned();
            let (min, max) = (accounts::PASSWORD_BYTES_MIN, accounts::PASSWORD_BYTES_MAX);
            if !(min..=max).contains(&password.len()) {
                eprintln!("a password has {min} to {max} bytes");
                return Ok(End::Usage);
            }
            told(ask(database, Ask::UserPassword { login, password }).await?)
        }
    }
}

pub async fn audit(database: &str, files: Option<&Path>, json: bool) -> anyhow::Result<End> {
    let store = database::open_read_only(database).await?;
    let report = audit::verify(&*store).await?;
    let outside = files.map(checkpoints::outside).transpose()?.flatten();
    let signed = checkpoints::verify(&*store, outside.as_ref()).await?;
    let (entries, log) = vorgang_runtime::security::verify(&*store).await?;
    let findings: Vec<&String> = report.findings.iter().chain(&signed.findings).chain(&log).collect();
    let mut limits: Vec<&str> = signed.notes.iter().map(String::as_str).collect();
    let erased = format!("{} rows have no content any more, so that what they made of their tickets is not compared", report.erased);
    if report.erased > 0 {
        limits.push(&erased);
    }
    if signed.checkpoints == 0 {
        limits.push("there is no checkpoint yet: a history that was cut off together with its ticket, or computed anew, cannot be seen");
    } else if outside.is_none() {
        limits.push("the file of checkpoints was not found: one that was removed from the end cannot be seen");
    }
    if json {
        let body = serde_json::json!({
            "version": 1, "rows": report.rows, "tickets": report.tickets, "erased": report.erased, "checkpoints": signed.checkpoints,
            "heads_signed": signed.heads, "log_entries": entries, "findings": findings, "notes": limits,
        });
        println!("{body:#}");
    } else {
        for finding in &findings {
            println!("{finding}");
        }
        println!("{} rows of {} tickets, {} checkpoints, {} findings", report.rows, report.tickets, signed.checkpoints, findings.len());
        for limit in limits {
            eprintln!("{limit}");
        }
    }
    Ok(if findings.is_empty() { End::Good } else { End::Found })
}

/// `vorgang audit log`
pub async fn security_log(database: &str, since: Option<Timestamp>, who: Option<&str>, json: bool) -> anyhow::Result<End> {
    const PAGE: u32 = 1_000;
    let store = database::open_read_only(database).await?;
    let (mut after, mut all) = (0, vec![]);
    loop {
        let page = store.security_list(since, who, after, PAGE).await?;
        for row in &page {
            let entry = security::entry_json(row);
            match json {
                true => all.push(entry),
                false => println!("{}  {}", entry["at"].as_str().unwrap_or_default(), line(row)),
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE as usize => after = last.id,
            _ => break,
        }
    }
    if json {
        println!("{:#}", serde_json::json!({"version": 1, "entries": all}));
    }
    Ok(End::Good)
}

/// An entry, after its time.
fn line(row: &LogRow) -> String {
    let shown = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    format!("{}  by {} ({})  {}  {}", row.event, shown(&row.actor), row.cause, shown(&row.about), row.details)
}
