//! Compares what callers know with what is there. The database's rows, the files, the mails that were taken and the runs of the
//! program are counted without asking the system.

use super::journal::{Deed, Journal, Outcome};
use super::scene::{MANAGERS, Mails, Scene};
use crate::common::{Folder, request, run};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use vorgang_testbed::psql;

/// Longest time until everything that was set off has ended.
const REST: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(300);
/// A ticket that is older was there when the job ran.
const JOB_EVERY: Duration = Duration::from_secs(75);

/// Something that is not as it was acknowledged.
#[derive(Debug)]
pub struct Finding {
    /// When it was acknowledged; `None` for what nobody was told.
    pub at: Option<Instant>,
    pub text: String,
}

/// Result of the comparison.
pub struct Verdict {
    pub acknowledged: usize,
    /// Requests that had to be asked again.
    pub again: u64,
    pub violations: Vec<String>,
}

impl Verdict {
    /// Says how it went, and fails where something was lost or doubled, or too little was done to prove anything.
    pub fn tell(&self, row: &str, recoveries: &[Duration]) {
        let worst = recoveries.iter().max().copied().unwrap_or_default();
        let result = if self.violations.is_empty() { "PASS" } else { "FAIL" };
        println!(
            "{result} {row}: {} faults, {} operations acknowledged, {} violations, worst recovery {worst:.1?}",
            recoveries.len(),
            self.acknowledged,
            self.violations.len()
        );
        assert!(self.violations.is_empty(), "{row}: {:#?}", self.violations.iter().take(50).collect::<Vec<_>>());
        assert!(self.acknowledged > 30, "too little was acknowledged to prove anything");
    }
}

/// Compares the journal with what is there, once all has come to rest, and the history with the rows.
pub fn judge(folder: &Folder, address: &str, scene: &Scene, mut journal: Journal) -> Verdict {
    let mut violations = std::mem::take(&mut journal.violations);
    // Another node may be back already, while the one that is asked is not.
    let begun = Instant::now();
    while request(address, "GET", "/readyz", &[], b"").is_none_or(|a| a.status != 200) {
        assert!(begun.elapsed() < REST, "{address} does not come back");
        std::thread::sleep(PAUSE);
    }
    violations.extend(findings(folder, scene, &journal).into_iter().map(|f| f.text));
    let (code, out, err) = run(&folder.0, &["audit", "verify", "--format", "json"]);
    if code != 0 {
        violations.push(format!("the history: {out}{err}"));
    }
    if !violations.is_empty() {
        println!("what servers told: {:#?}", folder.errors().iter().take(20).collect::<Vec<_>>());
    }
    Verdict { acknowledged: journal.done.len(), again: journal.again, violations }
}

/// Differences that remain after everything that was set off had time to end.
pub fn findings(folder: &Folder, scene: &Scene, journal: &Journal) -> Vec<Finding> {
    let begun = Instant::now();
    loop {
        let found = There::look(folder, scene).compare(journal);
        if found.is_empty() || begun.elapsed() > REST {
            return found;
        }
        std::thread::sleep(PAUSE);
    }
}

/// The longest time from the commit that wrote a mail to its end.
pub fn longest_wait_of_a_mail(folder: &Folder) -> Duration {
    let row = rows(folder, "SELECT max(done - created) AS longest FROM delivery WHERE state = 'sent'").remove(0);
    Duration::from_micros(row["longest"].as_u64().unwrap_or_default())
}

/// Rows of the database, as JSON objects, past the server.
fn rows(folder: &Folder, sql: &str) -> Vec<Json> {
    let url = folder.counted();
    if url.starts_with("postgres") {
        let text = psql(&url, &format!("SELECT coalesce(json_agg(q), '[]') FROM ({sql}) q"));
        return serde_json::from_str(&text).expect("rows");
    }
    let c = rusqlite::Connection::open(&url).expect("the database");
    let mut statement = c.prepare(sql).expect("a query");
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let row = |r: &rusqlite::Row| {
        let value = |at: usize| {
            r.get::<_, rusqlite::types::Value>(at).map(|v| match v {
                rusqlite::types::Value::Integer(i) => Json::from(i),
                rusqlite::types::Value::Text(t) => Json::from(t),
                _ => Json::Null,
            })
        };
        names.iter().enumerate().map(|(at, name)| Ok((name.clone(), value(at)?))).collect::<Result<serde_json::Map<_, _>, _>>()
    };
    let rows = statement.query_map([], row).and_then(Iterator::collect::<Result<Vec<_>, _>>).expect("rows");
    rows.into_iter().map(Json::Object).collect()
}

/// A ticket as its rows have it.
#[derive(Debug, Default)]
struct Ticket {
    number: String,
    title: String,
    state: String,
    fields: Json,
    /// Text → how many articles have it.
    articles: BTreeMap<String, u32>,
    /// SHA-256 of each file's content.
    files: Vec<String>,
    outcome: Option<String>,
    /// When it was made, in microseconds since 1970.
    created: i64,
}

