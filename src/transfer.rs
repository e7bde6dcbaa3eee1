//! `vorgang copy`, `backup`, `restore`.

use crate::database::{self, Place};
use crate::protocol::Ask;
use crate::seal::{Seal, read_seal, seal};
use crate::{End, control};
use anyhow::{Context, bail};
use async_trait::async_trait;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::path::{Path, PathBuf};
use std::time::Duration;
use vorgang_runtime::transfer::{Moved, Progress, transfer};
use vorgang_runtime::{audit, checkpoints};
use vorgang_schema::tables::{TABLES, Table};
use vorgang_store::checkpoints::Backup;
use vorgang_store::files::Shelf;
use vorgang_store::transfer::{Cell, Row, Source, Target};
use vorgang_store::{Store, StoreError};
use vorgang_store_postgres::{PostgresSource, PostgresTarget};
use vorgang_store_sqlite::{SqliteSource, SqliteTarget};

/// The table of attachments.
const BLOB: &str = "blob";

/// How often it is looked whether nodes are gone: for about twelve seconds.
const GONE_LOOKS: u32 = 24;

async fn source(place: &Place, shelf: Option<Shelf>) -> anyhow::Result<Box<dyn Source>> {
    let opened: Result<Box<dyn Source>, StoreError> = match place {
        Place::File(path) => SqliteSource::open(path).map(|s| Box::new(s) as _),
        Place::Server(url) => PostgresSource::open(url).await.map(|s| Box::new(s) as _),
    };
    match opened {
        Ok(source) => Ok(Box::new(WithFiles::new(source, shelf).await?)),
        Err(StoreError::NotFound) => bail!("there is no database {}", place.shown()),
        Err(e) => Err(database::why(e)).with_context(|| format!("cannot read {}", place.shown())),
    }
}

/// A database with the large attachments that lie outside it: one table for whoever reads.
struct WithFiles {
    inner: Box<dyn Source>,
    files: Option<(Shelf, Vec<String>)>,
}

impl WithFiles {
    async fn new(inner: Box<dyn Source>, shelf: Option<Shelf>) -> anyhow::Result<Self> {
        let Some(shelf) = shelf else { return Ok(Self { inner, files: None }) };
        let all = shelf.list().await.map_err(database::why)?;
        Ok(Self { inner, files: Some((shelf, all)) })
    }
}

#[async_trait]
impl Source for WithFiles {
    async fn count(&mut self, table: &Table) -> Result<u64, StoreError> {
        let outside = self.files.as_ref().filter(|_| table.name == BLOB).map_or(0, |(_, all)| all.len() as u64);
        Ok(self.inner.count(table).await? + outside)
    }

    async fn rows(&mut self, table: &Table, after: Option<&[Cell]>, limit: u32) -> Result<Vec<Row>, StoreError> {
        let mut rows = self.inner.rows(table, after, limit).await?;
        let Some((files, all)) = self.files.as_ref().filter(|_| table.name == BLOB) else { return Ok(rows) };
        let begin = match after {
            Some([Cell::Text(hash), ..]) => all.partition_point(|h| h <= hash),
            _ => 0,
        };
        for hash in all[begin..].iter().take(limit as usize) {
            if let Some(bytes) = files.get(hash).await? {
                rows.push(vec![Cell::Text(hash.clone()), Cell::Bytes(bytes)]);
            }
        }
        let hash = |row: &Row| if let Some(Cell::Text(hash)) = row.first() { hash.clone() } else { String::new() };
        rows.sort_by_key(hash);
        rows.dedup_by_key(|row| hash(row));
        rows.truncate(limit as usize);
        Ok(rows)
    }
}

async fn target(place: &Place) -> anyhow::Result<Box<dyn Target>> {
    let opened: Result<Box<dyn Target>, StoreError> = match place {
        Place::File(path) => SqliteTarget::open(path).map(|s| Box::new(s) as _),
        Place::Server(url) => PostgresTarget::open(url).await.map(|s| Box::new(s) as _),
    };
    opened.map_err(database::why).with_context(|| format!("cannot copy into {}", place.shown()))
}

/// Moves everything, with a bar on a terminal.
async fn moved(from: &Place, shelf: Option<Shelf>, to: &Place, restores: bool) -> anyhow::Result<Moved> {
    let (mut source, mut target) = (source(from, shelf).await?, target(to).await?);
    let style = ProgressStyle::with_template("{msg:18} {bar:40} {pos}/{len} ({per_second}, {eta})")?;
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()).with_style(style);
    let mut told = |p: Progress| {
        bar.set_length(p.all);
        bar.set_position(p.done);
        bar.set_message(p.table.to_owned());
    };
    let moved = transfer(&mut *source, &mut *target, restores, &mut told).await;
    bar.finish_and_clear();
    moved.map_err(database::why)
}

