//! Gauges for operators in the text format of Prometheus (0.0.4). Gauges of the whole site are told by one node only, so that
//! sums over nodes are right.

use crate::desk::Desk;
use jiff::Timestamp;
use std::fmt::Write;
use std::time::{Duration, Instant};
use vorgang_store::StoreError;
use vorgang_store::inbox::AccountState;
use vorgang_store::measures::{ALL, Figures, Unit};

/// Readers that come within this time are given the same figures.
const KEPT: Duration = Duration::from_secs(5);

/// A database that does not answer must not keep the metrics of the process from being read.
const PATIENCE: Duration = Duration::from_secs(2);

impl Desk {
    /// Gauges of this process and, on one node, of the site.
    pub async fn measures(&self) -> String {
        let mut text = String::new();
        let (used, all) = self.store.connections();
        gauge(
            &mut text,
            "vorgang_database_connections",
            "Connections of this process to the database",
            &[("state=\"used\"", used as f64), ("state=\"all\"", all as f64)],
        );
        let mut told = self.told.0.lock().await;
        if let Some((_, site)) = told.as_ref().filter(|(at, _)| at.elapsed() < KEPT) {
            return text + site;
        }
        let site = match tokio::time::timeout(PATIENCE, self.site_measures()).await {
            Ok(Ok(site)) => site,
            Ok(Err(e)) => {
                tracing::warn!("the figures of the site cannot be read: {e}");
                up(false)
            }
            Err(_) => up(false),
        };
        *told = Some((Instant::now(), site.clone()));
        text + &site
    }

    async fn site_measures(&self) -> Result<String, StoreError> {
        let mut text = up(true);
        if !self.store.lane("measures").await? {
            return Ok(text);
        }
        let now = self.clock.now();
        let (figures, accounts) = (self.store.figures(now).await?, self.store.account_states().await?);
        work(&mut text, &figures, now);
        gauge(&mut text, "vorgang_nodes", "Nodes of the site", &[("", self.store.others().await? as f64 + 1.0)]);
        gauge(&mut text, "vorgang_database_bytes", "Size of the database", &[("", figures.database_bytes as f64)]);
        if let Some(bytes) = figures.log_bytes {
            gauge(&mut text, "vorgang_log_bytes", "Size of the write-ahead log's file", &[("", bytes as f64)]);
        }
        mailboxes(&mut text, &accounts, now);
        Ok(text)
    }
}

fn up(is_up: bool) -> String {
    let mut text = String::new();
    gauge(&mut text, "vorgang_database_up", "Whether the database answers this process", &[("", f64::from(u8::from(is_up)))]);
    text
}

fn gauge(text: &mut String, name: &str, help: &str, values: &[(&str, f64)]) {
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n");
    for (labels, value) in values {
        sample(text, name, labels, *value);
    }
}

fn sample(text: &mut String, name: &str, labels: &str, value: f64) {
    let _ = match labels {
        "" => writeln!(text, "{name} {value}"),
        labels => writeln!(text, "{name}{{{labels}}} {value}"),
    };
}

fn seconds(since: Timestamp, now: Timestamp) -> f64 {
    now.duration_since(since).as_secs_f64().max(0.0)
}

fn work(text: &mut String, figures: &Figures, now: Timestamp) {
    let mut before = "";
    for (measure, value) in ALL.iter().zip(&figures.work) {
        let since = value.and_then(|micros| Timestamp::from_microsecond(micros).ok()).map(|at| seconds(at, now));
        let value = match measure.unit {
            Unit::Count => value.unwrap_or(0) as f64,
            Unit::Since => since.unwrap_or(0.0),
            Unit::Age => match since {
                Some(age) => age,
                None => continue,
            },
        };
        if measure.name != before {
            gauge(text, measure.name, measure.help, &[]);
            before = measure.name;
        }
        sample(text, measure.name, measure.labels, value);
    }
}

/// Each mailbox and mail server: since when it has answered, or not.
fn mailboxes(text: &mut String, accounts: &[(String, AccountState)], now: Timestamp) {
    let label = |name: &str| format!("account=\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"));
    let is_good = |state: &AccountState| state.bad.as_ref().is_none_or(|(bad, _)| state.good.is_some_and(|good| good > *bad));
    gauge(text, "vorgang_mail_account_up", "Whether the account's server answered as it should when it was last asked", &[]);
    for (name, state) in accounts {
        sample(text, "vorgang_mail_account_up", &label(name), f64::from(u8::from(is_good(state))));
    }
    gauge(text, "vorgang_mail_account_silent_seconds", "How long ago the account's server last answered as it should", &[]);
    for (name, good) in accounts.iter().filter_map(|(name, state)| Some((name, state.good?))) {
        sample(text, "vorgang_mail_account_silent_seconds", &label(name), seconds(good, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_told_as_prometheus_reads_them() {
        let now: Timestamp = "2026-11-30T12:00:00Z".parse().expect("a time");
        let mut figures = Figures { work: vec![None; ALL.len()], ..Figures::default() };
        let at = |name: &str| ALL.iter().position(|m| m.name == name).expect("a measure");
        figures.work[at("vorgang_outbox_mails")] = Some(7);
        figures.work[at("vorgang_timers_delay_seconds")] = Some(now.as_microsecond() - 90_500_000);
        let mut text = String::new();
        work(&mut text, &figures, now);
        for line in [
            "# TYPE vorgang_outbox_mails gauge",
            "vorgang_outbox_mails{state=\"due\"} 7",
            "vorgang_outbox_mails{state=\"held\"} 0",
            "vorgang_timers_delay_seconds 90.5",
            "vorgang_outbox_delay_seconds 0",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("vorgang_backup_age"), "there is no backup that has an age");
        assert_eq!(text.matches("# TYPE vorgang_outbox_mails ").count(), 1);
        let bad =
            AccountState { good: Some(now), bad: Some((now + jiff::SignedDuration::from_secs(1), "no".into())), ..Default::default() };
        let mut text = String::new();
        mailboxes(&mut text, &[("a\"b\\c".into(), bad)], now);
        assert!(text.contains("vorgang_mail_account_up{account=\"a\\\"b\\\\c\"} 0\n"), "{text}");
    }
}