struct There {
    tickets: Vec<Ticket>,
    /// Hash → content, of what lies in the database, in hex.
    inline: BTreeMap<String, String>,
    files: PathBuf,
    mails: Mails,
    runs: BTreeMap<String, BTreeSet<String>>,
    /// Ticks of the job that were run more than once.
    double_ticks: usize,
    now: i64,
}

fn text(row: &Json, name: &str) -> String {
    row[name].as_str().unwrap_or_default().to_owned()
}

impl There {
    fn look(folder: &Folder, scene: &Scene) -> Self {
        let mut tickets: BTreeMap<i64, Ticket> = BTreeMap::new();
        let sql = "SELECT t.id, t.number, t.title, n.name AS state, t.fields, t.created FROM ticket t JOIN name n ON n.id = t.state_id";
        for r in rows(folder, sql) {
            let fields = match &r["fields"] {
                Json::String(text) => serde_json::from_str(text).expect("fields"),
                other => other.clone(),
            };
            let created = r["created"].as_i64().expect("a time");
            let ticket = Ticket {
                number: text(&r, "number"),
                title: text(&r, "title"),
                state: text(&r, "state"),
                fields,
                created,
                ..Ticket::default()
            };
            tickets.insert(r["id"].as_i64().expect("an id"), ticket);
        }
        let id = |r: &Json| r["ticket_id"].as_i64().expect("an id");
        for r in rows(folder, "SELECT ticket_id, body FROM article") {
            *tickets.entry(id(&r)).or_default().articles.entry(text(&r, "body")).or_default() += 1;
        }
        for r in rows(folder, "SELECT ticket_id, blob_hash FROM article_part") {
            tickets.entry(id(&r)).or_default().files.push(text(&r, "blob_hash"));
        }
        for r in rows(folder, "SELECT ticket_id, outcome FROM instance WHERE outcome IS NOT NULL") {
            tickets.entry(id(&r)).or_default().outcome = Some(text(&r, "outcome"));
        }
        let hex = if folder.counted().starts_with("postgres") { "encode(bytes, 'hex')" } else { "lower(hex(bytes))" };
        let inline = rows(folder, &format!("SELECT hash, {hex} AS content FROM blob WHERE length(bytes) < 1000"));
        let double = rows(folder, "SELECT job, tick FROM job_run WHERE tick IS NOT NULL GROUP BY job, tick HAVING count(*) > 1");
        Self {
            tickets: tickets.into_values().collect(),
            inline: inline.iter().map(|r| (text(r, "hash"), text(r, "content"))).collect(),
            files: folder.0.join("files"),
            mails: scene.mails(),
            runs: scene.runs(),
            double_ticks: double.len(),
            now: jiff::Timestamp::now().as_microsecond(),
        }
    }

    fn compare(&self, journal: &Journal) -> Vec<Finding> {
        let mut by_mark: BTreeMap<&str, Vec<&Ticket>> = BTreeMap::new();
        for ticket in &self.tickets {
            // A ticket made by mail has the mark as its title.
            let mark = ticket.fields["mark"].as_str().unwrap_or(&ticket.title);
            by_mark.entry(mark).or_default().push(ticket);
        }
        let mut found = vec![];
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for done in &journal.done {
            let mut wrong = |text: String| found.push(Finding { at: Some(done.at), text: format!("{}: {text}", done.mark) });
            let ticket = match by_mark.get(done.mark.as_str()).map_or(&[][..], Vec::as_slice) {
                [one] => *one,
                // Told once, of what made it.
                none_or_many if matches!(done.deed, Deed::Begun { .. } | Deed::Mailed) => {
                    wrong(format!("acknowledged as one ticket, {} are there", none_or_many.len()));
                    continue;
                }
                _ => {
                    wrong(format!("its ticket is not there, {:?} was acknowledged", done.deed));
                    continue;
                }
            };
            match &done.deed {
                Deed::Begun { number, file } => {
                    if ticket.number != *number {
                        wrong(format!("acknowledged as {number}, it is {}", ticket.number));
                    }
                    if let Some(file) = file
                        && let Err(why) = self.file(ticket, file)
                    {
                        wrong(why);
                    }
                    if ticket.fields["waited"] != 1 {
                        wrong(format!("its timer has fired {} times", ticket.fields["waited"]));
                    }
                }
                Deed::Patched if ticket.fields["patched"] == *done.mark => {}
                Deed::Patched => wrong(format!("its patch is not there: {}", ticket.fields["patched"])),
                Deed::Noted(text) => match ticket.articles.get(text).copied().unwrap_or_default() {
                    1 => {}
                    n => wrong(format!("its acknowledged article is there {n} times")),
                },
                Deed::Checked => {}
                Deed::Voted => {
                    let votes = votes.entry(&done.mark).or_default();
                    *votes += 1;
                    if *votes == MANAGERS.len() {
                        self.paid(ticket, &done.mark).into_iter().for_each(wrong);
                    }
                }
                Deed::Sent => self.delivered(ticket, &done.mark).into_iter().for_each(wrong),
                Deed::Mailed => match ticket.articles.get(&format!("note {}", done.mark)).copied().unwrap_or_default() {
                    1 => {}
                    n => wrong(format!("the text of its mail is there {n} times")),
                },
            }
        }
        self.alone(journal, &mut found);
        self.unasked(journal, &by_mark, &mut found);
        found
    }

