//! Mailboxes are emptied, or read on: each account in a lane of its own, on one node. A mail goes from the mailbox, or is
//! marked, only when it is safe here; one that is fetched twice is here already.

use crate::imap::{self, Flag, Login};
use crate::oauth::Tokens;
use crate::pop3;
use crate::secrets::Secrets;
use crate::tls::Trust;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{AbortHandle, JoinSet};
use vorgang_definitions::kinds::mail_account::{MailAccount, MailUrl, Protocol};
use vorgang_runtime::Desk;
use vorgang_runtime::intake::incoming::{Incoming, Raw};
use vorgang_store::inbox::AccountState;

/// How often it is looked for accounts that are new or changed.
const LOOK: Duration = Duration::from_secs(2);
/// How often a mailbox is looked at that cannot say what is new.
const POLL: Duration = Duration::from_secs(60);
/// How long one waits with a server before asking whether it is still there (RFC 2177 wants less than 29 minutes).
const IDLE: Duration = Duration::from_secs(5 * 60);
/// The longest wait after an error.
const WAIT_MAX: Duration = Duration::from_secs(5 * 60);
/// Mails that are asked for at once.
const BATCH: usize = 100;
/// Mails that are taken at the same time.
const WIDTH: usize = 16;
/// UIDs of POP3 that are remembered.
const REMEMBERED_MAX: usize = 100_000;
/// Mails of one session of POP3.
const SESSION: usize = 500;
/// Mails of IMAP that are marked as deleted until they are removed together.
const MARKED_MAX: usize = 100_000;

/// What all accounts need.
pub struct Surroundings {
    pub secrets: Secrets,
    pub trust: Trust,
    pub spool: Arc<Path>,
    pub tokens: Tokens,
    /// A further authority for servers' certificates, as PEM.
    pub ca: Option<Vec<u8>>,
}

impl Surroundings {
    /// Large mails lie in files of `spool` while they come.
    pub fn new(secrets: Secrets, ca: Option<Vec<u8>>, spool: PathBuf) -> Result<Self, String> {
        Ok(Self { secrets, trust: Trust::new(ca.as_deref())?, spool: spool.into(), tokens: Tokens::default(), ca })
    }
}

/// Runs until it is aborted: a task for each account that names a mailbox.
pub async fn run_lane(desk: Arc<Desk>, around: Arc<Surroundings>) {
    // Ended with this one.
    let mut tasks: JoinSet<()> = JoinSet::new();
    let mut running: BTreeMap<String, (String, AbortHandle)> = BTreeMap::new();
    loop {
        let model = desk.model();
        let wanted: Vec<&MailAccount> = model.names.accounts.iter().filter(|a| a.receive.is_some()).collect();
        running.retain(|name, (key, task)| {
            let same = wanted.iter().any(|a| *a.name == **name && describe(a) == *key);
            if !same {
                task.abort();
            }
            same && !task.is_finished()
        });
        for account in wanted {
            let name = account.name.to_string();
            if running.contains_key(&name) {
                continue;
            }
            match desk.store.lane(&format!("mail {name}")).await {
                Ok(true) => {
                    let (desk, around, account) = (desk.clone(), around.clone(), account.clone());
                    let key = describe(&account);
                    running.insert(name, (key, tasks.spawn(async move { keep_fetching(&desk, &around, &account).await })));
                }
                Ok(false) => {}
                Err(e) => tracing::warn!("mailboxes: {e}"),
            }
        }
        drop(model);
        while tasks.try_join_next().is_some() {}
        tokio::time::sleep(LOOK).await;
    }
}

/// What makes an account another one.
fn describe(account: &MailAccount) -> String {
    format!("{:?} {} {:?} {:?}", account.receive, account.keep, account.oauth, account.address.address)
}