/// Everything into a new file. Of a SQLite file first all its pages, then what lies outside.
async fn backed_up(from: &Place, shelf: Option<Shelf>, part: &Path) -> anyhow::Result<Moved> {
    let Place::File(path) = from else { return moved(from, shelf, &Place::File(part.to_owned()), false).await };
    let bar = ProgressBar::new_spinner().with_message("copying the database");
    bar.enable_steady_tick(Duration::from_millis(120));
    if !path.exists() {
        bail!("there is no database {}", from.shown());
    }
    let (from_path, to_path) = (path.clone(), part.to_owned());
    let copied = tokio::task::spawn_blocking(move || SqliteSource::open(&from_path)?.copy_to(&to_path)).await?;
    let mut target = copied.map_err(database::why).with_context(|| format!("cannot copy {}", from.shown()))?;
    let all = async {
        if let Some(shelf) = &shelf {
            bar.set_message("copying attachments");
            for hash in shelf.list().await? {
                if let Some(bytes) = shelf.get(&hash).await? {
                    target.add_blob(&hash, &bytes)?;
                }
            }
        }
        let mut moved = Moved { missing: target.missing().await?, ..Moved::default() };
        for table in TABLES {
            match table.name {
                "ticket" => moved.tickets = target.count(table).await?,
                "history" => moved.history = target.count(table).await?,
                _ => {}
            }
        }
        Ok::<_, StoreError>(moved)
    };
    let moved = all.await.map_err(database::why);
    bar.finish_and_clear();
    moved
}

/// The chain of the history, in a database that nobody else writes to.
async fn verified(place: &Place) -> anyhow::Result<audit::Report> {
    let bar = ProgressBar::new_spinner().with_message("verifying the history");
    bar.enable_steady_tick(Duration::from_millis(120));
    let store = database::read_only(place).await?;
    let mut report = audit::verify(&*store).await?;
    report.findings.extend(checkpoints::verify(&*store, None).await?.findings);
    bar.finish_and_clear();
    Ok(report)
}

/// Attachments that did not come along.
fn missing(moved: &Moved) -> bool {
    if moved.missing > 0 {
        println!("{} attachments are not in it: name the folder where they lie with --files", moved.missing);
    }
    moved.missing > 0
}

fn findings(report: &audit::Report) {
    report.findings.iter().for_each(|f| println!("{f}"));
}

pub async fn copy(from: &str, shelf: Option<Shelf>, to: &str) -> anyhow::Result<End> {
    let (from, to) = (database::place(from)?, database::place(to)?);
    if from.shown() == to.shown() {
        eprintln!("source and target are the same database");
        return Ok(End::Usage);
    }
    // Nobody writes to the source meanwhile; it has the newest version afterwards.
    match &from {
        Place::File(path) if !path.exists() => bail!("there is no database {}", from.shown()),
        Place::File(_) => {}
        Place::Server(_) => drop(database::read_only(&from).await?),
    }
    let held = database::open_place(&from, None).await?;
    let result = copy_held(&*held, &from, shelf, &to).await;
    held.leave().await;
    result
}

async fn copy_held(held: &dyn Store, from: &Place, shelf: Option<Shelf>, to: &Place) -> anyhow::Result<End> {
    let mut others = held.others().await?;
    // One that was killed counts until it is taken for dead.
    for _ in 0..GONE_LOOKS {
        if others == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        others = held.others().await?;
    }
    if others > 0 {
        bail!("{others} nodes use {}; stop them first, so that nothing is written that is not copied", from.shown());
    }
    let moved = moved(from, shelf, to, false).await?;
    let report = verified(to).await?;
    findings(&report);
    let went_on = if moved.went_on { " (gone on where it was cut)" } else { "" };
    println!("copied {} rows: {} tickets, {} rows of the history{went_on}", moved.rows, moved.tickets, moved.history);
    println!("verified: {} rows of {} tickets, {} findings", report.rows, report.tickets, report.findings.len());
    Ok(if report.findings.is_empty() && !missing(&moved) { End::Good } else { End::Found })
}

