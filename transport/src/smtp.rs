//! Mail over SMTP, encrypted to a server whose certificate was verified.

use crate::imap::Login;
use crate::message::message;
use crate::pool::{Pool, Server, Way};
use crate::tls::Trust;
use async_trait::async_trait;
use lettre::address::Envelope;
use lettre::message::Mailbox;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, TlsParameters};
use std::net::IpAddr;
use url::{Host, Url};
use vorgang_definitions::kinds::mail_account::{MailUrl, Security};
use vorgang_runtime::outbox::{Mail, Mailer, Origin, SendError};

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
    Tls(String),
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
    pool: Pool,
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
        let (security, port) = match url.scheme() {
            "smtp" => (Security::StartTls, 587),
            "smtps" => (Security::Tls, 465),
            "smtp+plain" if is_here(&url) => (Security::Plain, 25),
            "smtp+plain" => return Err(ConfigError::Plain),
            _ => return Err(bad()),
        };
        let user = percent(url.username());
        let login = (!user.is_empty()).then(|| (user.as_str(), Login::Password(config.password.as_deref().unwrap_or_default())));
        Self::build(&host, url.port().unwrap_or(port), security, login, &config.from, config.ca.as_deref())
    }

    /// The server of a mail account.
    pub fn at(url: &MailUrl, from: &str, login: Option<Login<'_>>, ca: Option<&[u8]>) -> Result<Self, ConfigError> {
        Self::build(&url.host, url.port, url.security, login.map(|l| (url.user.as_str(), l)), from, ca)
    }

    fn build(
        host: &str,
        port: u16,
        security: Security,
        login: Option<(&str, Login<'_>)>,
        from: &str,
        ca: Option<&[u8]>,
    ) -> Result<Self, ConfigError> {
        let from: Mailbox = from.parse().map_err(|_| ConfigError::From(from.to_owned()))?;
        let host = host.trim_matches(['[', ']']).to_owned();
        let way = match security {
            Security::Plain => Way::Plain,
            Security::StartTls => Way::StartTls(start_tls(&host, ca).map_err(|e| ConfigError::Tls(e.to_string()))?),
            Security::Tls => Way::Tls(Trust::new(ca).map_err(ConfigError::Tls)?),
        };
        let login = login.map(|(user, login)| match login {
            Login::Password(password) => (Credentials::new(user.to_owned(), password.to_owned()), vec![Mechanism::Plain, Mechanism::Login]),
            Login::Token(token) => (Credentials::new(user.to_owned(), token.to_owned()), vec![Mechanism::Xoauth2]),
        });
        Ok(Self { pool: Pool::new(Server { host, port, way, login }), from })
    }

    /// Does the server answer, and let us in?
    pub async fn check(&self) -> Result<(), String> {
        self.pool.check().await.map_err(|e| match e {
            SendError::Temporary(why) | SendError::Silent(why) | SendError::Permanent(why) => why,
        })
    }
}

fn start_tls(host: &str, ca: Option<&[u8]>) -> Result<TlsParameters, Error> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(ca) = ca {
        builder = builder.add_root_certificate(Certificate::from_pem(ca)?);
    }
    builder.build_rustls()
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
        let envelope = match mail.origin {
            // Nobody is told that mail of the desk itself was not delivered (RFC 5321, 4.5.5; RFC 3834, 3.3): a report to the desk
            // would set off the next mail.
            Origin::Replied | Origin::Generated => {
                &Envelope::new(None, message.envelope().to().to_vec()).map_err(|e| SendError::Permanent(e.to_string()))?
            }
            _ => message.envelope(),
        };
        self.pool.send(envelope, &message.formatted()).await
    }
}

/// What says something about this one mail is final; what says something about the server or our account may change.
pub fn judged(e: &Error) -> SendError {
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