async fn keep_fetching(desk: &Arc<Desk>, around: &Surroundings, account: &MailAccount) {
    let mut wait = Duration::from_secs(5);
    loop {
        let ended = match account.receive.as_ref().map(|u| u.protocol) {
            Some(Protocol::Imap) => imap(desk, around, account, true).await,
            _ => match pop3(desk, around, account).await {
                Ok(more) => {
                    tokio::time::sleep(if more { Duration::ZERO } else { POLL }).await;
                    Ok(())
                }
                Err(e) => Err(e),
            },
        };
        match ended {
            Ok(()) => wait = Duration::from_secs(5),
            Err(e) => {
                tracing::warn!(account = account.name.as_str(), "mail cannot be fetched: {e}");
                note(desk, &account.name, |s| s.bad = Some((desk.clock.now(), e.clone()))).await;
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(WAIT_MAX);
            }
        }
    }
}

/// The stored state of an account; empty for a new one.
async fn state(desk: &Desk, name: &str) -> Result<AccountState, String> {
    let all = desk.store.account_states().await.map_err(|e| e.to_string())?;
    Ok(all.into_iter().find(|(n, _)| n == name).map(|(_, s)| s).unwrap_or_default())
}

/// Changes the stored state. A state that cannot be read is not overwritten.
async fn note(desk: &Desk, name: &str, change: impl FnOnce(&mut AccountState)) {
    let noted = async {
        let mut state = state(desk, name).await?;
        change(&mut state);
        desk.store.account_save(name, &state).await.map_err(|e| e.to_string())
    };
    if let Err(e) = noted.await {
        tracing::warn!("what is known of a mail account could not be written: {e}");
    }
}

/// What a connection needs to sign in.
pub struct Key {
    secret: crate::secrets::Secret,
    token: bool,
}

impl Key {
    pub async fn for_account(desk: &Desk, around: &Surroundings, account: &MailAccount) -> Result<Self, String> {
        let Some(oauth) = &account.oauth else {
            let missing = || {
                format!(
                    "the account has no password: VORGANG_SECRET_{}, or the file `{}` of --secrets",
                    account.name.to_ascii_uppercase(),
                    account.name
                )
            };
            return Ok(Self { secret: around.secrets.secret_of(&account.name).ok_or_else(missing)?, token: false });
        };
        let known = state(desk, &account.name).await?.refresh;
        let had = around.tokens.token(account, oauth, &around.secrets, &around.trust, known.as_deref(), desk.clock.now()).await?;
        if had.refresh.is_some() || had.ends.is_some() {
            note(desk, &account.name, |s| {
                s.refresh = had.refresh.or(s.refresh.take());
                s.ends = had.ends.or(s.ends);
            })
            .await;
        }
        Ok(Self { secret: had.token, token: true })
    }

    pub fn reveal(&self) -> &str {
        self.secret.reveal()
    }

    pub fn login(&self) -> Login<'_> {
        if self.token { Login::Token(self.secret.reveal()) } else { Login::Password(self.secret.reveal()) }
    }
}

fn said(e: std::io::Error) -> String {
    e.to_string()
}

fn url(account: &MailAccount) -> Result<&MailUrl, String> {
    account.receive.as_ref().ok_or_else(|| "the account names no mailbox".into())
}

/// Takes what lies there now, in one connection.
pub async fn once(desk: &Arc<Desk>, around: &Surroundings, account: &MailAccount) -> Result<(), String> {
    match url(account)?.protocol {
        Protocol::Imap => imap(desk, around, account, false).await,
        _ => {
            while pop3(desk, around, account).await? {}
            Ok(())
        }
    }
}

