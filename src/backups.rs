//! Backups that the server makes by itself: one a day into a folder, each read back and restored on trial, the newest of them kept.
//!
//! Each is made by the commands that an operator would call, in a process of its own: what it needs of memory ends with it, and a
//! fault in it is none of the server's.

use crate::database::Place;
use anyhow::{Context, bail};
use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use vorgang_runtime::Desk;

/// How often it is looked whether a backup is due.
const LOOK: Duration = Duration::from_secs(60);
/// The pause after a failure.
const AGAIN: SignedDuration = SignedDuration::from_hours(1);
/// The times in the names of files, in UTC.
const STAMP: &str = "%Y%m%dT%H%M%SZ";

#[derive(clap::Args)]
pub struct BackupOptions {
    /// Makes a backup each day into this folder, reads it back, and restores it on trial.
    #[arg(long, env = "VORGANG_BACKUPS", value_name = "DIR")]
    backups: Option<PathBuf>,
    /// The time of day, in the site's zone.
    #[arg(long, env = "VORGANG_BACKUP_AT", default_value = "02:00", value_name = "HH:MM", requires = "backups", value_parser = time_of_day)]
    backup_at: Time,
    /// So many are kept; older ones go once a newer one is good.
    #[arg(long, env = "VORGANG_BACKUP_KEEP", default_value_t = 14, value_name = "N", requires = "backups", value_parser = clap::value_parser!(u16).range(1..))]
    backup_keep: u16,
}

fn time_of_day(text: &str) -> Result<Time, String> {
    Time::strptime("%H:%M", text).map_err(|_| format!("`{text}` is no time of day, such as 02:00"))
}

/// Where the backups are, and how they are called.
struct Backups {
    folder: PathBuf,
    at: Time,
    keep: usize,
    site: String,
}

impl BackupOptions {
    /// Runs until it is aborted; at once where no folder is named.
    pub async fn run_lane(self, desk: Arc<Desk>, place: Place, files: Option<PathBuf>, attachments: Option<String>) {
        let Some(folder) = self.backups else { return };
        let site = desk.model().names.site.name.to_string();
        let backups = Backups { folder, at: self.backup_at, keep: self.backup_keep.into(), site };
        let mut not_before = Timestamp::MIN;
        loop {
            let now = desk.clock.now();
            let zone = desk.model().names.site.zone.0.clone();
            let newest = backups.all().into_iter().next_back().map(|(at, _)| at);
            if now >= not_before && due(now, newest, backups.at, &zone) && desk.store.lane("backups").await.unwrap_or(false) {
                match backups.make(now, &place, files.as_deref(), attachments.as_deref()).await {
                    Ok(file) => tracing::info!("backup made and restored on trial: {}", file.display()),
                    Err(e) => {
                        tracing::error!("the backup failed, and is tried again in an hour: {e:#}");
                        not_before = now + AGAIN;
                    }
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// Is there no backup since the last time at which one was to be made?
fn due(now: Timestamp, newest: Option<Timestamp>, at: Time, zone: &TimeZone) -> bool {
    let Some(newest) = newest else { return true };
    let local = now.to_zoned(zone.clone());
    let on = |day: jiff::civil::Date| day.to_datetime(at).to_zoned(zone.clone()).map(|z| z.timestamp());
    let today = on(local.date());
    let last = match today {
        Ok(today) if today <= now => Ok(today),
        _ => local.date().checked_sub(1.day()).and_then(on),
    };
    last.is_ok_and(|last| newest < last)
}

impl Backups {
    /// Ours, the oldest first. Other files in the folder are left alone.
    fn all(&self) -> Vec<(Timestamp, PathBuf)> {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return vec![] };
        let own = |path: PathBuf| {
            let name = path.file_name()?.to_str()?;
            let stamp = name.strip_prefix(&self.site)?.strip_prefix('-')?.strip_suffix(".backup")?;
            let at = jiff::civil::DateTime::strptime(STAMP, stamp).ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp();
            Some((at, path))
        };
        let mut all: Vec<_> = entries.flatten().filter_map(|e| own(e.path())).collect();
        all.sort();
        all
    }

    async fn make(&self, now: Timestamp, place: &Place, files: Option<&Path>, attachments: Option<&str>) -> anyhow::Result<PathBuf> {
        vorgang_store::files::private_folder(&self.folder).with_context(|| format!("cannot make {}", self.folder.display()))?;
        let file = self.folder.join(format!("{}-{}.backup", self.site, now.strftime(STAMP)));
        let own = || {
            let mut command = tokio::process::Command::new(std::env::current_exe()?);
            command.env("VORGANG_DATABASE", place.url()).env("NO_COLOR", "1").env_remove("VORGANG_CONFIG");
            command.envs(files.map(|f| ("VORGANG_FILES", f)));
            command.envs(attachments.map(|a| ("VORGANG_ATTACHMENTS", a)));
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
            std::io::Result::Ok(command)
        };
        let run = async |what: &str, command: &mut tokio::process::Command| {
            let output = command.output().await.with_context(|| format!("{what} could not be started"))?;
            let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().replace('\n', "; ");
            if !output.status.success() {
                bail!("{what}: {} {}", said(&output.stdout), said(&output.stderr));
            }
            anyhow::Ok(())
        };
        let made = run("backup", own()?.arg("backup").arg(&file)).await;
        let restored = match made {
            Ok(()) => run("restore --verify", own()?.arg("restore").arg("--verify").arg(&file)).await,
            Err(e) => Err(e),
        };
        if let Err(e) = restored {
            // It does not count as one, and is there to be looked at.
            let _ = std::fs::rename(&file, file.with_extension("bad"));
            return Err(e);
        }
        let all = self.all();
        for (_, old) in all.iter().take(all.len().saturating_sub(self.keep)) {
            std::fs::remove_file(old).with_context(|| format!("cannot remove {}", old.display()))?;
        }
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_due_once_a_day_at_its_time() {
        let zone = TimeZone::get("Europe/Berlin").expect("a zone");
        let at = jiff::civil::time(2, 30, 0, 0);
        let time = |text: &str| text.parse::<Timestamp>().expect("a time");
        let is_due = |now: &str, newest: Option<&str>| due(time(now), newest.map(time), at, &zone);
        assert!(is_due("2026-03-10T12:00:00+01:00", None), "there is none");
        assert!(!is_due("2026-03-10T12:00:00+01:00", Some("2026-03-10T02:30:01+01:00")));
        assert!(!is_due("2026-03-11T02:29:59+01:00", Some("2026-03-10T02:30:01+01:00")));
        assert!(is_due("2026-03-11T02:30:00+01:00", Some("2026-03-10T02:30:01+01:00")));
        assert!(is_due("2026-03-14T00:00:00+01:00", Some("2026-03-10T02:30:01+01:00")), "a missed backup is made up for");
        // In the night to the 29th there is no half past two; in the night to 25 October there are two.
        assert!(is_due("2026-03-29T03:30:00+02:00", Some("2026-03-28T02:30:01+01:00")));
        assert!(!is_due("2026-03-30T02:29:00+02:00", Some("2026-03-29T03:30:01+02:00")));
        assert!(is_due("2026-10-25T02:30:00+02:00", Some("2026-10-24T02:30:01+02:00")));
        assert!(!is_due("2026-10-25T02:30:00+01:00", Some("2026-10-25T02:30:01+02:00")));
    }
}
