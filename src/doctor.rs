//! `vorgang doctor`: what an administrator should know before it hurts.

use crate::database::{self, Outside, Place};
use crate::{End, color, serve};
use jiff::{SignedDuration, Timestamp};
use std::path::Path;
use vorgang_core::filter::Filter;
use vorgang_runtime::checkpoints;
use vorgang_store::Store;
use vorgang_store::deliveries::DeliveryState;
use vorgang_store::files::Shelf;
use vorgang_store::health::{Level, Sign};

/// Less free space is bad, in bytes; less than ten times that is worth a word.
const FREE_MIN: u64 = 200_000_000;
const BACKUP_AGE: SignedDuration = SignedDuration::from_hours(26);
const CHECKPOINT_AGE: SignedDuration = SignedDuration::from_hours(3);
/// History that is further in the future was written under a wrong clock.
const FUTURE: SignedDuration = SignedDuration::from_mins(2);

pub async fn doctor(url: &str, outside: &Outside, mail: &serve::MailOptions, json: bool) -> anyhow::Result<End> {
    let place = database::place(url)?;
    let store = database::read_only(&place).await?;
    let mut signs = store.examine().await?;
    let files = outside.folder.as_deref();
    signs.extend(space(&place, files));
    signs.extend(desk(&*store).await?);
    signs.extend(history(&*store, files).await?);
    if let Some(shelf) = &outside.shelf {
        signs.push(attachments(shelf).await);
    }
    signs.push(backups(&*store).await?);
    signs.push(mail_server(mail).await);
    let worst = signs.iter().map(|s| s.level as u8).max().unwrap_or(0);
    if json {
        println!("{:#}", serde_json::json!({"version": 1, "signs": signs}));
    } else {
        let colored = color(&std::io::stdout());
        for sign in &signs {
            let (word, code) = match sign.level {
                Level::Good => ("good", "32"),
                Level::Warning => ("look", "33"),
                Level::Bad => ("BAD ", "31"),
            };
            let word = if colored { format!("\x1b[{code}m{word}\x1b[0m") } else { word.to_owned() };
            println!("{word}  {:<12} {}", sign.area, sign.text);
        }
    }
    Ok(if worst == Level::Bad as u8 { End::Found } else { End::Good })
}

fn space(place: &Place, files: Option<&Path>) -> Vec<Sign> {
    let mut folders = vec![];
    if let Place::File(path) = place {
        folders.push(path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned());
    }
    folders.extend(files.filter(|f| f.exists()).map(Path::to_owned));
    let sign = |folder: &Path| match rustix::fs::statvfs(folder) {
        Ok(fs) => {
            let free = fs.f_bavail * fs.f_frsize;
            let level = if free < FREE_MIN { Level::Bad } else { Level::Warning };
            let text = format!("{} GB free in {}", free / 1_000_000_000, folder.display());
            Sign::judged(
                "space",
                free >= FREE_MIN * 10,
                level,
                text,
                format!("only {} MB are free in {}", free / 1_000_000, folder.display()),
            )
        }
        Err(e) => Sign::new("space", Level::Warning, format!("{}: {e}", folder.display())),
    };
    folders.iter().map(|f| sign(f)).collect()
}

async fn desk(store: &dyn Store) -> anyhow::Result<Vec<Sign>> {
    let revision = match store.revision_latest().await? {
        Some(r) => {
            Sign::new("definitions", Level::Good, format!("revision {}, applied {} by {}", r.id, r.applied.strftime("%F %R"), r.actor))
        }
        None => Sign::new("definitions", Level::Bad, "none was applied yet: `vorgang apply SITE`"),
    };
    let incidents = store.incident_list(&Filter::All, 1_000).await?.len();
    let (failed, held) = (store.delivery_count(DeliveryState::Failed).await?, store.delivery_count(DeliveryState::Held).await?);
    Ok(vec![
        revision,
        Sign::judged("incidents", incidents == 0, Level::Warning, "none", format!("{incidents} wait for a person")),
        Sign::judged("outbox", failed + held == 0, Level::Warning, "nothing failed", format!("{failed} mails failed, {held} are held")),
    ])
}

