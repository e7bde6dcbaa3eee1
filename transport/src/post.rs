//! The way out: each account's own server, or the desk's.

use crate::fetch::{self, Key, Surroundings};
use crate::smtp::Smtp;
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use vorgang_definitions::kinds::mail_account::MailAccount;
use vorgang_runtime::Desk;
use vorgang_runtime::outbox::{Mail, Mailer, SendError, Servers};

pub struct Post {
    default: Option<Smtp>,
    desk: Arc<Desk>,
    around: Arc<Surroundings>,
    /// By everything that makes a connection what it is.
    servers: Mutex<HashMap<String, (String, Arc<Smtp>)>>,
}

impl Post {
    pub fn new(default: Option<Smtp>, desk: Arc<Desk>, around: Arc<Surroundings>) -> Self {
        Self { default, desk, around, servers: Mutex::default() }
    }

    /// The account's own server, connected to as it is defined and may be entered now.
    async fn server(&self, account: &MailAccount) -> Result<Arc<Smtp>, String> {
        let url = account.send.as_ref().ok_or("the account has no server that takes mail")?;
        let key = if url.user.is_empty() { None } else { Some(Key::for_account(&self.desk, &self.around, account).await?) };
        let secret = key.as_ref().map(|k| vorgang_runtime::sha256(k.reveal().as_bytes()));
        let wanted = format!("{url:?} {:?} {secret:?}", account.address);
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, smtp)) = servers.get(account.name.as_str()).filter(|(known, _)| *known == wanted) {
            return Ok(smtp.clone());
        }
        let from = match account.address.name.as_str() {
            "" => account.address.address.clone(),
            name => format!("\"{}\" <{}>", name.replace(['"', '\\'], " "), account.address.address),
        };
        let smtp = Arc::new(Smtp::at(url, &from, key.as_ref().map(Key::login), self.around.ca.as_deref()).map_err(|e| e.to_string())?);
        // Those of earlier passwords and definitions are of no use any more.
        servers.insert(account.name.to_string(), (wanted, smtp.clone()));
        Ok(smtp)
    }
}

#[async_trait]
impl Mailer for Post {
    async fn send(&self, mail: &Mail) -> Result<(), SendError> {
        match (&mail.account, &self.default) {
            (Some(account), _) => self.server(account).await.map_err(SendError::Temporary)?.send(mail).await,
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
        if account.receive.is_some() {
            all.push(fetch::test(&self.desk, &self.around, account).await);
        }
        if let Some(url) = &account.send {
            all.push(match self.server(account).await {
                Ok(server) => server.check().await.map(|()| format!("{} takes mail", url.host)),
                Err(why) => Err(why),
            });
        }
        all
    }
}
