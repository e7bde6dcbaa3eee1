//! The Unix socket beside the database: other commands reach a running server through it. One JSON line each way.

use crate::answers::{job, mail};
use crate::database::{self, Outside};
use crate::explain;
use crate::protocol::{Ask, Told};
use anyhow::{Context, bail};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader, Take};
use tokio::net::{UnixListener, UnixStream};
use vorgang_core::people::{self, Person, PersonKind, PersonPatch};
use vorgang_definitions::diagnostic;
use vorgang_runtime::checkpoints::{self, Signer};
use vorgang_runtime::clock::NodeClock;
use vorgang_runtime::intake::incoming::{Incoming, KEPT_MAX};
use vorgang_runtime::revisions::{self, Applied};
use vorgang_runtime::{Desk, accounts, nodes};
use vorgang_store::checkpoints::Backup;
use vorgang_store::{Store, StoreError};

/// Longest line, in bytes: a site with all its files.
const LINE_BYTES_MAX: u64 = 64 * 1024 * 1024;

pub async fn handle(desk: &Arc<Desk>, ask: Ask, body: Vec<u8>) -> Told {
    match ask {
        Ask::Apply { files } => match desk.apply(&files, "cli").await {
            Ok(Applied::New(id)) => Told::Good(match nodes::settle(desk, id).await {
                Ok(0) => format!("applied as revision {id}"),
                Ok(behind) => format!("applied as revision {id}; {behind} nodes do not run it yet"),
                Err(e) => format!("applied as revision {id}; whether every node runs it is not known: {e}"),
            }),
            Ok(Applied::Same) => Told::Good("nothing differs from what runs".into()),
            Ok(Applied::Refused { sources, diagnostics, reasons }) => {
                let findings =
                    diagnostic::render_human(&sources, &diagnostics, false) + &reasons.iter().map(|r| format!("{r}\n")).collect::<String>();
                Told::Found { findings, message: "refused; what runs stays as it is".into() }
            }
            Err(e) => Told::Failed(e.to_string()),
        },
        Ask::UserChange { login, patch } => change(desk, &login, patch).await,
        Ask::JobRun { name } => job::run_job(desk, &name).await,
        Ask::JobDryRun { name } => job::try_out(desk, &name).await,
        Ask::JobList => job::list(desk).await,
        Ask::JobExplain { name } => job::explain(desk, &name).await,
        Ask::Checkpoint { files } => checkpoint(desk, files).await,
        Ask::BackupMade { at, file, bytes, history, verified } => {
            let details = serde_json::json!({"bytes": bytes, "history": history, "verified": verified});
            desk.note_security(desk.by("", "cli"), "backup.made", &file, details).await;
            match desk.store.backup_add(Backup { at, file, bytes, history, verified }).await {
                Ok(()) => Told::Good(String::new()),
                Err(e) => Told::Failed(format!("the backup could not be noted: {e}")),
            }
        }
        Ask::Mail { size, .. } if body.len() as u64 != size => Told::Failed("the mail broke off".into()),
        Ask::Mail { door, account, recipients, return_path, .. } => {
            let incoming = Incoming { door, account, guessed: false, recipients, return_path, client: None, auth: None };
            mail::take_mail(desk, incoming, body).await
        }
        Ask::Erase { number, article, file, reason } => {
            match desk.erase(&people::system(), &number, (article, file), &reason, "cli").await {
                Ok(_) => Told::Good(format!("removed; the history of {number} says so")),
                Err(e) => Told::Failed(e.to_string()),
            }
        }
        Ask::TicketExplain { number, login } => explain::ticket(desk, &number, &login).await,
        Ask::UserLink { login } => match known(desk, &login) {
            Ok(()) => desk.link_create(&login, accounts::LINK).await.map_or_else(|e| Told::Failed(e.to_string()), Told::Good),
            Err(told) => told,
        },
        Ask::UserToken { login } => match known(desk, &login) {
            Ok(()) => desk.token_create(&login).await.map_or_else(|e| Told::Failed(e.to_string()), Told::Good),
            Err(told) => told,
        },
        Ask::UserPassword { login, password } => match known(desk, &login) {
            Ok(()) => match desk.password_change(&login, &password).await {
                Ok(()) => Told::Good("the password is set; other sessions and tokens have ended".into()),
                Err(e) => Told::Failed(e.to_string()),
            },
            Err(told) => told,
        },
    }
}

async fn change(desk: &Desk, login: &str, patch: PersonPatch) -> Told {
    let unknown = |r: &&String| desk.model().names.roles.get(r).is_none();
    let unknown: Vec<String> = patch.roles.iter().flatten().filter(unknown).map(|r| format!("`{r}`")).collect();
    if !unknown.is_empty() {
        return Told::Failed(format!("the site has no role {}", unknown.join(", ")));
    }
    match changed(desk, login, &patch).await {
        Ok(()) => Told::Good(format!("saved {login}")),
        Err(why) => Told::Failed(why),
    }
}

async fn changed(desk: &Desk, login: &str, patch: &PersonPatch) -> Result<(), String> {
    let failed = |e: StoreError| e.to_string();
    desk.reload_people().await.map_err(failed)?;
    let mut person = match desk.people().get(login) {
        Some(known) => (**known).clone(),
        None => Person { login: login.into(), name: login.to_owned(), kind: PersonKind::Customer, ..people::system() },
    };
    let new = desk.people().get(login).is_none();
    patch.apply(&mut person);
    if person.kind != PersonKind::Agent && !person.roles.is_empty() {
        return Err("only agents have roles; add --agent".into());
    }
    if new {
        desk.people_save(std::slice::from_ref(&person)).await.map_err(failed)?;
    }
    let by = desk.by("", "cli");
    desk.person_change(login, patch, None, &by).await.map_err(failed)?;
    if !person.active {
        desk.sessions_end(login).await.map_err(failed)?;
    }
    Ok(())
}