pub async fn backup(database: &str, shelf: Option<Shelf>, file: &Path, verify: bool) -> anyhow::Result<End> {
    let from = database::place(database)?;
    if file.exists() {
        eprintln!("{} exists already; a backup overwrites nothing", file.display());
        return Ok(End::Usage);
    }
    let part = PathBuf::from(format!("{}.part", file.display()));
    let _ = std::fs::remove_file(&part);
    let to = Place::File(part.clone());
    let made = backed_up(&from, shelf, &part).await;
    let made = match made {
        Ok(made) => made,
        Err(e) => {
            remove(&part);
            return Err(e);
        }
    };
    let report = if verify { Some(verified(&to).await?) } else { None };
    // Other names of the database that looking at it has made.
    remove_beside(&part);
    seal(&part)?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&part, mode).with_context(|| format!("cannot write {}", part.display()))?;
    std::fs::rename(&part, file).with_context(|| format!("cannot write {}", file.display()))?;
    let folder = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder).and_then(|f| f.sync_all()).with_context(|| format!("cannot write {}", folder.display()))?;
    let bytes = std::fs::metadata(file)?.len();
    let good = report.as_ref().is_some_and(|r| r.findings.is_empty()) && made.missing == 0;
    println!("{}: {} tickets, {} rows of the history, {bytes} bytes", file.display(), made.tickets, made.history);
    match &report {
        Some(report) => {
            findings(report);
            println!("verified: {} rows of {} tickets, {} findings", report.rows, report.tickets, report.findings.len());
        }
        None => eprintln!("not verified: `vorgang restore --verify {}` does it", file.display()),
    }
    let shown = std::path::absolute(file).unwrap_or(file.to_owned()).display().to_string();
    let note = Backup { at: jiff::Timestamp::now(), file: shown, bytes, history: made.history, verified: good };
    control::ask(database, Ask::BackupMade { at: note.at, file: note.file, bytes, history: note.history, verified: good }).await?;
    Ok(if missing(&made) || report.is_some_and(|r| !r.findings.is_empty()) { End::Found } else { End::Good })
}

fn remove(part: &Path) {
    let _ = std::fs::remove_file(part);
    remove_beside(part);
}

fn remove_beside(part: &Path) {
    for end in ["-wal", "-shm", ".lock"] {
        let _ = std::fs::remove_file(format!("{}{end}", part.display()));
    }
}

/// Into an empty database, or, to verify it, into a place that goes afterwards.
pub async fn restore(database: &str, file: &Path, verify: bool) -> anyhow::Result<End> {
    if !file.exists() {
        bail!("there is no file {}", file.display());
    }
    let whole = match read_seal(file)? {
        Seal::Whole => true,
        Seal::Broken => {
            println!("{} is not what was written: something has changed bits in it", file.display());
            false
        }
        Seal::None => {
            eprintln!("{} has no seal: whether a bit has changed in it is not known", file.display());
            true
        }
    };
    // One of an older version is brought up in a copy: the backup stays what it is.
    let older = SqliteSource::is_older(file);
    let copy = std::env::temp_dir().join(format!("vorgang-older-{}.db", std::process::id()));
    if older {
        std::fs::copy(file, &copy).with_context(|| format!("cannot copy {}", file.display()))?;
        drop(database::open_place(&Place::File(copy.clone()), None).await?);
    }
    let restored = restored(database, file, &Place::File(if older { copy.clone() } else { file.to_owned() }), verify).await;
    remove(&copy);
    // What is left of a damaged one may be all that there is.
    Ok(if whole { restored? } else { restored.map(|_| End::Found)? })
}

async fn restored(database: &str, file: &Path, from: &Place, verify: bool) -> anyhow::Result<End> {
    if verify {
        let scratch = std::env::temp_dir().join(format!("vorgang-restore-{}.db", std::process::id()));
        let to = Place::File(scratch.clone());
        let restored = async { Ok::<_, anyhow::Error>((moved(from, None, &to, true).await?, verified(&to).await?)) }.await;
        remove(&scratch);
        let (moved, report) = restored.with_context(|| format!("{} cannot be restored", file.display()))?;
        findings(&report);
        println!(
            "{} can be restored: {} tickets, {} rows of the history, {} findings",
            file.display(),
            moved.tickets,
            moved.history,
            report.findings.len()
        );
        return Ok(if report.findings.is_empty() { End::Good } else { End::Found });
    }
    let to = database::place(database)?;
    let moved = moved(from, None, &to, true).await?;
    let report = verified(&to).await?;
    findings(&report);
    println!(
        "restored into {}: {} tickets, {} rows of the history, {} findings",
        to.shown(),
        moved.tickets,
        moved.history,
        report.findings.len()
    );
    if moved.held > 0 {
        eprintln!(
            "{} mails that were still to be sent are held: since the backup they may have gone out; release them in the portal",
            moved.held
        );
    }
    Ok(if report.findings.is_empty() { End::Good } else { End::Found })
}