    /// The file is the ticket's, and its content is what was sent.
    fn file(&self, ticket: &Ticket, content: &str) -> Result<(), String> {
        let [hash] = ticket.files.as_slice() else { return Err(format!("it has {} files instead of one", ticket.files.len())) };
        let same = match self.inline.get(hash) {
            Some(hex) => *hex == content.bytes().map(|b| format!("{b:02x}")).collect::<String>(),
            None => lies_below(&self.files, hash).is_some_and(|f| std::fs::read(f).is_ok_and(|c| c == content.as_bytes())),
        };
        if same { Ok(()) } else { Err("its file is not what was sent".into()) }
    }

    fn paid(&self, ticket: &Ticket, mark: &str) -> Vec<String> {
        let mut wrong = vec![];
        if (ticket.outcome.as_deref(), ticket.state.as_str()) != (Some("paid"), "closed") {
            wrong.push(format!("both have approved, and it is {:?}, {}", ticket.outcome, ticket.state));
        }
        match self.mails.get(mark).map_or(0, BTreeSet::len) {
            1 => {}
            n => wrong.push(format!("its mail went out under {n} Message-IDs")),
        }
        wrong
    }

    fn delivered(&self, ticket: &Ticket, mark: &str) -> Vec<String> {
        let mut wrong = vec![];
        if ticket.fields["heard"] != 1 {
            wrong.push(format!("its message came {} times", ticket.fields["heard"]));
        }
        if ticket.outcome.as_deref() != Some("delivered") || ticket.fields["weighed"] != 12 {
            wrong.push(format!("it is not delivered: {:?}, {}", ticket.outcome, ticket.fields["weighed"]));
        }
        match self.runs.get(mark).map_or(0, BTreeSet::len) {
            1 => {}
            n => wrong.push(format!("its program was run under {n} keys")),
        }
        wrong
    }

    /// Requests without a key took effect once, not at all, or either, as their answer said.
    fn alone(&self, journal: &Journal, found: &mut Vec<Finding>) {
        let by_number: BTreeMap<&str, &Ticket> = self.tickets.iter().map(|t| (t.number.as_str(), t)).collect();
        for alone in &journal.alone {
            let count = by_number.get(alone.number.as_str()).and_then(|t| t.articles.get(&alone.text)).copied().unwrap_or_default();
            let right = match alone.outcome {
                Outcome::Done => count == 1,
                Outcome::Refused => count == 0,
                Outcome::Unknown => count <= 1,
            };
            if !right {
                let text = format!("`{}` was {:?}, and is there {count} times", alone.text, alone.outcome);
                found.push(Finding { at: Some(alone.at), text });
            }
        }
    }

    /// Nothing is there that nobody asked for; the job did each ticket once.
    fn unasked(&self, journal: &Journal, by_mark: &BTreeMap<&str, Vec<&Ticket>>, found: &mut Vec<Finding>) {
        let mut wrong = |text: String| found.push(Finding { at: None, text });
        let known: BTreeSet<&str> =
            journal.done.iter().map(|d| d.mark.as_str()).chain(journal.unknown.iter().map(String::as_str)).collect();
        for (mark, tickets) in by_mark.iter().filter(|(m, _)| known.contains(*m)) {
            if tickets.len() > 1 {
                wrong(format!("{mark} made {} tickets", tickets.len()));
            }
        }
        for ticket in &self.tickets {
            for (text, count) in &ticket.articles {
                if *count > 1 && (text.starts_with("note ") || text.starts_with("alone ")) {
                    wrong(format!("{}: `{text}` is there {count} times", ticket.number));
                }
            }
            let old = self.now - ticket.created > i64::try_from(JOB_EVERY.as_micros()).expect("microseconds");
            let swept = ticket.fields["swept"].as_i64().unwrap_or_default();
            if swept > 1 || (old && swept == 0) {
                wrong(format!("{}: the job did it {swept} times", ticket.number));
            }
        }
        for (subject, ids) in self.mails.iter().filter(|(_, ids)| ids.len() > 1) {
            wrong(format!("the mail `{subject}` went out under {} Message-IDs", ids.len()));
        }
        if self.double_ticks > 0 {
            wrong(format!("{} ticks were run more than once", self.double_ticks));
        }
    }
}

/// The file of this name, in the folder or one below.
fn lies_below(folder: &Path, name: &str) -> Option<PathBuf> {
    let direct = folder.join(&name[..2]).join(name);
    if direct.exists() {
        return Some(direct);
    }
    let below = std::fs::read_dir(folder).ok()?.flatten().filter(|e| e.path().is_dir());
    below.map(|e| e.path().join(&name[..2]).join(name)).find(|p| p.exists())
}