/// One connection, until it ends; or until there is nothing more, unless it stays.
async fn imap(desk: &Arc<Desk>, around: &Surroundings, account: &MailAccount, stays: bool) -> Result<(), String> {
    let url = url(account)?;
    let key = Key::for_account(desk, around, account).await?;
    let client = imap::Client::connect(url, key.login(), &around.trust, around.spool.clone()).await;
    let mut client = match client {
        Ok(client) => client,
        Err(e) => {
            around.tokens.forget(&account.name).await;
            return Err(said(e));
        }
    };
    let mailbox = client.select(&url.folder).await.map_err(said)?;
    let (validity, name) = (mailbox.validity, account.name.as_str());
    let known = state(desk, name).await?;
    let seen = known.seen.filter(|(v, _)| *v == validity).map_or(0, |(_, uid)| uid);
    // In a mailbox that is emptied everything that is left is new. What the server does not let us remove is not fetched again in
    // this connection: it only goes forward.
    let mut after = if account.keep { seen } else { 0 };
    let mut stuck = false;
    // Marked, and not removed yet; some by a connection before this one that broke off.
    let before = known.marked.filter(|(v, _, _)| *v == validity);
    let (mut marked, mut count) = (before.filter(|_| !account.keep).map(|(_, first, last)| (first, last)), 0);
    loop {
        let uids = client.search(&mailbox, after).await.map_err(said)?;
        for batch in uids.chunks(BATCH) {
            let (done, too_large) = take_batch(desk, account, &mut client, validity, batch).await?;
            if let Some(uid) = too_large {
                note(desk, name, |s| s.bad = Some((desk.clock.now(), too_large_to_keep(uid)))).await;
                stuck = true;
            }
            if let (false, Some(first), Some(last)) = (account.keep, done.iter().min(), done.iter().max()) {
                // Written down before: that it was done may not be heard.
                marked = Some(marked.map_or((*first, *last), |m| (m.0.min(*first), m.1.max(*last))));
                count += done.len();
                note(desk, name, |s| s.marked = marked.map(|(first, last)| (validity, first, last))).await;
            }
            let flag = if account.keep { Flag::Seen } else { Flag::Deleted };
            let was_marked = if done.is_empty() { Ok(()) } else { client.mark(&done, flag).await };
            if let Err(e) = was_marked {
                tracing::warn!(account = name, "mails that were taken could not be marked: {e}");
                note(desk, name, |s| s.bad = Some((desk.clock.now(), e.to_string()))).await;
                stuck = true;
                if e.kind() != std::io::ErrorKind::Other {
                    return Err(said(e));
                }
            }
            // Those that others have removed meanwhile are not missed.
            after = batch.last().copied().unwrap_or(after);
            let taken = done.len() as u64;
            note(desk, name, |s| {
                s.taken += taken;
                s.seen = Some((validity, after));
                s.good = Some(desk.clock.now());
            })
            .await;
        }
        if let Some(range) = marked.filter(|_| uids.is_empty() || count >= MARKED_MAX) {
            match client.expunge(range).await {
                Err(e) if e.kind() == std::io::ErrorKind::Other => {
                    tracing::warn!(account = name, "mails that were taken could not be removed: {e}");
                    note(desk, name, |s| s.bad = Some((desk.clock.now(), e.to_string()))).await;
                    stuck = true;
                }
                ended => ended.map_err(said)?,
            }
            (marked, count) = (None, 0);
            note(desk, name, |s| s.marked = None).await;
        }
        if !uids.is_empty() {
            continue;
        }
        note(desk, name, |s| {
            s.good = Some(desk.clock.now());
            if !stuck {
                s.bad = None;
            }
        })
        .await;
        if !stays {
            client.logout().await;
            return Ok(());
        }
        if client.has("IDLE") {
            client.idle(IDLE).await.map_err(said)?;
        } else {
            tokio::time::sleep(POLL).await;
        }
    }
}

/// There is nothing here that it could be kept in: it stays where it is, and holds up nobody else's.
fn too_large_to_keep(which: impl std::fmt::Display) -> String {
    format!("mail {which} is larger than what is kept, and stays where it is")
}