async fn history(store: &dyn Store, files: Option<&Path>) -> anyhow::Result<Vec<Sign>> {
    let now = Timestamp::now() + store.skew();
    let outside = files.map(checkpoints::outside).transpose()?.flatten();
    let latest = store.checkpoint_latest(1).await?.into_iter().next();
    let report = checkpoints::verify(store, outside.as_ref()).await?;
    let level = if report.findings.is_empty() { Level::Warning } else { Level::Bad };
    let text = match (&latest, report.findings.first()) {
        (_, Some(first)) => format!("{} findings, the first: {first}; see `vorgang audit verify`", report.findings.len()),
        (None, _) => "no signed checkpoint yet: what is cut from the history's end cannot be seen".to_owned(),
        (Some(_), None) if outside.is_none() => "the file of checkpoints was not found: name its folder with --files".to_owned(),
        (Some(c), None) => format!("the last signed checkpoint is of {}", c.at.strftime("%F %R")),
    };
    let good =
        latest.as_ref().is_some_and(|c| now.duration_since(c.at) < CHECKPOINT_AGE && outside.is_some()) && report.findings.is_empty();
    let newest = store.ticket_newest_change().await?;
    let ahead = newest.is_some_and(|t| t > now + FUTURE);
    let schedules = store.jobs_ahead(now + FUTURE).await?;
    let schedules: Vec<String> = schedules.iter().map(|(job, seen)| format!("`{job}` until {}", seen.strftime("%F %R"))).collect();
    let far = newest.map_or(String::new(), |t| {
        format!("the newest history is of {}, which this clock has not reached: set it right before serving", t.strftime("%F %R"))
    });
    Ok(vec![
        Sign::judged("history", good, level, text.clone(), text),
        Sign::judged("time", !ahead, Level::Bad, "nothing was written in the future", far),
        Sign::judged(
            "schedules",
            schedules.is_empty(),
            Level::Warning,
            "none was looked at in the future",
            format!("looked at in the future: {}; they go on from the clock of now", schedules.join(", ")),
        ),
    ])
}

/// Every file is read: whether it is still what was written.
async fn attachments(shelf: &Shelf) -> Sign {
    let all = match shelf.list().await {
        Ok(all) => all,
        Err(e) => return Sign::new("attachments", Level::Bad, database::why(e).to_string()),
    };
    let mut bad = vec![];
    for hash in &all {
        bad.extend(shelf.get(hash).await.err().map(|e| e.to_string()));
    }
    let text = bad.first().map_or(String::new(), |first| format!("{} of {} are damaged: {first}", bad.len(), all.len()));
    Sign::judged("attachments", bad.is_empty(), Level::Bad, format!("{} files, each what was written", all.len()), text)
}

async fn backups(store: &dyn Store) -> anyhow::Result<Sign> {
    let Some(last) = store.backup_latest().await? else {
        return Ok(Sign::new("backup", Level::Warning, "none that was verified: `vorgang backup FILE`"));
    };
    let age = Timestamp::now().duration_since(last.at);
    let text = format!("the last verified one is of {}, {} rows of the history, {}", last.at.strftime("%F %R"), last.history, last.file);
    Ok(Sign::judged("backup", age < BACKUP_AGE, Level::Warning, text.clone(), text))
}

async fn mail_server(options: &serve::MailOptions) -> Sign {
    match options.smtp() {
        Ok(None) => Sign::new("mail", Level::Warning, "no server is named (--mail-url): nothing is sent"),
        Ok(Some(smtp)) => match smtp.check().await {
            Ok(()) => Sign::new("mail", Level::Good, "the server takes mail"),
            Err(e) => Sign::new("mail", Level::Bad, e),
        },
        Err(e) => Sign::new("mail", Level::Bad, format!("{e:#}")),
    }
}
