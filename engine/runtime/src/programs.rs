//! Programs are run after the commit that wants them: those that the server's configuration names, without a shell,
//! within their time, with bounded output. A crash may run one twice, under the same `VORGANG_CALL`.

use crate::desk::{Desk, Error, Request};
use crate::lane::Lane;
use crate::wake::{TROUBLE, persist};
use crate::{step, trace};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tracing::Instrument;
use vorgang_core::commands::{AnswerCall, Command};
use vorgang_core::ids::{CallId, TicketId};
use vorgang_core::people;
use vorgang_core::rejection::Rejection;
use vorgang_core::snapshot::Call;
use vorgang_store::StoreError;
use vorgang_store::calls::DueCall;
use vorgang_store::due::Work;

/// How often it is looked whether a program that runs is still waited for.
const LOOK: Duration = Duration::from_secs(1);
/// Calls that are fetched at once.
const BATCH: u32 = 64;
/// Programs that run at the same time.
const LANE: usize = 4;
/// Most that one may write, in bytes.
const OUTPUT_MAX: usize = 64 * 1024;
/// So much of what it says on stderr goes into the incident, in bytes.
const STDERR_MAX: usize = 2 * 1024;
/// Longest wait before another attempt, in seconds.
const WAIT_MAX: i64 = 3_600;
/// Wait for what the machine could not begin.
const NOT_BEGUN: SignedDuration = SignedDuration::from_secs(2);
/// How long an attempt belongs to who began it, beyond what the program may take.
const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// Programs that the configuration names: the file to run, and the absolute path that it gets as its own name.
#[derive(Debug, Clone, Default)]
pub struct Programs(BTreeMap<String, (PathBuf, PathBuf)>);

impl Programs {
    /// Takes a program in; the text says what is wrong with it.
    pub fn add(&mut self, name: &str, path: &Path) -> Result<(), String> {
        let shown = path.display();
        if !path.is_absolute() {
            return Err(format!("the program `{name}` needs an absolute path, not {shown}"));
        }
        let file = std::fs::metadata(path).map_err(|e| format!("the program `{name}`: {shown}: {e}"))?;
        let mode = std::os::unix::fs::PermissionsExt::mode(&file.permissions());
        if !file.is_file() || mode & 0o111 == 0 {
            return Err(format!("the program `{name}`: {shown} cannot be run"));
        }
        if mode & 0o002 != 0 {
            return Err(format!("the program `{name}`: anybody may write to {shown}"));
        }
        // Write access to a folder above the program is enough to replace it, unless the sticky bit reserves that for its owner.
        let real = path.canonicalize().map_err(|e| format!("the program `{name}`: {shown}: {e}"))?;
        for folder in real.ancestors().skip(1) {
            let found = std::fs::metadata(folder).map_err(|e| format!("the program `{name}`: {}: {e}", folder.display()))?;
            let mode = std::os::unix::fs::PermissionsExt::mode(&found.permissions());
            if mode & 0o002 != 0 && mode & 0o1000 == 0 {
                return Err(format!("the program `{name}`: anybody may write to the folder {}", folder.display()));
            }
        }
        // The file itself is run: a link on the way to it may lie where others can exchange it.
        if self.0.insert(name.to_owned(), (real, path.to_owned())).is_some() {
            return Err(format!("the program `{name}` is named twice"));
        }
        Ok(())
    }

