//! `vorgang sweep`: attachments that nobody names any more.

use crate::{End, database};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, SystemTime};
use vorgang_core::ids::TicketId;
use vorgang_store::files::Folder;
use vorgang_store::{Store, StoreError};

/// Rows of the history that are read at once.
const ROWS: u32 = 2_000;
const DAY: Duration = Duration::from_hours(24);

/// Removes files that were last written so many days ago and that no row of the history names: what is left of a commit that
/// never came, or of content that was erased. Backups bring their own.
pub async fn sweep(url: &str, folder: Option<&Path>, days: u32, dry_run: bool) -> anyhow::Result<End> {
    let Some(folder) = folder else {
        eprintln!("name the folder of files with --files");
        return Ok(End::Usage);
    };
    let store = database::open_read_only(url).await?;
    let files = Folder::new(folder);
    let before = SystemTime::now() - DAY * days;
    let mut unused: BTreeSet<String> = files.older(before).into_iter().collect();
    let looked = unused.len();
    if looked > 0 {
        keep_named(&*store, &mut unused).await.map_err(database::why)?;
    }
    let mut bytes = 0;
    for hash in &unused {
        if dry_run {
            println!("{hash}");
        } else {
            bytes += files.remove(hash, before).map_err(database::why)?;
        }
    }
    let done = if dry_run { "would go".to_owned() } else { format!("removed, {bytes} bytes") };
    println!("{looked} files are older than {days} days; {} that nobody names {done}", unused.len());
    Ok(End::Good)
}

/// Whatever was ever committed stands in the history with its hash, or is a mail of the log.
async fn keep_named(store: &dyn Store, unused: &mut BTreeSet<String>) -> Result<(), StoreError> {
    let mut before = None;
    loop {
        let rows = store.inbox_list(None, ROWS, before).await?;
        let Some(last) = rows.last() else { break };
        before = Some(last.id);
        for row in &rows {
            unused.remove(&row.blob);
        }
    }
    let mut after = (TicketId(0), 0);
    loop {
        let rows = store.history_scan(after, ROWS).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = (last.ticket, last.version);
        for text in rows.iter().flat_map(|r| [Some(&r.events), r.personal.as_ref()]).flatten() {
            for word in text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| w.len() == 64) {
                unused.remove(word);
            }
        }
    }
}
