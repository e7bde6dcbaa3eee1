//! Mail is brought: LMTP (RFC 2033) and SMTP (RFC 5321), for a mail server beside the desk. `250` is said only after the
//! commit; whoever loses the connection before brings the mail again, and the same mail is taken once.

use crate::spool::{dotted, late};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use vorgang_runtime::Desk;
use vorgang_runtime::intake::incoming::{Incoming, KEPT_MAX};
use vorgang_runtime::scales::TIME_MAX;

/// How long the other side may say nothing (RFC 5321, 4.5.3.2, wants five minutes of a server).
const SILENCE: Duration = Duration::from_secs(300);
/// How long one mail may take to come.
const DATA_TIME: Duration = Duration::from_secs(1_800);
/// Longest line of a command, in bytes.
const LINE_MAX: usize = 2_048;
/// Most recipients of one mail.
const RECIPIENTS_MAX: usize = 100;
/// Wrong commands after which the other side is left.
const ERRORS_MAX: u32 = 20;
/// Connections at the same time.
pub const CONNECTIONS_MAX: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Lmtp,
    Smtp,
}

impl Protocol {
    fn word(self) -> &'static str {
        match self {
            Self::Lmtp => "lmtp",
            Self::Smtp => "smtp",
        }
    }
}

/// Runs until it is aborted. Large mails lie in files of `spool` until there is room for them.
pub async fn serve(desk: Arc<Desk>, listener: TcpListener, protocol: Protocol, spool: Arc<Path>) {
    let places = Arc::new(tokio::sync::Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let (desk, spool) = (desk.clone(), spool.clone());
                tokio::spawn(async move {
                    let _ = stream.set_nodelay(true);
                    if let Err(e) = session(&desk, stream, peer, protocol, spool).await {
                        tracing::debug!(%peer, "{}: {e}", protocol.word());
                    }
                    drop(place);
                });
            }
            Err(e) => {
                tracing::warn!("{}: {e}", protocol.word());
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn session(desk: &Arc<Desk>, stream: TcpStream, peer: SocketAddr, protocol: Protocol, spool: Arc<Path>) -> std::io::Result<()> {
    let (read, write) = stream.into_split();
    let mut talk = Talk { read: BufReader::with_capacity(64 * 1024, read), write, protocol, peer, spool };
    talk.serve(desk).await
}

/// The state between two mails.
#[derive(Default)]
struct Envelope {
    from: Option<String>,
    to: Vec<String>,
}

struct Talk<R, W> {
    read: R,
    write: W,
    protocol: Protocol,
    peer: SocketAddr,
    spool: Arc<Path>,
}

impl<R: AsyncBufRead + Unpin, W: AsyncWrite + Unpin> Talk<R, W> {
    async fn say(&mut self, text: &str) -> std::io::Result<()> {
        let write = async {
            self.write.write_all(text.as_bytes()).await?;
            self.write.write_all(b"\r\n").await?;
            self.write.flush().await
        };
        tokio::time::timeout(SILENCE, write).await.map_err(|_| late())?
    }

    /// `None` at the end; a line that is too long is read to its end and is empty.
    async fn line(&mut self) -> std::io::Result<Option<String>> {
        let mut line = vec![];
        loop {
            let chunk = tokio::time::timeout(SILENCE, self.read.fill_buf()).await.map_err(|_| late())??;
            if chunk.is_empty() {
                return Ok(None);
            }
            let end = chunk.iter().position(|b| *b == b'\n');
            let taken = end.map_or(chunk.len(), |at| at + 1);
            if line.len() + taken <= LINE_MAX {
                line.extend_from_slice(&chunk[..taken]);
            } else {
                line = vec![0; LINE_MAX + 1];
            }
            self.read.consume(taken);
            if end.is_some() {
                break;
            }
        }
        if line.len() > LINE_MAX {
            return Ok(Some(String::new()));
        }
        Ok(Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned()))
    }

    async fn serve(&mut self, desk: &Arc<Desk>) -> std::io::Result<()> {
        self.say(&format!("220 vorgang {}", self.protocol.word().to_uppercase())).await?;
        let (mut greeted, mut errors, mut envelope) = (false, 0, Envelope::default());
        let mut helo = String::new();
        while errors < ERRORS_MAX {
            let Some(line) = self.line().await? else { return Ok(()) };
            let (verb, rest) = line.split_once(' ').unwrap_or((line.as_str(), ""));
            let verb = verb.to_ascii_uppercase();
            let hello = match self.protocol {
                Protocol::Lmtp => verb == "LHLO",
                Protocol::Smtp => verb == "EHLO" || verb == "HELO",
            };
            let answer = match verb.as_str() {
                _ if hello => {
                    greeted = true;
                    helo = rest.trim().to_owned();
                    envelope = Envelope::default();
                    if verb == "HELO" {
                        "250 vorgang".to_owned()
                    } else {
                        format!(
                            "250-vorgang\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n250-PIPELINING\r\n250 SIZE {KEPT_MAX}"
                        )
                    }
                }
                "NOOP" => "250 2.0.0 here".into(),
                "RSET" => {
                    envelope = Envelope::default();
                    "250 2.0.0 forgotten".into()
                }
                "QUIT" => return self.say("221 2.0.0 bye").await,
                "VRFY" | "EXPN" => "252 2.5.2 nobody is told".into(),
                "MAIL" | "RCPT" | "DATA" if !greeted => "503 5.5.1 say hello first".into(),
                "MAIL" => self.mail(rest, &mut envelope),
                "RCPT" => recipient(desk, rest, &mut envelope),
                "DATA" if envelope.to.is_empty() => "503 5.5.1 for whom?".into(),
                "DATA" => {
                    self.say("354 go on").await?;
                    let envelope = std::mem::take(&mut envelope);
                    self.data(desk, envelope, &helo).await?;
                    continue;
                }
                _ => "500 5.5.2 not understood".into(),
            };
            errors += u32::from(answer.starts_with('5'));
            self.say(&answer).await?;
        }
        self.say("421 4.7.0 too many errors").await
    }

    fn mail(&self, rest: &str, envelope: &mut Envelope) -> String {
        if envelope.from.is_some() {
            return "503 5.5.1 one mail at a time".into();
        }
        let Some((path, parameters)) = path(rest, "FROM:") else { return "501 5.5.4 MAIL FROM:<address>".into() };
        let size = parameters.split_whitespace().find_map(|p| p.to_ascii_uppercase().strip_prefix("SIZE=")?.parse::<u64>().ok());
        if size.is_some_and(|s| s > KEPT_MAX) {
            return format!("552 5.3.4 larger than {KEPT_MAX} bytes");
        }
        envelope.from = Some(path);
        "250 2.1.0 good".into()
    }

    async fn data(&mut self, desk: &Arc<Desk>, envelope: Envelope, helo: &str) -> std::io::Result<()> {
        let read = tokio::time::timeout(DATA_TIME, dotted(&mut self.read, self.spool.clone(), SILENCE)).await.map_err(|_| late())??;
        let recipients = envelope.to.len();
        let answer = match read {
            None => format!("552 5.3.4 larger than {KEPT_MAX} bytes"),
            Some(raw) => {
                let incoming = Incoming {
                    door: format!("{} {}", self.protocol.word(), self.peer),
                    account: None,
                    guessed: false,
                    recipients: envelope.to,
                    return_path: envelope.from,
                    // By LMTP it is a mail server of ours, and so is who is on this machine.
                    client: (self.protocol == Protocol::Smtp && !self.peer.ip().is_loopback()).then(|| (self.peer.ip(), helo.to_owned())),
                    auth: None,
                };
                match tokio::time::timeout(TIME_MAX, desk.take_mail(incoming, raw)).await {
                    Ok(Ok(outcome)) => format!("250 2.0.0 {}", outcome.say().replace(['\r', '\n'], " ")),
                    Ok(Err(e)) => {
                        tracing::warn!("a mail could not be taken now: {e}");
                        "451 4.3.0 not now, try later".into()
                    }
                    Err(_) => "451 4.3.0 it took too long, try later".into(),
                }
            }
        };
        // LMTP answers for each recipient.
        let count = if self.protocol == Protocol::Lmtp { recipients } else { 1 };
        for _ in 0..count {
            self.say(&answer).await?;
        }
        Ok(())
    }
}

/// `FROM:<address> PARAMETERS`
fn path(rest: &str, word: &str) -> Option<(String, String)> {
    let after = rest.get(..word.len()).filter(|w| w.eq_ignore_ascii_case(word)).map(|_| rest[word.len()..].trim_start())?;
    let (address, parameters) = after.strip_prefix('<')?.split_once('>')?;
    // Routes before the address are ignored (RFC 5321, appendix C).
    let address = address.rsplit(':').next().unwrap_or(address);
    (address.len() <= 320 && !address.contains(char::is_control)).then(|| (address.to_owned(), parameters.to_owned()))
}

/// An address of the desk, where it has any; a desk without accounts takes everything.
fn recipient(desk: &Desk, rest: &str, envelope: &mut Envelope) -> String {
    if envelope.from.is_none() {
        return "503 5.5.1 from whom?".into();
    }
    let Some((address, _)) = path(rest, "TO:").filter(|(a, _)| !a.is_empty()) else { return "501 5.5.4 RCPT TO:<address>".into() };
    if envelope.to.len() >= RECIPIENTS_MAX {
        return "452 4.5.3 too many recipients".into();
    }
    let names = &desk.model().names;
    if !names.accounts.is_empty() && names.account_at(&address).is_none() {
        return "550 5.1.1 no such address here".into();
    }
    envelope.to.push(address);
    "250 2.1.5 good".into()
}
