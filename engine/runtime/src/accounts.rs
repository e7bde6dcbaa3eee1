//! People signing in: one-time links, passwords, sessions, tokens. Secrets are stored as hashes only.

use crate::desk::{Desk, random, sha256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::sync::Arc;
use vorgang_core::desk_event::DeskEvent;
use vorgang_core::people::{Person, PersonKind, PersonPatch, Settings};
use vorgang_core::security::{By, Entry};
use vorgang_store::{Result, SecretKind, Session, StoreError};

/// How long a session lasts.
const SESSION: SignedDuration = SignedDuration::from_hours(12);
/// How long a one-time link waits to be used.
pub const LINK: SignedDuration = SignedDuration::from_mins(30);
/// Longest password that is looked at, in bytes.
pub const PASSWORD_BYTES_MAX: usize = 1_024;
pub const PASSWORD_BYTES_MIN: usize = 10;

/// A new secret and its hash: 256 bits from the system.
fn secret() -> (String, [u8; 32]) {
    let text = URL_SAFE_NO_PAD.encode(random::<32>());
    let hash = sha256(text.as_bytes());
    (text, hash)
}

/// Whoever signed in, with the session's token against forged forms.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub person: Arc<Person>,
    pub csrf: String,
    pub session: String,
}

impl Desk {
    /// The secret part of a one-time link.
    pub async fn link_create(&self, login: &str, lasts: SignedDuration) -> Result<String> {
        let (text, hash) = secret();
        let now = self.clock.now();
        self.store.secret_add(SecretKind::LoginLink, hash, login, "", now, now + lasts).await?;
        self.note_security(self.by("", "cli"), "link.created", login, json!({"expires": now + lasts})).await;
        Ok(text)
    }

    /// Spends a link; `None` when it is unknown, used or too old.
    pub async fn link_sign_in(&self, link: &str) -> Result<Option<SignedIn>> {
        match self.store.login_link_take(sha256(link.as_bytes()), self.clock.now()).await? {
            Some(login) => {
                let signed_in = self.session_create(&login).await?;
                let event = if signed_in.is_some() { "sign_in" } else { "sign_in.failed" };
                self.note_security(self.by(&login, "portal"), event, &login, json!({"way": "link"})).await;
                Ok(signed_in)
            }
            None => Ok(None),
        }
    }

    /// Somebody whom the database knows: who is new on another node is read now.
    async fn person_known(&self, login: &str) -> Result<Option<Arc<Person>>> {
        if self.people().get(login).is_none() {
            self.reload_people().await?;
        }
        Ok(self.people().get(login).cloned())
    }

    /// A new session with a new id.
    pub async fn session_create(&self, login: &str) -> Result<Option<SignedIn>> {
        let person = self.person_known(login).await?;
        let Some(person) = person.filter(|p| p.active && p.kind != PersonKind::System) else { return Ok(None) };
        let (session, hash) = secret();
        let (csrf, _) = secret();
        let now = self.clock.now();
        self.store.secret_add(SecretKind::Session, hash, login, &csrf, now, now + SESSION).await?;
        Ok(Some(SignedIn { person, csrf, session }))
    }

    pub async fn session_person(&self, session: &str) -> Result<Option<SignedIn>> {
        let Some(Session { login, csrf, .. }) = self.store.session_get(sha256(session.as_bytes()), self.clock.now()).await? else {
            return Ok(None);
        };
        let person = self.person_known(&login).await?.filter(|p| p.active);
        Ok(person.map(|person| SignedIn { person, csrf, session: session.to_owned() }))
    }

    pub async fn session_end(&self, session: &str) -> Result<()> {
        let whose = self.session_person(session).await?;
        self.store.session_delete(sha256(session.as_bytes())).await?;
        if let Some(SignedIn { person, .. }) = whose {
            self.note_security(self.by(&person.login, "portal"), "sign_out", &person.login, json!({})).await;
        }
        Ok(())
    }

    pub async fn token_create(&self, login: &str) -> Result<String> {
        let (text, hash) = secret();
        let now = self.clock.now();
        self.store.secret_add(SecretKind::ApiToken, hash, login, "", now, Timestamp::MAX).await?;
        self.note_security(self.by("", "cli"), "token.created", login, json!({})).await;
        Ok(text)
    }

    pub async fn token_person(&self, token: &str) -> Result<Option<Arc<Person>>> {
        let login = self.store.token_login(sha256(token.as_bytes())).await?;
        let Some(login) = login else { return Ok(None) };
        Ok(self.person_known(&login).await?.filter(|p| p.active))
    }

