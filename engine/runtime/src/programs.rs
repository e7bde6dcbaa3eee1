//! Programs are run after the commit that wants them: those that the server's configuration names, without a shell,
//! within their time, with bounded output. A crash may run one twice, under the same `VORGANG_CALL`.

use crate::delivery::{self, AttemptEnd, Channel, LanePlan, Lanes, Retries};
use crate::desk::{Desk, Error, Request};
use crate::trace;
use crate::wake::persist;
use async_trait::async_trait;
use jiff::SignedDuration;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use vorgang_core::commands::{AnswerCall, Command};
use vorgang_core::ids::{CallId, TicketId};
use vorgang_core::people;
use vorgang_core::rejection::Rejection;
use vorgang_core::snapshot::Call;
use vorgang_store::StoreError;
use vorgang_store::deliveries::{self, Content, Delivery};
use vorgang_store::due::Work;

/// How often it is looked whether a program that runs is still waited for.
const LOOK: Duration = Duration::from_secs(1);
/// Calls that are fetched at once.
const BATCH: u32 = 64;
/// Programs that run at the same time.
const WIDTH: usize = 4;
/// Most that one may write, in bytes.
const OUTPUT_MAX: usize = 64 * 1024;
/// So much of what it says on stderr goes into the incident, in bytes.
const STDERR_MAX: usize = 2 * 1024;
/// Longest wait before another attempt, in seconds.
const WAIT_MAX: u32 = 3_600;
/// Wait for what the machine could not begin.
const NOT_BEGUN: SignedDuration = SignedDuration::from_secs(2);

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

/// The way to the programs of this machine: so many at a time, and one that takes long holds up no other.
pub struct ProgramChannel(pub Arc<Programs>);

/// Runs what is due now; how many were.
pub async fn run_due(desk: &Arc<Desk>, programs: &Arc<Programs>) -> Result<usize, StoreError> {
    let channel: Arc<dyn Channel> = Arc::new(ProgramChannel(programs.clone()));
    delivery::deliver_due(desk, &channel).await
}

#[async_trait]
impl Channel for ProgramChannel {
    fn plan(&self) -> LanePlan {
        LanePlan { channel: deliveries::Channel::Program, work: Work::Programs, batch: BATCH, width: WIDTH, lanes: Lanes::One }
    }

    fn retries(&self, run: &Delivery) -> Retries {
        let (most, first) = if let Content::Program { retry, .. } = run.content { retry } else { (0, 0) };
        Retries { most, first, longest: WAIT_MAX, spread: false }
    }

    async fn send(&self, desk: &Arc<Desk>, parcel: &[Delivery]) -> AttemptEnd {
        let Some((run, ticket, seq)) = parcel.first().and_then(run_of) else { return AttemptEnd::Failed("it is no program".into()) };
        // The row is the delivery's; what the program is given stands with its ticket.
        let call = match desk.store.ticket_load_by_id(ticket).await {
            Ok(stored) => stored.and_then(|s| s.snapshot.calls.iter().find(|c| c.seq == seq).cloned()),
            Err(e) => {
                tracing::warn!(ticket = %run.number, program = run.lane, "a program waits: {e}");
                return AttemptEnd::Later(desk.clock.now() + NOT_BEGUN);
            }
        };
        let Some(call) = call else { return AttemptEnd::Failed("nothing waits for it".into()) };
        let result = match self.0.0.get(&call.program) {
            // One that nobody waits for any more is ended.
            Some((file, path)) => tokio::select! {
                result = execute(file, path, run, ticket, &call) => result,
                () = withdrawn(desk, run.id) => return AttemptEnd::Committed,
            },
            None => Err(Trouble::ForGood("the server's configuration names no such program".into())),
        };
        match result {
            Ok(output) => answer(desk, run, seq, Ok(output)).await,
            Err(Trouble::NotBegun(message)) => {
                tracing::warn!(ticket = %run.number, program = run.lane, "a program waits: {message}");
                AttemptEnd::Later(desk.clock.now() + NOT_BEGUN)
            }
            Err(Trouble::Again(message)) => AttemptEnd::Again(message),
            Err(Trouble::ForGood(message)) => AttemptEnd::Failed(message),
        }
    }

    async fn give_up(&self, desk: &Desk, parcel: &[Delivery], why: &str) -> bool {
        let Some((run, _, seq)) = parcel.first().and_then(run_of) else { return true };
        // Its row goes with the answer. Without one there is nothing that waits for it.
        answer(desk, run, seq, Err(why.to_owned())).await == AttemptEnd::Arrived
    }
}

fn run_of(row: &Delivery) -> Option<(&Delivery, TicketId, CallId)> {
    match row.content {
        Content::Program { call, .. } => Some((row, row.ticket?, call)),
        _ => None,
    }
}

/// Gives the ticket the program's answer. The commit takes the delivery's row with it; where nothing waits for the answer any more,
/// the delivery has arrived.
async fn answer(desk: &Desk, run: &Delivery, call: CallId, result: Result<String, String>) -> AttemptEnd {
    let system = people::system();
    let answer = || {
        let command = Command::AnswerCall(AnswerCall { call, result: result.clone() });
        desk.execute(Request { actor: &system, ticket: Some(&run.number), command, cause: "program", at: None })
    };
    let passes = |e: &Error| matches!(e, Error::Store(e) if e.passes() || *e == StoreError::Conflict);
    match persist(passes, answer).await {
        Ok(_) => AttemptEnd::Committed,
        // The answer that was not known to be written is there, or nothing waits for one any more.
        Err(Error::Rejected(Rejection::NotFound | Rejection::Gone)) => AttemptEnd::Arrived,
        Err(e) => {
            tracing::error!(ticket = %run.number, program = run.lane, "a program's answer could not be written: {e}");
            AttemptEnd::Unwritten
        }
    }
}

/// Ends when the delivery is gone: its work item was withdrawn, or its ticket closed.
async fn withdrawn(desk: &Desk, run: i64) {
    loop {
        tokio::time::sleep(LOOK).await;
        if desk.store.delivery_wanted(run).await == Ok(false) {
            return;
        }
    }
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
async fn execute(file: &Path, path: &Path, run: &Delivery, ticket: TicketId, call: &Call) -> Result<String, Trouble> {
    let failed = |what: String| Trouble::Again(what);
    let key = format!("{ticket}-{}", call.seq);
    let mut child = tokio::process::Command::new(file)
        .arg0(path)
        .env_clear()
        .envs([("PATH", "/usr/local/bin:/usr/bin:/bin"), ("LANG", "C.UTF-8"), ("VORGANG_CALL", &key), ("VORGANG_TICKET", &run.number)])
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
    let input = serde_json::json!({"call": key, "ticket": run.number, "with": call.input}).to_string();
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
    let limit = Duration::from_secs(call.limit.into());
    let Ok((out, err, status)) = tokio::time::timeout(limit, talk).await else {
        return Err(failed(format!("no end after {} s", call.limit)));
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
