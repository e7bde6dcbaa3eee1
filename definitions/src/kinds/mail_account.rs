use crate::diagnostic::Diagnostic;
use crate::kinds::kind::Kind;
use crate::load::{Load, Loader, OneOrMany, Schemas};
use crate::name::Name;
use crate::source::Span;
use crate::text::Text;
use crate::yaml::{Node, Value};
use crate::{choice, record};
use serde_json::json;

record! {
    /// An address of the desk: what comes to it becomes tickets, and what its queues write goes out from it. Passwords come
    /// from the server's configuration.
    pub struct MailAccount as "a mail account" {
        /// The kind of this definition.
        kind "kind": Kind = "MailAccount";
        /// The name of the account; its password is found under it.
        name "name": Name = "support";
        /// What people read.
        title "title": Option<Text> = { "en": "Support", "de": "Support" };
        /// The sender of its mail, and whom people write to.
        address "address": Mailbox = "Help desk <support@example.org>";
        /// Further addresses whose mail comes here.
        aliases "aliases": Option<OneOrMany<Mailbox>> = ["help@example.org"];
        /// The queue of its new tickets.
        queue "queue": Name = "service";
        /// The type of its new tickets.
        ticket_type "type": Name = "request";
        /// Mail that was fetched from here or was handed over for this address may set what a ticket gets, by headers `X-OTRS-…`.
        trusted "trusted": bool = true;
        /// The host whose `Authentication-Results` are believed; without it the desk checks by itself.
        believes "believes": Option<String> = "mx.example.org";
        /// Where its mail is fetched, with TLS (`imaps`, `pop3s`) or STARTTLS (`imap`, `pop3`), and the folder behind the host.
        receive "receive": Option<MailUrl> = "imaps://support@mail.example.org/INBOX";
        /// Fetched mail stays in the mailbox, marked as seen; otherwise it is deleted once it is safe here.
        keep "keep": bool = true;
        /// The server that takes its mail, with TLS (`smtps`) or STARTTLS (`smtp`); without it the desk's own (`--mail-url`).
        send "send": Option<MailUrl> = "smtps://support@mail.example.org";
        /// Signs in with a token instead of a password.
        oauth "oauth": Option<OAuth> = { "provider": "microsoft", "client": "3f2c…", "tenant": "example.org" };
    }
}

impl MailAccount {
    pub fn addresses(&self) -> impl Iterator<Item = &Mailbox> {
        std::iter::once(&self.address).chain(self.aliases.iter().flat_map(|a| a.iter()))
    }
}

record! {
    /// How tokens for the mail server are had (RFC 6749). The first refresh token and the client's secret come from the
    /// server's configuration.
    pub struct OAuth as "a way to tokens" {
        /// Whose.
        provider "provider": Provider = "microsoft";
        /// The application's id.
        client "client": String = "3f2c1a9e";
        /// Of Microsoft: the directory.
        tenant "tenant": Option<String> = "example.org";
        /// Of `own`: where tokens are given.
        token_url "token_url": Option<String> = "https://id.example.org/token";
        /// Of `own`: what is asked for.
        scope "scope": Option<String> = "mail";
    }
}

choice! {
    /// Who gives tokens for a mail server.
    pub enum Provider {
        /// Exchange Online.
        Microsoft "microsoft",
        /// Gmail and Workspace.
        Google "google",
        /// Another server.
        Own "own",
    }
}

/// `Name <local@domain>`, or the address alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    pub name: String,
    /// As it is written; compared without regard to case.
    pub address: String,
    pub span: Span,
}

impl Mailbox {
    /// `support@example.org` or `Help desk <support@example.org>`.
    pub fn parse(text: &str, span: Span) -> Option<Self> {
        let (name, address) = match text.split_once('<') {
            Some((name, rest)) => (name.trim().trim_matches('"'), rest.strip_suffix('>')?),
            None => ("", text.trim()),
        };
        let plain = |t: &str| !t.is_empty() && t.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"<>,;:\"()[]\\@".contains(c));
        let (local, domain) = address.split_once('@')?;
        let good = plain(local) && plain(domain) && !name.chars().any(char::is_control);
        good.then(|| Self { name: name.to_owned(), address: address.to_owned(), span })
    }

    pub fn is(&self, address: &str) -> bool {
        self.address.eq_ignore_ascii_case(address)
    }
}