/// The UIDs of those that are safe, and of one that is too large. An error where one could not be taken: all that is left comes again.
async fn take_batch(
    desk: &Arc<Desk>,
    account: &MailAccount,
    client: &mut imap::Client,
    validity: u32,
    uids: &[u32],
) -> Result<(Vec<u32>, Option<u32>), String> {
    let mut too_large = None;
    let tag = client.fetch(uids).await.map_err(said)?;
    let mut tasks: JoinSet<(u32, Result<(), String>)> = JoinSet::new();
    let (mut done, mut failed) = (vec![], None);
    let mut keep = |ended: Result<(u32, Result<(), String>), tokio::task::JoinError>| match ended {
        Ok((uid, Ok(()))) => done.push(uid),
        Ok((_, Err(why))) => failed = Some(why),
        Err(e) => failed = Some(format!("taking a mail broke off: {e}")),
    };
    let mut broken = None;
    loop {
        match client.fetched(&tag).await {
            Ok(None) => break,
            Ok(Some((uid, None))) if uids.contains(&uid) => too_large = Some(uid),
            Ok(Some((uid, Some(raw)))) if uids.contains(&uid) => {
                while tasks.len() >= WIDTH {
                    if let Some(ended) = tasks.join_next().await {
                        keep(ended);
                    }
                }
                let door = format!("imap {} {validity}/{uid}", account.name);
                let (desk, account) = (desk.clone(), account.name.to_string());
                tasks.spawn(async move { (uid, take_mail(&desk, &account, door, raw).await) });
            }
            Ok(Some(_)) => {}
            Err(e) => {
                broken = Some(said(e));
                break;
            }
        }
    }
    while let Some(ended) = tasks.join_next().await {
        keep(ended);
    }
    match broken.or(failed) {
        // What was taken meanwhile is known when it comes again.
        Some(why) => Err(why),
        None => Ok((done, too_large)),
    }
}

async fn take_mail(desk: &Arc<Desk>, account: &str, door: String, raw: Raw) -> Result<(), String> {
    let incoming = Incoming { door, account: Some(account.to_owned()), ..Incoming::default() };
    desk.take_mail(incoming, raw).await.map(|_| ()).map_err(|e| e.to_string())
}

/// One session, which takes so many: nothing is removed before its end, and one that breaks off begins anew. True where more is left.
async fn pop3(desk: &Arc<Desk>, around: &Surroundings, account: &MailAccount) -> Result<bool, String> {
    let url = url(account)?;
    let key = Key::for_account(desk, around, account).await?;
    let mut client = match pop3::Client::connect(url, key.login(), &around.trust, around.spool.clone()).await {
        Ok(client) => client,
        Err(e) => {
            around.tokens.forget(&account.name).await;
            return Err(said(e));
        }
    };
    let name = account.name.as_str();
    let list = client.list().await.map_err(said)?;
    let known: BTreeSet<String> = state(desk, name).await?.kept.into_iter().collect();
    let fresh: Vec<&(u32, String)> = list.iter().filter(|(_, id)| !account.keep || !known.contains(id)).collect();
    let now = &fresh[..fresh.len().min(SESSION)];
    let mut too_large = None;
    for (number, id) in now {
        let Some(raw) = client.fetch(*number).await.map_err(said)? else {
            too_large = Some(number);
            continue;
        };
        take_mail(desk, name, format!("pop3 {name} {id}"), raw).await?;
        if !account.keep {
            client.delete(*number).await.map_err(said)?;
        }
    }
    client.quit().await.map_err(said)?;
    let taken: BTreeSet<&String> = now.iter().map(|(_, id)| id).collect();
    let kept = list.iter().map(|(_, id)| id).filter(|id| account.keep && (known.contains(*id) || taken.contains(id)));
    let kept: Vec<String> = kept.take(REMEMBERED_MAX).cloned().collect();
    note(desk, name, |s| {
        s.taken += now.len() as u64;
        s.kept = kept;
        s.good = Some(desk.clock.now());
        s.bad = too_large.map(|number| (desk.clock.now(), too_large_to_keep(number)));
    })
    .await;
    Ok(fresh.len() > now.len())
}

/// Signs in at the account's mailbox, and says what lies there.
pub async fn test(desk: &Desk, around: &Surroundings, account: &MailAccount) -> Result<String, String> {
    let url = url(account)?;
    let key = Key::for_account(desk, around, account).await?;
    match url.protocol {
        Protocol::Imap => {
            let mut client = imap::Client::connect(url, key.login(), &around.trust, around.spool.clone()).await.map_err(said)?;
            let mailbox = client.select(&url.folder).await.map_err(said)?;
            client.logout().await;
            Ok(format!("{} has {} mails in {}", url.host, mailbox.exists, url.folder))
        }
        _ => {
            let mut client = pop3::Client::connect(url, key.login(), &around.trust, around.spool.clone()).await.map_err(said)?;
            let count = client.list().await.map_err(said)?.len();
            client.quit().await.map_err(said)?;
            Ok(format!("{} has {count} mails", url.host))
        }
    }
}
