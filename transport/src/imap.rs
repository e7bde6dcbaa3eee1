//! As much of IMAP (RFC 3501, 2177, 4315, 7628) as fetching needs. Our own, since a mail has to come as a stream: other clients
//! hold the whole of it, and what the server says about its length, in memory.

use crate::spool::{Spooled, broken, chunk, late, line};
use crate::tls::{Connection, Trust};
use base64::Engine;
use std::io::{Error, ErrorKind, Result};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use vorgang_definitions::kinds::mail_account::{MailUrl, Security};
use vorgang_runtime::intake::incoming::Raw;

/// How long the server may say nothing while it owes an answer.
const SILENCE: Duration = Duration::from_secs(60);
/// Longest line without its literals, in bytes.
const LINE_MAX: usize = 2 * 1024 * 1024;
/// How long a server may say nothing while it removes mails.
const EXPUNGE: Duration = Duration::from_secs(600);
/// UIDs that are asked for at first, and where there are few, at once.
const PIECE: u32 = 10_000;
const PIECE_MAX: u32 = 160_000;
/// Most that is kept of what a server says before it answers.
const ANSWER_MAX: usize = 8 * 1024 * 1024;
/// Most literals of one response.
const LITERALS_MAX: usize = 8;
/// Longest literal that is taken at all: beyond it the connection is of no use.
const LITERAL_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// What a mail is marked as.
#[derive(Clone, Copy)]
pub enum Flag {
    Deleted,
    Seen,
}

