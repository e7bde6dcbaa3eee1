//! The way out: each account's own server, or the desk's.

use crate::secrets::Secrets;
use crate::smtp::{Config, Smtp};
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use vorgang_definitions::kinds::mail_account::MailAccount;
use vorgang_runtime::outbox::{Mail, Mailer, SendError, Servers};

pub struct Post {
    default: Option<Smtp>,
    secrets: Secrets,
    /// A further authority for servers' certificates, as PEM.
    ca: Option<Vec<u8>>,
    /// By everything that makes a connection what it is.
    servers: Mutex<HashMap<String, Arc<Smtp>>>,
}

impl Post {
    pub fn new(default: Option<Smtp>, secrets: Secrets, ca: Option<Vec<u8>>) -> Self {
        Self { default, secrets, ca, servers: Mutex::default() }
    }

    /// The account's own server, connected to as it is defined and may be entered now.
    pub fn server(&self, account: &MailAccount) -> Result<Arc<Smtp>, String> {
        let url = account.send.as_ref().ok_or("the account has no server that takes mail")?;
        let secret = self.secrets.of(&account.name);
        if !url.user.is_empty() && secret.is_none() {
            return Err(format!(
                "the account `{0}` has no password: VORGANG_SECRET_{1}, or the file `{0}` of --secrets",
                account.name,
                account.name.to_ascii_uppercase()
            ));
        }
        let key =
            format!("{url:?} {} {:?}", account.address.address, secret.as_ref().map(|s| vorgang_runtime::sha256(s.reveal().as_bytes())));
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = servers.get(&key) {
            return Ok(known.clone());
        }
        let from = if account.address.name.is_empty() {
            account.address.address.clone()
        } else {
            format!("\"{}\" <{}>", account.address.name.replace(['"', '\\'], " "), account.address.address)
        };
        let smtp = Smtp::at(url, &from, secret.as_ref().map(|s| s.reveal()), self.ca.as_deref()).map_err(|e| e.to_string())?;
        let smtp = Arc::new(smtp);
        // Those of earlier passwords and definitions are of no use any more.
        servers.retain(|k, _| !k.contains(&format!(" {} ", account.address.address)));
        servers.insert(key, smtp.clone());
        Ok(smtp)
    }
}

#[async_trait]
impl Mailer for Post {
    async fn send(&self, mail: &Mail) -> Result<(), SendError> {
        match (&mail.account, &self.default) {
            (Some(account), _) => self.server(account).map_err(SendError::Temporary)?.send(mail).await,
            (None, Some(default)) => default.send(mail).await,
            (None, None) => Err(SendError::Temporary("no server takes mail: --mail-url, or `send` of the account".into())),
        }
    }

    fn has_default(&self) -> bool {
        self.default.is_some()
    }
}

#[async_trait]
impl Servers for Post {
    async fn test(&self, account: &MailAccount) -> Vec<Result<String, String>> {
        let mut all = vec![];
        if let Some(url) = &account.send {
            all.push(match self.server(account) {
                Ok(server) => server.check().await.map(|()| format!("{} takes mail", url.host)),
                Err(why) => Err(why),
            });
        }
        all
    }
}

/// What says that a configuration is one.
pub fn default_server(config: Option<&Config>) -> Result<Option<Smtp>, crate::smtp::ConfigError> {
    config.map(Smtp::new).transpose()
}
