//! As much of POP3 (RFC 1939, 2595, 5034) as fetching needs.

use crate::imap::Login;
use crate::spool::{broken, dotted, late, line};
use crate::tls::{Connection, Trust};
use base64::Engine;
use std::io::{Error, ErrorKind, Result};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncWriteExt, BufReader};
use vorgang_definitions::kinds::mail_account::{MailUrl, Security};
use vorgang_runtime::intake::incoming::Raw;

const SILENCE: Duration = Duration::from_secs(60);
const LINE_MAX: usize = 4_096;
/// Most mails that one connection looks at.
pub const LIST_MAX: usize = 200_000;

pub struct Client {
    connection: Connection,
    spool: Arc<Path>,
}

impl Client {
    pub async fn connect(url: &MailUrl, login: Login<'_>, trust: &Trust, spool: Arc<Path>) -> Result<Self> {
        let stream = trust.open(&url.host, url.port, url.security == Security::Tls).await?;
        let mut client = Self { connection: BufReader::with_capacity(64 * 1024, stream), spool };
        client.answer("greeting").await?;
        if url.security == Security::StartTls {
            client.command("STLS").await?;
            client.connection = trust.upgrade(client.connection, &url.host).await?;
        }
        match login {
            Login::Password(password) => {
                client.command(&format!("USER {}", plain(&url.user)?)).await?;
                client.command(&format!("PASS {}", plain(password)?)).await?;
            }
            Login::Token(token) => {
                let word = format!("user={}\x01auth=Bearer {token}\x01\x01", url.user);
                let word = base64::engine::general_purpose::STANDARD.encode(word);
                client.command(&format!("AUTH XOAUTH2 {word}")).await?;
            }
        }
        Ok(client)
    }

    async fn line(&mut self) -> Result<String> {
        let line = line(&mut self.connection, LINE_MAX, SILENCE).await?;
        let line = line.ok_or_else(|| Error::new(ErrorKind::UnexpectedEof, "the server has left"))?;
        Ok(String::from_utf8_lossy(&line).into_owned())
    }

    async fn answer(&mut self, verb: &str) -> Result<String> {
        let line = self.line().await?;
        match line.strip_prefix("+OK") {
            Some(rest) => Ok(rest.trim().to_owned()),
            None => Err(Error::other(format!(
                "the server refuses {verb}: {}",
                line.chars().filter(|c| !c.is_control()).take(200).collect::<String>()
            ))),
        }
    }

    async fn command(&mut self, command: &str) -> Result<String> {
        let write = async {
            self.connection.write_all(format!("{command}\r\n").as_bytes()).await?;
            self.connection.flush().await
        };
        tokio::time::timeout(SILENCE, write).await.map_err(|_| late())??;
        // Never the password that a command may carry.
        self.answer(command.split(' ').next().unwrap_or_default()).await
    }

    /// Numbers and unique ids.
    pub async fn list(&mut self) -> Result<Vec<(u32, String)>> {
        self.command("UIDL").await?;
        let mut all = vec![];
        loop {
            let line = self.line().await?;
            if line == "." {
                return Ok(all);
            }
            let (number, id) = line.split_once(' ').ok_or_else(|| broken("the server's list cannot be read"))?;
            let number = number.parse().map_err(|_| broken("the server's list cannot be read"))?;
            if all.len() < LIST_MAX {
                all.push((number, id.trim().chars().take(100).collect()));
            }
        }
    }

    /// `None` for one that is too large.
    pub async fn fetch(&mut self, number: u32) -> Result<Option<Raw>> {
        self.command(&format!("RETR {number}")).await?;
        dotted(&mut self.connection, self.spool.clone(), SILENCE).await
    }

    /// It goes when we say goodbye.
    pub async fn delete(&mut self, number: u32) -> Result<()> {
        self.command(&format!("DELE {number}")).await.map(|_| ())
    }

    pub async fn quit(mut self) -> Result<()> {
        self.command("QUIT").await.map(|_| ())
    }
}

fn plain(text: &str) -> Result<&str> {
    if text.chars().any(char::is_control) { Err(broken("names and passwords have no control characters")) } else { Ok(text) }
}