/// How we sign in.
pub enum Login<'a> {
    Password(&'a str),
    /// An access token (XOAUTH2).
    Token(&'a str),
}

/// One response, with what it carries in place of its literals.
pub struct Response {
    /// Literals are left out; a `{}` stands where each was.
    pub text: String,
    /// `None` for one that was too large to be kept.
    pub literals: Vec<Option<Raw>>,
}

pub struct Mailbox {
    pub validity: u32,
    pub exists: u32,
    /// The UID that the next mail will have; 0 where the server does not say it.
    pub next: u32,
}

pub struct Client {
    connection: Connection,
    spool: Arc<Path>,
    tag: u32,
    capabilities: Vec<String>,
}

impl Client {
    pub async fn connect(url: &MailUrl, login: Login<'_>, trust: &Trust, spool: Arc<Path>) -> Result<Self> {
        let stream = trust.open(&url.host, url.port, url.security == Security::Tls).await?;
        let mut client = Self { connection: BufReader::with_capacity(64 * 1024, stream), spool, tag: 0, capabilities: vec![] };
        let greeting = client.response().await?.text;
        if !greeting.to_ascii_uppercase().starts_with("* OK") {
            // PREAUTH too: whoever lets us in before we have said who we are is not the server that was meant.
            return Err(broken(&format!("the server does not greet as it should: {}", short(&greeting))));
        }
        if url.security == Security::StartTls {
            client.command("STARTTLS").await?;
            client.connection = trust.upgrade(client.connection, &url.host).await?;
        }
        client.capabilities().await?;
        client.sign_in(url, login).await?;
        client.capabilities().await?;
        Ok(client)
    }

    async fn sign_in(&mut self, url: &MailUrl, login: Login<'_>) -> Result<()> {
        let base64 = |bytes: Vec<u8>| base64::engine::general_purpose::STANDARD.encode(bytes);
        let (mechanism, word) = match login {
            Login::Token(token) => ("XOAUTH2", base64(format!("user={}\x01auth=Bearer {token}\x01\x01", url.user).into_bytes())),
            Login::Password(password) => ("PLAIN", base64(format!("\0{}\0{password}", url.user).into_bytes())),
        };
        let knows = self.has(&format!("AUTH={mechanism}"));
        if let (Login::Password(password), false) = (&login, knows) {
            if self.has("LOGINDISABLED") {
                return Err(Error::new(ErrorKind::PermissionDenied, "the server takes no password here"));
            }
            let command = format!("LOGIN {} {}", quoted(&url.user)?, quoted(password)?);
            return self.command(&command).await.map(|_| ());
        }
        // The word comes when it is asked for: not every server takes it at once.
        let tag = self.send(&format!("AUTHENTICATE {mechanism}")).await?;
        let mut words = vec![word, String::new()].into_iter();
        loop {
            let response = self.response().await?.text;
            if response.starts_with('+') {
                let word = words.next().ok_or_else(|| broken("the server asks too often"))?;
                self.write(&format!("{word}\r\n")).await?;
            } else if let Some(status) = response.strip_prefix(&tag) {
                return if status.trim_start().to_ascii_uppercase().starts_with("OK") {
                    Ok(())
                } else {
                    Err(Error::new(ErrorKind::PermissionDenied, format!("the server does not let us in: {}", short(status.trim()))))
                };
            }
        }
    }

    async fn capabilities(&mut self) -> Result<()> {
        let responses = self.command("CAPABILITY").await?;
        let lists = responses.iter().filter_map(|r| r.text.to_ascii_uppercase().strip_prefix("* CAPABILITY ").map(str::to_owned));
        self.capabilities = lists.flat_map(|l| l.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect();
        Ok(())
    }

    pub fn has(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|c| c == capability)
    }

    async fn write(&mut self, text: &str) -> Result<()> {
        let write = async {
            self.connection.write_all(text.as_bytes()).await?;
            self.connection.flush().await
        };
        tokio::time::timeout(SILENCE, write).await.map_err(|_| late())?
    }

    async fn send(&mut self, command: &str) -> Result<String> {
        self.tag += 1;
        let tag = format!("V{}", self.tag);
        self.write(&format!("{tag} {command}\r\n")).await?;
        Ok(format!("{tag} "))
    }

    /// Everything up to the answer to it, which has to be OK.
    async fn command(&mut self, command: &str) -> Result<Vec<Response>> {
        let tag = self.send(command).await?;
        let (mut all, mut size) = (vec![], 0);
        loop {
            let response = self.response().await?;
            if let Some(status) = response.text.strip_prefix(&tag) {
                return ok(command, status).map(|()| all);
            }
            if response.text.to_ascii_uppercase().starts_with("* BYE") {
                return Err(Error::new(ErrorKind::ConnectionAborted, format!("the server says goodbye: {}", short(&response.text))));
            }
            size += response.text.len() + 64;
            if size > ANSWER_MAX || !response.literals.is_empty() {
                return Err(broken("the server says too much that nobody asked for"));
            }
            all.push(response);
        }
    }

    /// A response, with its literals.
    pub async fn response(&mut self) -> Result<Response> {
        self.response_within(SILENCE).await
    }

    async fn response_within(&mut self, silence: Duration) -> Result<Response> {
        let (mut text, mut literals) = (String::new(), vec![]);
        loop {
            let part = line(&mut self.connection, LINE_MAX, silence).await?;
            let part = part.ok_or_else(|| Error::new(ErrorKind::UnexpectedEof, "the server has left"))?;
            let part = String::from_utf8_lossy(&part).into_owned();
            let Some((before, size)) = literal(&part) else {
                text.push_str(&part);
                return Ok(Response { text, literals });
            };
            text.push_str(before);
            text.push_str("{}");
            if text.len() > LINE_MAX || literals.len() >= LITERALS_MAX || size > LITERAL_MAX {
                return Err(broken("a response is too long"));
            }
            literals.push(self.literal(size).await?);
        }
    }

    async fn literal(&mut self, size: u64) -> Result<Option<Raw>> {
        let mut raw = Spooled::new(self.spool.clone());
        let mut left = size;
        while left > 0 {
            let bytes = chunk(&mut self.connection, SILENCE).await?;
            let taken = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            raw.push(&bytes[..taken])?;
            self.connection.consume(taken);
            left -= taken as u64;
        }
        raw.end()
    }

    pub async fn select(&mut self, folder: &str) -> Result<Mailbox> {
        let responses = self.command(&format!("SELECT {}", quoted(&utf7(folder))?)).await?;
        let number = |word: &str| {
            responses.iter().find_map(|r| {
                let at = r.text.to_ascii_uppercase().find(word)?;
                r.text[at + word.len()..].trim_start().split(|c: char| !c.is_ascii_digit()).next()?.parse::<u32>().ok()
            })
        };
        let exists =
            responses.iter().find_map(|r| r.text.to_ascii_uppercase().strip_prefix("* ")?.strip_suffix(" EXISTS")?.trim().parse().ok());
        let validity = number("[UIDVALIDITY ").ok_or_else(|| broken("the server does not say the mailbox's UIDVALIDITY"))?;
        Ok(Mailbox { validity, exists: exists.unwrap_or(0), next: number("[UIDNEXT ").unwrap_or(0) })
    }

    /// The next UIDs behind this one that are not marked as deleted, in their order; none at the end. Asked for a piece at a time:
    /// a server answers in one line.
    pub async fn search(&mut self, mailbox: &Mailbox, after: u32) -> Result<Vec<u32>> {
        let (mut from, mut width) = (after.saturating_add(1), PIECE);
        while from < mailbox.next {
            let to = from.saturating_add(width - 1).min(mailbox.next - 1);
            let found = self.search_within(from, Some(to)).await?;
            if !found.is_empty() {
                return Ok(found);
            }
            // Where everything was removed long ago it goes on in longer steps.
            (from, width) = (to + 1, (width * 2).min(PIECE_MAX));
        }
        self.search_within(from, None).await
    }

    async fn search_within(&mut self, from: u32, to: Option<u32>) -> Result<Vec<u32>> {
        let end = to.map_or("*".to_owned(), |to| to.to_string());
        let responses = self.command(&format!("UID SEARCH UID {from}:{end} UNDELETED")).await?;
        let lists = responses.iter().filter_map(|r| r.text.to_ascii_uppercase().strip_prefix("* SEARCH").map(str::to_owned));
        let numbers = lists.flat_map(|l| l.split_whitespace().filter_map(|n| n.parse().ok()).collect::<Vec<u32>>());
        // `n:*` always has the last one, whatever its number.
        let mut uids: Vec<u32> = numbers.filter(|u| *u >= from && to.is_none_or(|to| *u <= to)).collect();
        uids.sort_unstable();
        uids.dedup();
        Ok(uids)
    }

    /// Asks for these mails; each comes as a response of its own (see [`Client::fetched`]).
    pub async fn fetch(&mut self, uids: &[u32]) -> Result<String> {
        let list: Vec<String> = uids.iter().map(u32::to_string).collect();
        self.send(&format!("UID FETCH {} (UID BODY.PEEK[])", list.join(","))).await
    }

    /// The next of the mails that were asked for, `None` for one that is too large; `Ok(None)` when all have come. What does not
    /// end as it should, because the server was wrong about a length, is an error: nothing of it is believed.
    pub async fn fetched(&mut self, tag: &str) -> Result<Option<(u32, Option<Raw>)>> {
        loop {
            let mut response = self.response().await?;
            if let Some(status) = response.text.strip_prefix(tag) {
                return ok("UID FETCH", status).map(|()| None);
            }
            let upper = response.text.to_ascii_uppercase();
            if upper.starts_with("* BYE") {
                return Err(Error::new(ErrorKind::ConnectionAborted, format!("the server says goodbye: {}", short(&response.text))));
            }
            if !upper.starts_with("* ") {
                return Err(broken(&format!("the server says what nobody asked for: {}", short(&response.text))));
            }
            let Some(at) = upper.find(" FETCH (") else { continue };
            if !upper.contains("BODY[]") || response.literals.is_empty() {
                continue;
            }
            let uid = upper[at..].find("UID ").and_then(|u| upper[at + u + 4..].split(|c: char| !c.is_ascii_digit()).next()?.parse().ok());
            let whole = response.literals.len() == 1 && response.text.ends_with(')');
            let (Some(uid), true) = (uid, whole) else { return Err(broken("a mail does not end where the server said")) };
            return Ok(Some((uid, response.literals.remove(0))));
        }
    }

    pub async fn mark(&mut self, uids: &[u32], flag: Flag) -> Result<()> {
        let list = uids.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        let flag = match flag {
            Flag::Deleted => "\\Deleted",
            Flag::Seen => "\\Seen",
        };
        self.command(&format!("UID STORE {list} +FLAGS.SILENT ({flag})")).await.map(|_| ())
    }

    /// Removes mails that are marked as deleted; others than these stay where the server can tell them apart. For some servers this is
    /// as much work as the mailbox is large, however few they are.
    pub async fn expunge(&mut self, (first, last): (u32, u32)) -> Result<()> {
        let command = if self.has("UIDPLUS") { format!("UID EXPUNGE {first}:{last}") } else { "EXPUNGE".to_owned() };
        // One that has much to do says nothing meanwhile.
        let tag = self.send(&command).await?;
        loop {
            let response = self.response_within(EXPUNGE).await?;
            if let Some(status) = response.text.strip_prefix(&tag) {
                return ok(&command, status);
            }
        }
    }

    /// Waits until something is new, at most so long. A server that has fallen asleep does not answer to the end of it.
    pub async fn idle(&mut self, at_most: Duration) -> Result<()> {
        let tag = self.send("IDLE").await?;
        let mut response = self.response().await?.text;
        if !response.starts_with('+') {
            return Err(broken(&format!("the server does not wait with us: {}", short(&response))));
        }
        let until = tokio::time::Instant::now() + at_most;
        loop {
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            match self.response_within(left).await {
                Ok(r) => response = r.text.to_ascii_uppercase(),
                // A line that has begun would be lost: only where nothing came is it over.
                Err(e) if e.kind() == ErrorKind::TimedOut && left < at_most => break,
                Err(e) if e.kind() == ErrorKind::TimedOut => break,
                Err(e) => return Err(e),
            }
            if response.starts_with("* BYE") {
                return Err(Error::new(ErrorKind::ConnectionAborted, "the server says goodbye"));
            }
            if response.ends_with(" EXISTS") {
                break;
            }
        }
        self.write("DONE\r\n").await?;
        loop {
            let response = self.response().await?;
            if let Some(status) = response.text.strip_prefix(&tag) {
                return ok("IDLE", status);
            }
        }
    }

    pub async fn logout(mut self) {
        let _ = tokio::time::timeout(Duration::from_secs(5), self.command("LOGOUT")).await;
    }
}

fn ok(command: &str, status: &str) -> Result<()> {
    let status = status.trim();
    if status.to_ascii_uppercase().starts_with("OK") {
        return Ok(());
    }
    // Never the password that a command may carry.
    let verb = command.split(' ').take(if command.starts_with("UID") { 2 } else { 1 }).collect::<Vec<_>>().join(" ");
    Err(Error::other(format!("the server refuses {verb}: {}", short(status))))
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// `TEXT {123}` as text and length; with `+` or `~` too.
fn literal(line: &str) -> Option<(&str, u64)> {
    let (before, size) = line.strip_suffix('}')?.rsplit_once('{')?;
    let size = size.strip_suffix('+').unwrap_or(size).parse().ok()?;
    Some((before.strip_suffix('~').unwrap_or(before), size))
}

fn quoted(text: &str) -> Result<String> {
    if text.chars().any(|c| c.is_control()) || !text.is_ascii() {
        return Err(broken("names and passwords of IMAP have no control characters, and only letters of ASCII"));
    }
    Ok(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// Names of folders in IMAP's own UTF-7 (RFC 3501, 5.1.3).
fn utf7(name: &str) -> String {
    let mut out = String::new();
    let mut wide: Vec<u8> = vec![];
    let flush = |wide: &mut Vec<u8>, out: &mut String| {
        if !wide.is_empty() {
            let text = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&*wide).replace('/', ",");
            out.push_str(&format!("&{text}-"));
            wide.clear();
        }
    };
    for c in name.chars() {
        if (' '..='~').contains(&c) {
            flush(&mut wide, &mut out);
            out.push_str(if c == '&' { "&-" } else { "" });
            if c != '&' {
                out.push(c);
            }
        } else {
            wide.extend(c.encode_utf16(&mut [0; 2]).iter().flat_map(|u| u.to_be_bytes()));
        }
    }
    flush(&mut wide, &mut out);
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_and_literals() {
        assert_eq!(super::utf7("Entwürfe & mehr"), "Entw&APw-rfe &- mehr");
        assert_eq!(super::utf7("INBOX"), "INBOX");
        assert_eq!(super::literal("* 1 FETCH (UID 7 BODY[] {12}"), Some(("* 1 FETCH (UID 7 BODY[] ", 12)));
        assert_eq!(super::literal("* OK {x}"), None);
        assert_eq!(super::quoted("a\"b\\c").ok().as_deref(), Some("\"a\\\"b\\\\c\""));
        assert!(super::quoted("a\r\nb").is_err());
    }
}