    pub async fn password_change(&self, login: &str, password: &str) -> Result<()> {
        let password = password.to_owned();
        let hash = tokio::task::spawn_blocking(move || hash_password(&password)).await.map_err(gone)??;
        self.store.password_set(login, Some(&hash)).await?;
        self.note_security(self.by("", "cli"), "password.changed", login, json!({})).await;
        self.sessions_end(login).await
    }

    /// Sessions, sign-in links and tokens of this person end at once.
    pub async fn sessions_end(&self, login: &str) -> Result<()> {
        self.store.sessions_delete_of(login).await?;
        self.note_security(self.by("", "cli"), "sessions.ended", login, json!({})).await;
        Ok(())
    }

    /// Takes as long for unknown people as for known ones.
    pub async fn password_sign_in(&self, login: &str, password: &str) -> Result<Option<SignedIn>> {
        if password.len() > PASSWORD_BYTES_MAX {
            return Ok(None);
        }
        let known = self.store.password_get(login).await?;
        let password = password.to_owned();
        // Each takes 19 MiB: a few at a time.
        let _turn = VERIFYING.acquire().await.map_err(|e| StoreError::Unavailable(e.to_string()))?;
        let right = tokio::task::spawn_blocking(move || verify_password(&password, known.as_deref())).await.map_err(gone)?;
        if right { self.session_create(login).await } else { Ok(None) }
    }

    /// Changes the named fields of a person: other fields stay as they are now, whatever the caller last saw. `Conflict` where the
    /// person's version is not the expected one. The version afterwards.
    pub async fn person_change(&self, login: &str, patch: &PersonPatch, expected: Option<u64>, by: &By) -> Result<u64> {
        // Handlers know the person as changed.
        let _held = self.locks.hold(crate::desk::DESK).await;
        let version = self.store.person_change(login, patch, expected, by, self.people_happen()).await?;
        tracing::info!(target: "vorgang::security", actor = by.actor, cause = by.cause, about = login, version, "person.changed");
        self.reload_people().await?;
        Ok(version)
    }

    pub async fn settings_save(&self, login: &str, settings: &Settings) -> Result<()> {
        self.person_change(login, &PersonPatch::of_settings(settings), None, &self.by(login, "portal")).await.map(|_| ())
    }

    /// Brings people in. Those who are there are changed to what is given, but for their settings.
    pub async fn people_save(&self, people: &[Person]) -> Result<()> {
        self.reload_people().await?;
        let (known, new): (Vec<&Person>, Vec<&Person>) = people.iter().partition(|p| self.people().get(&p.login).is_some());
        let by = self.by("", "cli");
        for person in known {
            self.person_change(&person.login, &PersonPatch::all_of(person), None, &by).await?;
        }
        if new.is_empty() {
            return Ok(());
        }
        let happens = self.people_happen().then(|| self.clock.now());
        let new: Vec<Person> = new.into_iter().cloned().collect();
        // Handlers know somebody who is new.
        let _held = self.locks.hold(crate::desk::DESK).await;
        self.store.person_save(&new, happens).await?;
        let entry = |p: &Person| Entry {
            by: by.clone(),
            event: "person.created".into(),
            about: p.login.to_string(),
            details: json!({"kind": p.kind.word(), "roles": p.roles, "company": p.company, "active": p.active}),
        };
        self.store.security_add(new.iter().map(entry).collect()).await?;
        self.reload_people().await
    }

    /// Does a handler of the site wait for what happens to people?
    fn people_happen(&self) -> bool {
        let model = self.model();
        DeskEvent::PEOPLE.iter().any(|e| model.handlers.contains_key(*e))
    }
}

fn gone(e: tokio::task::JoinError) -> StoreError {
    StoreError::Unavailable(e.to_string())
}

fn hash_password(password: &str) -> Result<String> {
    use argon2::PasswordHasher;
    let hash = argon2::Argon2::default().hash_password(password.as_bytes()).map_err(|e| StoreError::Unavailable(e.to_string()))?;
    Ok(hash.to_string())
}

/// argon2id with its default cost, of a random password: what an unknown login is compared with.
static DECOY: std::sync::LazyLock<String> =
    std::sync::LazyLock::new(|| hash_password(&URL_SAFE_NO_PAD.encode(random::<32>())).unwrap_or_default());

static VERIFYING: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(4);

fn verify_password(password: &str, known: Option<&str>) -> bool {
    use argon2::PasswordVerifier;
    let stored = known.unwrap_or(&DECOY);
    let Ok(hash) = argon2::PasswordHash::new(stored) else { return false };
    argon2::Argon2::default().verify_password(password.as_bytes(), &hash).is_ok() && known.is_some()
}

/// Bytes for numbers that only have to differ.
pub fn random_id<const N: usize>() -> [u8; N] {
    random()
}
