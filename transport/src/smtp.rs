//! Mail over SMTP, encrypted to a server whose certificate was verified.

use crate::imap::Login;
use crate::message::message;
use async_trait::async_trait;
use lettre::address::Envelope;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{Error, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use std::net::IpAddr;
use std::time::Duration;
use url::{Host, Url};
use vorgang_definitions::kinds::mail_account::{MailUrl, Security};
use vorgang_runtime::outbox::{Mail, Mailer, Origin, SendError};

/// How long the server may take for one answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Connections that are kept.
const CONNECTIONS: u32 = 8;

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error(
        "`{0}` is no address of a mail server: write smtp://host (STARTTLS), smtps://host (TLS), or smtp+plain://127.0.0.1 for a relay on this machine"
    )]
    Url(String),
    #[error("smtp+plain:// sends without encryption, which is for a relay on this machine only: 127.0.0.1 or [::1]")]
    Plain,
    #[error("a password belongs into VORGANG_MAIL_PASSWORD or the file that VORGANG_MAIL_PASSWORD_FILE names, not into the address")]
    Password,
    #[error("`{0}` is no sender: write `Help desk <desk@example.org>`")]
    From(String),
    #[error("TLS: {0}")]
    Tls(#[from] Error),
}

/// Where mail goes, and as whom.
#[derive(Clone, Default)]
pub struct Config {
    /// `smtp://user@host:587`, `smtps://user@host`, or `smtp+plain://127.0.0.1:25`.
    pub url: String,
    /// The sender of every mail.
    pub from: String,
    pub password: Option<String>,
    /// A further authority for the server's certificate, as PEM.
    pub ca: Option<Vec<u8>>,
}

pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        let bad = || ConfigError::Url(config.url.clone());
        let url = Url::parse(&config.url).map_err(|_| bad())?;
        let host = url.host_str().filter(|h| !h.is_empty()).ok_or_else(bad)?.to_owned();
        if url.password().is_some() {
            return Err(ConfigError::Password);
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(bad());
        }
        let (tls, port) = match url.scheme() {
            "smtp" => (Tls::Required(tls(&host, config.ca.as_deref())?), 587),
            "smtps" => (Tls::Wrapper(tls(&host, config.ca.as_deref())?), 465),
            "smtp+plain" if is_here(&url) => (Tls::None, 25),
            "smtp+plain" => return Err(ConfigError::Plain),
            _ => return Err(bad()),
        };
        let user = percent(url.username());
        let login = (!user.is_empty()).then(|| (user.as_str(), Login::Password(config.password.as_deref().unwrap_or_default())));
        Self::build(&host, url.port().unwrap_or(port), tls, login, &config.from)
    }

    /// The server of a mail account.
    pub fn at(url: &MailUrl, from: &str, login: Option<Login<'_>>, ca: Option<&[u8]>) -> Result<Self, ConfigError> {
        let tls = match url.security {
            Security::StartTls => Tls::Required(tls(&url.host, ca)?),
            Security::Tls => Tls::Wrapper(tls(&url.host, ca)?),
            Security::Plain => Tls::None,
        };
        let login = login.map(|l| (url.user.as_str(), l));
        Self::build(&url.host, url.port, tls, login, from)
    }

    fn build(host: &str, port: u16, tls: Tls, login: Option<(&str, Login<'_>)>, from: &str) -> Result<Self, ConfigError> {
        let from: Mailbox = from.parse().map_err(|_| ConfigError::From(from.to_owned()))?;
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host.trim_matches(['[', ']']))
            .port(port)
            .tls(tls)
            .timeout(Some(TIMEOUT))
            .pool_config(PoolConfig::new().max_size(CONNECTIONS));
        match login {
            Some((user, Login::Password(password))) => {
                builder = builder.credentials(Credentials::new(user.to_owned(), password.to_owned()));
            }
            Some((user, Login::Token(token))) => {
                builder = builder.credentials(Credentials::new(user.to_owned(), token.to_owned()));
                builder = builder.authentication(vec![Mechanism::Xoauth2]);
            }
            None => {}
        }
        Ok(Self { transport: builder.build(), from })
    }

    /// Does the server answer, and let us in?
    pub async fn check(&self) -> Result<(), String> {
        match self.transport.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err("the server is not ready".into()),
            Err(e) => Err(said(&e)),
        }
    }
}

fn tls(host: &str, ca: Option<&[u8]>) -> Result<TlsParameters, ConfigError> {
    let mut builder = TlsParameters::builder(host.trim_matches(['[', ']']).to_owned());
    if let Some(ca) = ca {
        builder = builder.add_root_certificate(Certificate::from_pem(ca)?);
    }
    Ok(builder.build_rustls()?)
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::from(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::from(ip).is_loopback(),
        // Other schemes than the web's leave addresses as text.
        Some(Host::Domain(name)) => name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()),
        None => false,
    }
}

/// `user%40example.org` as it was meant.
fn percent(text: &str) -> String {
    let pairs = format!("x={}", text.replace('+', "%2B"));
    url::form_urlencoded::parse(pairs.as_bytes()).next().map_or_else(|| text.to_owned(), |(_, v)| v.into_owned())
}

#[async_trait]
impl Mailer for Smtp {
    async fn send(&self, mail: &Mail) -> Result<(), SendError> {
        let message = message(mail, &self.from).map_err(SendError::Permanent)?;
        let sent = match mail.origin {
            // Nobody is told that a response by itself was not delivered (RFC 3834, 3.3).
            Origin::Replied => {
                let to = message.envelope().to().to_vec();
                let envelope = Envelope::new(None, to).map_err(|e| SendError::Permanent(e.to_string()))?;
                self.transport.send_raw(&envelope, &message.formatted()).await
            }
            _ => self.transport.send(message).await,
        };
        sent.map(|_| ()).map_err(|e| judged(&e))
    }
}

/// What says something about this one mail is final; what says something about the server or our account may change.
fn judged(e: &Error) -> SendError {
    let text = said(e);
    let code = e.status().map(|c| c.to_string());
    match code.as_deref() {
        Some("501" | "550" | "551" | "552" | "553" | "554" | "555") => SendError::Permanent(text),
        None if e.is_timeout() => SendError::Silent(text),
        _ => SendError::Temporary(text),
    }
}

/// An error with all that caused it.
fn said(e: &Error) -> String {
    let mut text = e.to_string();
    let mut source = std::error::Error::source(e);
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}