async fn checkpoint(desk: &Desk, files: Option<PathBuf>) -> Told {
    let Some(folder) = files else { return Told::Failed("name the folder for it with --files".into()) };
    let made = match Signer::open(&folder) {
        Ok(signer) => checkpoints::make(&*desk.store, &signer, desk.clock.now()).await,
        Err(e) => Err(e),
    };
    match made {
        Ok(0) => Told::Good("nothing was written since the last one".into()),
        Ok(n) => Told::Good(format!("{n} made, in {}", checkpoints::lines_path(&folder).display())),
        Err(e) => Told::Failed(e.to_string()),
    }
}

fn known(desk: &Desk, login: &str) -> Result<(), Told> {
    match desk.people().get(login) {
        Some(p) if p.kind != PersonKind::System && p.active => Ok(()),
        _ => Err(Told::Failed(format!("nobody active has the login `{login}`"))),
    }
}

/// Asks the running server; without one, opens the database for this one command.
pub async fn ask(url: &str, ask: Ask) -> anyhow::Result<Told> {
    exchange(url, Outside::new(database::place(url)?.files(), None)?, ask, vec![]).await
}

/// Asks the running server, or opens the database for it. `body`: what follows the line.
pub async fn exchange(url: &str, outside: Outside, ask: Ask, body: Vec<u8>) -> anyhow::Result<Told> {
    let place = database::place(url)?;
    if let Some(socket) = place.socket()
        && let Ok(stream) = UnixStream::connect(socket).await
    {
        return over(stream, &ask, &body).await.context("the running server did not answer");
    }
    let store = database::open(url, outside.shelf).await?;
    let told = alone(store.clone(), &place, ask, body).await;
    store.leave().await;
    told
}

/// Without a server that could be asked.
async fn alone(store: Arc<dyn Store>, place: &database::Place, ask: Ask, body: Vec<u8>) -> anyhow::Result<Told> {
    let clock = Arc::new(NodeClock(store.clone()));
    // Without a revision yet, an apply brings the first one.
    let first = match &ask {
        Ask::Apply { files } => Some(files.as_slice()),
        _ => None,
    };
    let empty = store.revision_latest().await?.is_none();
    if empty && first.is_none() {
        bail!("{} has no revision yet; run `vorgang apply SITE` first", place.shown());
    }
    match revisions::open(store, clock, first).await? {
        Ok(_) if empty => Ok(Told::Good("applied as revision 1".into())),
        Ok(desk) => Ok(handle(&Arc::new(desk), ask, body).await),
        Err(Applied::Refused { sources, diagnostics, reasons }) => {
            let findings = diagnostic::render_human(&sources, &diagnostics, false) + &reasons.join("\n");
            Ok(Told::Found { findings, message: "refused".into() })
        }
        Err(_) => bail!("the applied site cannot be read"),
    }
}

async fn over(mut stream: UnixStream, ask: &Ask, body: &[u8]) -> anyhow::Result<Told> {
    let mut line = serde_json::to_string(ask)?;
    line.push('\n');
    stream.write_all(line.as_bytes()).await?;
    stream.write_all(body).await?;
    stream.shutdown().await?;
    let mut answer = String::new();
    BufReader::new(stream.take(LINE_BYTES_MAX)).read_line(&mut answer).await?;
    Ok(serde_json::from_str(&answer)?)
}

/// What follows the line: the bytes of a mail, and one more if there are too many.
async fn body_of<R: AsyncRead + Unpin>(ask: &Ask, read: &mut BufReader<Take<R>>) -> std::io::Result<Vec<u8>> {
    let Ask::Mail { size, .. } = ask else { return Ok(vec![]) };
    let most = (*size).min(KEPT_MAX);
    let mut body = Vec::with_capacity(most as usize);
    read.get_mut().set_limit(most + 1);
    read.read_to_end(&mut body).await.map(|_| body)
}

/// Listens until the process ends. Only the owner of the process may ask.
pub fn listen(socket: &Path, desk: Arc<Desk>) -> anyhow::Result<()> {
    // Whoever holds the database's lock may take the place of a socket that a killed server left.
    let _ = std::fs::remove_file(socket);
    let listener = UnixListener::bind(socket).with_context(|| format!("cannot listen on {}", socket.display()))?;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600))?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let desk = desk.clone();
            tokio::spawn(async move {
                let (read, mut write) = stream.into_split();
                let mut line = String::new();
                let mut read = BufReader::new(read.take(LINE_BYTES_MAX));
                if read.read_line(&mut line).await.is_err() {
                    return;
                }
                let told = match serde_json::from_str::<Ask>(&line) {
                    Ok(ask) => match body_of(&ask, &mut read).await {
                        Ok(body) => handle(&desk, ask, body).await,
                        Err(e) => Told::Failed(format!("the request broke off: {e}")),
                    },
                    Err(e) => Told::Failed(format!("the request cannot be read: {e}")),
                };
                if let Ok(mut answer) = serde_json::to_string(&told) {
                    answer.push('\n');
                    let _ = write.write_all(answer.as_bytes()).await;
                }
            });
        }
    });
    Ok(())
}
