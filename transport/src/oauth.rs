//! Tokens for mail servers (RFC 6749, refresh tokens): had when they are needed, kept until they are about to expire.

use crate::secrets::{Secret, Secrets};
use crate::tls::Trust;
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Mutex;
use vorgang_definitions::kinds::mail_account::{MailAccount, OAuth, Provider};

/// A token is renewed so long before it expires.
const EARLY: SignedDuration = SignedDuration::from_secs(120);
const ANSWER: Duration = Duration::from_secs(30);
/// Longest answer, in bytes.
const ANSWER_MAX: u64 = 256 * 1024;

/// What an account's secret holds instead of a password: JSON.
#[derive(serde::Deserialize)]
struct Given {
    refresh_token: String,
    #[serde(default)]
    client_secret: String,
}

#[derive(serde::Deserialize)]
struct Answer {
    access_token: Option<String>,
    expires_in: Option<i64>,
    refresh_token: Option<String>,
    /// In seconds; not every provider says it.
    refresh_token_expires_in: Option<i64>,
    error: Option<String>,
    error_description: Option<String>,
}

struct Known {
    token: Secret,
    until: Timestamp,
}

#[derive(Default)]
pub struct Tokens(Mutex<HashMap<String, Known>>);

/// A token, and the refresh token that came with it, where it is another one.
pub struct Had {
    pub token: Secret,
    pub refresh: Option<String>,
    /// When the refresh token ends, where the provider has said it just now.
    pub ends: Option<Timestamp>,
}

impl Tokens {
    /// `refresh`: the last refresh token that an answer brought.
    pub async fn token(
        &self,
        account: &MailAccount,
        oauth: &OAuth,
        secrets: &Secrets,
        trust: &Trust,
        refresh: Option<&str>,
        now: Timestamp,
    ) -> Result<Had, String> {
        let mut known = self.0.lock().await;
        if let Some(k) = known.get(account.name.as_str()).filter(|k| k.until > now) {
            return Ok(Had { token: k.token.clone(), refresh: None, ends: None });
        }
        let secret = secrets.secret_of(&account.name).ok_or("the account has no secret: JSON with `refresh_token` and `client_secret`")?;
        let given: Given = serde_json::from_str(secret.reveal()).map_err(|_| "the account's secret is not JSON with `refresh_token`")?;
        let refresh = refresh.unwrap_or(&given.refresh_token);
        let mut form = vec![("grant_type", "refresh_token"), ("client_id", oauth.client.as_str()), ("refresh_token", refresh)];
        if !given.client_secret.is_empty() {
            form.push(("client_secret", given.client_secret.as_str()));
        }
        let scope = scope(oauth);
        if !scope.is_empty() {
            form.push(("scope", scope.as_str()));
        }
        let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let address = token_url(oauth);
        let answer = tokio::time::timeout(ANSWER, post(&address, &body, trust)).await;
        let answer = answer.map_err(|_| "the server of tokens does not answer".to_owned())??;
        let answer: Answer = serde_json::from_slice(&answer).map_err(|_| "the server of tokens answers what cannot be read")?;
        let Some(token) = answer.access_token else {
            let why = answer.error.unwrap_or_default();
            let more = answer.error_description.unwrap_or_default().chars().take(200).collect::<String>();
            let help = if why == "invalid_grant" { "; its refresh token has expired or was taken back: sign in again" } else { "" };
            return Err(format!("no token is given: {why} {more}{help}").trim().to_owned());
        };
        let token = Secret::new(token);
        let until = now + SignedDuration::from_secs(answer.expires_in.unwrap_or(300).clamp(0, 86_400)) - EARLY;
        known.insert(account.name.to_string(), Known { token: token.clone(), until });
        let ends = answer.refresh_token_expires_in.map(|s| now + SignedDuration::from_secs(s.clamp(0, 10 * 365 * 86_400)));
        Ok(Had { token, refresh: answer.refresh_token.filter(|r| r != refresh), ends })
    }

    /// One that the server did not take is not tried again.
    pub async fn forget(&self, account: &str) {
        self.0.lock().await.remove(account);
    }
}

fn token_url(oauth: &OAuth) -> String {
    match oauth.provider {
        Provider::Microsoft => {
            format!("https://login.microsoftonline.com/{}/oauth2/v2.0/token", oauth.tenant.as_deref().unwrap_or("common"))
        }
        Provider::Google => "https://oauth2.googleapis.com/token".into(),
        Provider::Own => oauth.token_url.clone().unwrap_or_default(),
    }
}

fn scope(oauth: &OAuth) -> String {
    match (oauth.provider, &oauth.scope) {
        (_, Some(scope)) => scope.clone(),
        (Provider::Microsoft, None) => {
            "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access".into()
        }
        (Provider::Google, None) | (Provider::Own, None) => String::new(),
    }
}

/// One request on a connection of its own: redirects are not followed.
async fn post(address: &str, body: &str, trust: &Trust) -> Result<Vec<u8>, String> {
    let url = url::Url::parse(address).map_err(|_| "the address of tokens cannot be read")?;
    let host = url.host_str().ok_or("the address of tokens has no host")?.to_owned();
    let port = url.port_or_known_default().ok_or("the address of tokens has no port")?;
    let io = |e: std::io::Error| format!("the server of tokens cannot be reached: {e}");
    let here = host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if url.scheme() != "https" && !here {
        return Err("tokens come over https only".into());
    }
    let mut stream = trust.open(&host, port, url.scheme() == "https").await.map_err(io)?;
    let path = url.query().map_or_else(|| url.path().to_owned(), |q| format!("{}?{q}", url.path()));
    let request = format!(
        "POST {path} HTTP/1.0\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nAccept: application/json\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.map_err(io)?;
    stream.flush().await.map_err(io)?;
    let mut answer = vec![];
    let read = stream.take(ANSWER_MAX).read_to_end(&mut answer).await;
    // Servers that end without saying goodbye have said everything else.
    read.or_else(|e| if e.kind() == std::io::ErrorKind::UnexpectedEof && !answer.is_empty() { Ok(0) } else { Err(e) }).map_err(io)?;
    let at = answer.windows(4).position(|w| w == b"\r\n\r\n").ok_or("the server of tokens answers what cannot be read")?;
    Ok(answer[at + 4..].to_vec())
}