impl Load for Mailbox {
    fn schema(_: &mut Schemas) -> serde_json::Value {
        json!({"type": "string", "pattern": "^([^<>]*<)?[^\\s<>,;:\"()\\[\\]\\\\@]+@[^\\s<>,;:\"()\\[\\]\\\\@]+>?$"})
    }

    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        let found = match &node.value {
            Value::Text(text) => Self::parse(text, node.span),
            _ => None,
        };
        if found.is_none() {
            let d = Diagnostic::error("wrong-type", node.span, "not an address of mail");
            cx.push(d.help("write `support@example.org` or `Help desk <support@example.org>`"));
        }
        found
    }
}

/// How a mail server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Imap,
    Pop3,
    Smtp,
}

/// `SCHEME://USER@HOST:PORT/FOLDER`; without a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailUrl {
    pub protocol: Protocol,
    pub security: Security,
    pub user: String,
    pub host: String,
    pub port: u16,
    /// Of IMAP.
    pub folder: String,
    pub span: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte.
    Tls,
    /// Plain until the server has agreed to TLS; it has to.
    StartTls,
    /// To this machine only.
    Plain,
}

const SCHEMES: &[(&str, Protocol, Security, u16)] = &[
    ("imaps", Protocol::Imap, Security::Tls, 993),
    ("imap", Protocol::Imap, Security::StartTls, 143),
    ("imap+plain", Protocol::Imap, Security::Plain, 143),
    ("pop3s", Protocol::Pop3, Security::Tls, 995),
    ("pop3", Protocol::Pop3, Security::StartTls, 110),
    ("pop3+plain", Protocol::Pop3, Security::Plain, 110),
    ("smtps", Protocol::Smtp, Security::Tls, 465),
    ("smtp", Protocol::Smtp, Security::StartTls, 587),
    ("smtp+plain", Protocol::Smtp, Security::Plain, 25),
];

impl MailUrl {
    pub fn parse(text: &str, span: Span) -> Result<Self, &'static str> {
        let (scheme, rest) = text.split_once("://").ok_or("an address of a server is `imaps://USER@HOST/FOLDER`")?;
        let known = SCHEMES.iter().find(|(s, ..)| *s == scheme);
        let (_, protocol, security, standard) = *known.ok_or("schemes are imaps, imap, pop3s, pop3, smtps, smtp, and these with +plain")?;
        let (place, folder) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, server) = place.rsplit_once('@').unwrap_or(("", place));
        if user.contains(':') {
            return Err("a password belongs into the server's configuration, not into a definition");
        }
        let (host, port) = match server.rsplit_once(':').filter(|(h, _)| !h.starts_with('[') || h.ends_with(']')) {
            Some((host, port)) => (host, port.parse().map_err(|_| "a port is a number up to 65535")?),
            None => (server, standard),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let bad = |c: char| c.is_whitespace() || c.is_control() || "/?#@<>\"".contains(c);
        if host.is_empty() || host.contains(bad) || user.contains(char::is_control) || folder.contains(char::is_control) {
            return Err("an address of a server is `imaps://USER@HOST/FOLDER`");
        }
        let here = host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if security == Security::Plain && !here {
            return Err("without encryption only to this machine: 127.0.0.1 or [::1]");
        }
        if !folder.is_empty() && protocol != Protocol::Imap {
            return Err("only IMAP has folders");
        }
        let folder = if folder.is_empty() { "INBOX" } else { folder };
        Ok(Self { protocol, security, user: decoded(user), host: host.to_owned(), port, folder: decoded(folder), span })
    }
}

/// `user%40example.org` as it was meant.
fn decoded(text: &str) -> String {
    let mut bytes = vec![];
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|h| u8::from_str_radix(std::str::from_utf8(h).ok()?, 16).ok());
        match (first, hex) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (byte, _) => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Load for MailUrl {
    fn schema(_: &mut Schemas) -> serde_json::Value {
        let (user, port, folder) = ("([^:/\\s]*@)?", "(:[0-9]{1,5})?", "(/.*)?");
        let anywhere = format!("(imap|pop3|smtp)s?://{user}(\\[[^\\s\\]@/]+\\]|[^\\s/?#@<>\":\\[\\]]+){port}{folder}");
        let here = format!("(imap|pop3|smtp)\\+plain://{user}(127(\\.[0-9]{{1,3}}){{3}}|\\[::1\\]){port}{folder}");
        json!({"type": "string", "pattern": format!("^({anywhere}|{here})$")})
    }

    fn load(node: &Node, cx: &mut Loader) -> Option<Self> {
        let Value::Text(text) = &node.value else {
            cx.wrong_type(node, "the address of a mail server");
            return None;
        };
        match Self::parse(text, node.span) {
            Ok(url) => Some(url),
            Err(why) => {
                cx.push(Diagnostic::error("wrong-type", node.span, format!("not the address of a mail server: {why}")));
                None
            }
        }
    }
}