    pub fn names(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// Runs until it is aborted: so many at a time, and one that takes long holds up no other.
pub async fn run_lane(desk: Arc<Desk>, programs: Arc<Programs>) {
    let mut tasks = JoinSet::new();
    loop {
        let free = (LANE - tasks.len()) as u32;
        let due = match desk.store.calls_due(desk.clock.now(), free).await {
            Ok(due) => due,
            Err(e) => {
                tracing::warn!("programs: {e}");
                tokio::time::sleep(TROUBLE).await;
                continue;
            }
        };
        for due in due {
            let (desk, programs) = (desk.clone(), programs.clone());
            tasks.spawn(async move { broke_off(&due, attempt(&desk, &programs, &due).instrument(span(&due)).await) });
        }
        tokio::select! {
            () = desk.wakes.work(Work::Programs) => {}
            // It makes room, and may come again at another time.
            Some(_) = tasks.join_next() => desk.wakes.look_for_work(),
        }
        while tasks.len() >= LANE {
            tasks.join_next().await;
        }
    }
}

/// It comes again after its lease.
fn broke_off(due: &DueCall, result: Result<(), String>) {
    if let Err(why) = result {
        tracing::error!(ticket = %due.number, program = due.call.program, "a program's attempt broke off: {why}");
    }
}

/// Runs what is due now; how many were.
pub async fn run_due(desk: &Arc<Desk>, programs: &Arc<Programs>) -> Result<usize, StoreError> {
    let due = desk.store.calls_due(desk.clock.now(), BATCH).await?;
    let count = due.len();
    let mut lane = Lane::new(LANE, due);
    let work = |due: &DueCall| {
        let (desk, programs, due) = (desk.clone(), programs.clone(), due.clone());
        async move { attempt(&desk, &programs, &due).instrument(span(&due)).await }
    };
    while let Some((due, result)) = lane.next(work).await {
        broke_off(&due, result.map_err(|e| e.to_string()).and_then(|r| r));
    }
    Ok(count)
}

fn span(due: &DueCall) -> tracing::Span {
    trace::followed(step!("program", program = due.call.program, ticket = %due.number), due.trace.as_deref())
}

async fn attempt(desk: &Desk, programs: &Programs, due: &DueCall) -> Result<(), String> {
    let (key, now) = ((due.ticket, due.call.seq), desk.clock.now());
    let lease = now + SignedDuration::from_secs(due.call.limit.into()) + LEASE;
    match desk.store.call_lease(key, now, lease).await {
        Ok(true) => {}
        Ok(false) => return Ok(()),
        Err(e) => {
            // It may have been begun all the same: nobody else would look at it until its lease ends.
            later(desk, key, now, false).await?;
            return Err(e.to_string());
        }
    }
    let result = match programs.0.get(&due.call.program) {
        // One that nobody waits for any more is ended.
        Some((file, path)) => tokio::select! {
            result = execute(file, path, due) => result,
            () = withdrawn(desk, key) => return Ok(()),
        },
        None => Err(Trouble::ForGood("the server's configuration names no such program".into())),
    };
    let result = match result {
        Ok(output) => Ok(output),
        Err(Trouble::NotBegun(message)) => {
            tracing::warn!(ticket = %due.number, program = due.call.program, "a program waits: {message}");
            return later(desk, key, desk.clock.now() + NOT_BEGUN, false).await;
        }
        Err(Trouble::Again(message)) if due.attempts < due.call.retry.0 => {
            tracing::warn!(ticket = %due.number, program = due.call.program, "a program has failed and is tried again: {message}");
            let next = again(desk.clock.now(), &due.call, due.attempts);
            return later(desk, key, next, true).await;
        }
        Err(Trouble::Again(message) | Trouble::ForGood(message)) => Err(message),
    };
    let system = people::system();
    let answer = || {
        let command = Command::AnswerCall(AnswerCall { call: due.call.seq, result: result.clone() });
        desk.execute(Request { actor: &system, ticket: Some(&due.number), command, cause: "program", at: None })
    };
    let passes = |e: &Error| matches!(e, Error::Store(e) if e.passes() || *e == StoreError::Conflict);
    match persist(passes, answer).await {
        // The answer that was not known to be written is there, or nobody waits for one any more.
        Ok(_) | Err(Error::Rejected(Rejection::NotFound | Rejection::Gone)) => Ok(()),
        Err(e) => Err(e.to_string()),
    }
}

/// The next attempt comes then.
async fn later(desk: &Desk, key: (TicketId, CallId), then: Timestamp, counts: bool) -> Result<(), String> {
    persist(StoreError::passes, || desk.store.call_later(key, then, counts)).await.map_err(|e| e.to_string())
}

/// Ends when the call is gone: its work item was withdrawn, or its ticket closed.
async fn withdrawn(desk: &Desk, call: (TicketId, CallId)) {
    loop {
        tokio::time::sleep(LOOK).await;
        if desk.store.call_wanted(call).await == Ok(false) {
            return;
        }
    }
}

/// Twice as long after each attempt.
fn again(now: Timestamp, call: &Call, attempts: u32) -> Timestamp {
    now + SignedDuration::from_secs((i64::from(call.retry.1) << attempts.min(20)).clamp(1, WAIT_MAX))
}

enum Trouble {
    Again(String),
    /// The machine could not begin it: that is no attempt of the program.
    NotBegun(String),
    ForGood(String),
}

/// Descriptors, processes or memory have run out: what could not be started now can be later.
fn ran_out(e: &std::io::Error) -> bool {
    use rustix::io::Errno;
    let of_the_machine = [Errno::MFILE, Errno::NFILE, Errno::AGAIN, Errno::NOMEM];
    Errno::from_io_error(e).is_some_and(|e| of_the_machine.contains(&e))
}

/// What it wrote. One that takes too long, or writes without an end, is ended with all that it started.
async fn execute(file: &Path, path: &Path, due: &DueCall) -> Result<String, Trouble> {
    let failed = |what: String| Trouble::Again(what);
    let key = format!("{}-{}", due.ticket, due.call.seq);
    let mut child = tokio::process::Command::new(file)
        .arg0(path)
        .env_clear()
        .envs([("PATH", "/usr/local/bin:/usr/bin:/bin"), ("LANG", "C.UTF-8"), ("VORGANG_CALL", &key), ("VORGANG_TICKET", &due.number)])
        .envs(trace::current().map(|t| ("TRACEPARENT", t)))
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| {
            let what = format!("it could not be started: {e}");
            if ran_out(&e) { Trouble::NotBegun(what) } else { failed(what) }
        })?;
    let mut group = Group(child.id());
    let input = serde_json::json!({"call": key, "ticket": due.number, "with": due.call.input}).to_string();
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let talk = async {
        let write = async {
            // One that does not read what it is given may have good reasons.
            if let Some(mut stdin) = stdin {
                let _ = stdin.write_all(input.as_bytes()).await;
            }
        };
        let (_, out, err) = tokio::join!(write, bounded(stdout, OUTPUT_MAX, true), bounded(stderr, STDERR_MAX, false));
        (out, err, child.wait().await)
    };
    let limit = Duration::from_secs(due.call.limit.into());
    let Ok((out, err, status)) = tokio::time::timeout(limit, talk).await else {
        return Err(failed(format!("no end after {} s", due.call.limit)));
    };
    // It has ended: its number may be another one's by now.
    group.0 = None;
    let said = err.map(|e| String::from_utf8_lossy(&e).trim().to_owned()).unwrap_or_default();
    let out = out.ok_or_else(|| failed(format!("it wrote more than {OUTPUT_MAX} bytes")))?;
    match status {
        Ok(status) if status.success() => {
            let text = String::from_utf8(out).map_err(|_| failed("it wrote no UTF-8".into()))?;
            if text.contains('\0') { Err(failed("it wrote a zero byte".into())) } else { Ok(text) }
        }
        Ok(status) if said.is_empty() => Err(failed(status.to_string())),
        Ok(status) => Err(failed(format!("{status}: {said}"))),
        Err(e) => Err(failed(e.to_string())),
    }
}

/// Up to so many bytes. What is beyond is left unread where `strict` (`None`, at once), and thrown away otherwise.
async fn bounded(from: Option<impl AsyncRead + Unpin>, max: usize, strict: bool) -> Option<Vec<u8>> {
    let (mut from, mut kept, mut part) = (from?, vec![], [0; 8 * 1024]);
    loop {
        match from.read(&mut part).await {
            Ok(0) | Err(_) => return Some(kept),
            Ok(n) if strict && kept.len() + n > max => return None,
            Ok(n) => kept.extend(part[..n].iter().take(max - kept.len())),
        }
    }
}

/// The program and all that it started: they end together.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let group = self.0.and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(group) = group {
            // Gone already, mostly.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}
